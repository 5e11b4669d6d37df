"""Which preview a file gets: by its declared media type, checked by what is in it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from openccp.web.previews.geo import geojson
from openccp.web.previews.listing import tar_listing, zip_listing
from openccp.web.previews.notebook import notebook
from openccp.web.previews.plain import octets, picture, text
from openccp.web.previews.source import Source
from openccp.web.previews.table import table
from openccp.web.previews.tree import json_tree, ndjson_tree, yaml_tree

Kind = Callable[[Source], dict[str, Any] | None]
KINDS: Mapping[str, tuple[Kind, ...]] = {
    "text/csv": (table,),
    "text/tab-separated-values": (table,),
    "application/json": (json_tree,),
    "application/ld+json": (json_tree,),
    "application/geo+json": (geojson, json_tree),
    "application/x-ipynb+json": (notebook,),
    "application/x-ndjson": (ndjson_tree,),
    "application/yaml": (yaml_tree,),
    "application/zip": (zip_listing,),
    "application/x-tar": (tar_listing,),
    **dict.fromkeys(
        ("image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"), (picture,)
    ),
}


def preview(path: Path, media_type: str) -> dict[str, Any]:
    """What a stored file looks like; reads it, so run it in a thread."""
    source = Source.of(path, media_type)
    with source.file:
        for kind in (*KINDS.get(source.media_type, ()), text):
            shown = kind(source)
            if shown is not None:
                return shown
        return octets(source)
