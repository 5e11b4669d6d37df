"""The headers that answers carry."""

from openccp.web.operations.shape import TEXT, Schema

_URI: Schema = {"type": "string", "format": "uri"}
_SOUGHT: dict[str, tuple[str, Schema]] = {
    "Location": ("The address of what was made.", _URI),
    "Link": ("Links (RFC 8288): results by reference, profiles, the job to monitor.", TEXT),
    "ETag": ("Another one with each change.", TEXT),
    "Preference-Applied": ("What of the header Prefer was followed.", TEXT),
    "Retry-After": ("Seconds to wait before trying again.", {"type": "integer"}),
    "Content-Range": ("Which bytes these are.", TEXT),
    "Accept-Ranges": ("Parts may be asked for.", {"type": "string", "enum": ["bytes"]}),
    "Content-Disposition": ("A name to keep the file under.", TEXT),
    "WWW-Authenticate": ("How to sign in.", TEXT),
    "Set-Cookie": ("The session.", TEXT),
    "Tus-Resumable": ("The version of tus.", {"type": "string", "enum": ["1.0.0"]}),
    "Upload-Offset": ("How many bytes are here.", {"type": "integer"}),
    "Upload-Length": ("How many bytes it has.", {"type": "integer"}),
    "Upload-Expires": ("Until when it is kept, if nothing more comes.", TEXT),
    "Repr-Digest": ("The sha-256 of a whole one.", TEXT),
    "Allow": ("The methods this address knows.", TEXT),
}
HEADERS = {
    name: {"description": words, "schema": schema} for name, (words, schema) in _SOUGHT.items()
}


def header_references(names: tuple[str, ...]) -> dict[str, Schema]:
    """The headers of an answer, by reference."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
