"""GeoJSON as shapes on a plane of longitude and latitude, and a table of properties."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from openccp.web.previews.source import Source, seen

MOST_FEATURES = 500
MOST_POINTS = 20_000
MOST_COLUMNS = 12
MOST_TEXT = 100
MOST_GEOMETRIES = 1_000
SIDE = 600
_DEPTH = {
    "Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2,
    "Polygon": 2, "MultiPolygon": 3,
}  # fmt: skip

Spot = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Shape:
    spots: tuple[Spot, ...]
    closed: bool


def geojson(source: Source) -> dict[str, Any] | None:
    """The shapes of a GeoJSON text; None where there is none."""
    if not source.whole:
        return None
    try:
        document = json.loads(source.text)
        features = _features(document)
        shapes = list(islice(chain.from_iterable(map(_shapes_of, features)), MOST_POINTS))
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError):
        return None
    shapes = _few(shapes)
    return {"kind": "map", **_drawn(shapes), **_properties(features)} if shapes else None


def _features(document: Any) -> list[dict[str, Any]]:
    match document:
        case {"type": "FeatureCollection", "features": list() as features}:
            return [one for one in features[:MOST_FEATURES] if isinstance(one, dict)]
        case {"type": "Feature"}:
            return [document]
        case {"type": str()}:
            return [{"geometry": document, "properties": None}]
    return []


def _shapes_of(feature: dict[str, Any]) -> Iterator[_Shape]:
    pending, seen_geometries = [feature.get("geometry")], 0
    while pending and seen_geometries < MOST_GEOMETRIES:
        seen_geometries += 1
        match pending.pop():
            case {"type": "GeometryCollection", "geometries": list() as inner}:
                pending.extend(inner)
            case {"type": str() as kind, "coordinates": list() as found} if kind in _DEPTH:
                yield from _lines(found, _DEPTH[kind], closed=kind.endswith("Polygon"))


def _lines(found: Any, depth: int, *, closed: bool) -> Iterator[_Shape]:
    if depth == 0:
        yield _Shape((_spot(found),), closed)
    elif depth == 1:
        yield _Shape(tuple(map(_spot, found)), closed)
    else:
        for one in found:
            yield from _lines(one, depth - 1, closed=closed)


def _spot(found: Any) -> Spot:
    x, y = float(found[0]), float(found[1])
    if not (math.isfinite(x) and math.isfinite(y) and max(abs(x), abs(y)) < 1e9):
        raise ValueError
    return x, y


def _few(shapes: list[_Shape]) -> list[_Shape]:
    left, kept = MOST_POINTS, []
    for shape in shapes:
        left -= len(shape.spots)
        if left < 0:
            break
        if shape.spots:
            kept.append(shape)
    return kept


def _drawn(shapes: list[_Shape]) -> dict[str, Any]:
    spots = [spot for shape in shapes for spot in shape.spots]
    (west, east), (south, north) = ((min(them), max(them)) for them in zip(*spots, strict=True))
    scale = SIDE / (max(east - west, north - south) or 1.0)

    def path(shape: _Shape) -> str:
        turns = (f"{(x - west) * scale:.1f},{(north - y) * scale:.1f}" for x, y in shape.spots)
        # A point is a line to itself: with round ends it is a dot.
        drawn = " L".join(turns) if len(shape.spots) > 1 else " L".join([*turns] * 2)
        return f"M{drawn}{' Z' if shape.closed else ''}"

    return {"bbox": [west, south, east, north], "paths": [path(shape) for shape in shapes]}


def _properties(features: list[dict[str, Any]]) -> dict[str, Any]:
    them = [p if isinstance(p := one.get("properties"), dict) else {} for one in features]
    names = list(islice(dict.fromkeys(chain.from_iterable(them)), MOST_COLUMNS))
    rows = [[_cell(one.get(name)) for name in names] for one in them[:200]]
    return {"header": [seen(name[:MOST_TEXT]) for name in names], "rows": rows}


def _cell(value: Any) -> str:
    if value is None or isinstance(value, (dict, list)):
        return ""
    return seen(str(value)[:MOST_TEXT])
