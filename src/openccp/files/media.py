"""Media types by name and content: a fixed table, so that every machine says the same."""

import codecs

TEXT = "text/plain"
BINARY = "application/octet-stream"

_EXTENSIONS = {
    "text/plain": "txt text log out err",
    "text/csv": "csv",
    "text/tab-separated-values": "tsv tab",
    "text/html": "html htm",
    "text/markdown": "md markdown",
    "text/x-python": "py",
    "text/x-r": "r",
    "text/x-sh": "sh",
    "text/css": "css",
    "text/javascript": "js",
    "application/json": "json",
    "application/geo+json": "geojson",
    "application/ld+json": "jsonld",
    "application/x-ndjson": "ndjson jsonl",
    "application/x-ipynb+json": "ipynb",
    "application/xml": "xml",
    "application/gml+xml": "gml",
    "application/vnd.google-earth.kml+xml": "kml",
    "application/yaml": "yaml yml",
    "application/toml": "toml",
    "application/pdf": "pdf",
    "application/zip": "zip",
    "application/gzip": "gz tgz",
    "application/x-tar": "tar",
    "application/x-bzip2": "bz2",
    "application/x-xz": "xz",
    "application/zstd": "zst",
    "application/x-netcdf": "nc nc4",
    "application/x-hdf5": "h5 hdf5",
    "application/vnd.apache.parquet": "parquet",
    "application/vnd.apache.arrow.file": "arrow feather",
    "application/geopackage+sqlite3": "gpkg",
    "application/vnd.sqlite3": "sqlite sqlite3 db",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
    "application/x-r-data": "rds rdata rda",
    "application/fits": "fits fit",
    "application/dicom": "dcm",
    "image/png": "png",
    "image/jpeg": "jpg jpeg",
    "image/gif": "gif",
    "image/svg+xml": "svg",
    "image/tiff": "tif tiff",
    "image/webp": "webp",
    "image/bmp": "bmp",
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "video/mp4": "mp4",
    "video/webm": "webm",
}
_BY_EXTENSION = {
    extension: media_type
    for media_type, extensions in _EXTENSIONS.items()
    for extension in extensions.split()
}
_TEXT_CONTROLS = frozenset(b"\t\n\v\f\r\b\x1b")
_CONTROLS = bytes(byte for byte in range(32) if byte not in _TEXT_CONTROLS)


def guess(name: str, head: bytes) -> str:
    """The media type of a file called `name` whose content begins with `head`."""
    return _BY_EXTENSION.get(extension(name)) or sniff(head)


def extension(name: str) -> str:
    """The extension of a file name in lower case, without the dot."""
    _, dot, last = name.rpartition("/")[2].rpartition(".")
    return last.lower() if dot else ""


def fits(name: str, media_type: str) -> bool:
    """Whether the extension of `name` is one of `media_type`'s."""
    essence = media_type.partition(";")[0].strip().lower()
    return _BY_EXTENSION.get(extension(name)) == essence


def sniff(head: bytes) -> str:
    """Text if it is UTF-8 without binary controls, else octets; an empty file is text."""
    if head.translate(None, _CONTROLS) != head:
        return BINARY
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return BINARY
    return TEXT
