"""Values of every kind that the standard lets a request carry, as jobs get them."""

import base64
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from openccp.testing.platform import RunningPlatform, User, bash_method

BINARY = bytes(range(256))
IN_BASE64 = base64.b64encode(BINARY).decode()
CRS = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
INPUTS: Mapping[str, Any] = {
    "text": {"schema": {"type": "string"}},
    "number": {"schema": {"type": "number", "maximum": 10}},
    "flag": {"schema": {"type": "boolean"}},
    "numbers": {"schema": {"type": "array", "items": {"type": "integer"}, "maxItems": 3}},
    "object": {"schema": {"type": "object", "required": ["a"]}},
    "binary": {"schema": {"type": "string", "contentEncoding": "binary",
                          "contentMediaType": "image/tiff"}},
    "area": {"schema": {"allOf": [{"format": "ogc-bbox"}]}},
    "places": {"maxOccurs": 3, "schema": {"type": "string"}},
    "areas": {"maxOccurs": "unbounded", "schema": {"allOf": [{"format": "ogc-bbox"}]}},
    "shape": {
        "schema": {
            "oneOf": [
                {"type": "string", "contentMediaType": "application/gml+xml; version=3.2",
                 "contentSchema": "http://schemas.opengis.net/gml/3.2.1/geometryBasic2d.xsd"},
                {"type": "string", "contentMediaType": "image/tiff", "contentEncoding": "binary"},
                {"type": "object", "required": ["type"], "contentMediaType": "application/json"},
            ]
        }
    },
}  # fmt: skip


@pytest.fixture(scope="session")
def ann(platform: RunningPlatform) -> Iterator[User]:
    made = platform.user("values")
    optional = {name: {"minOccurs": 0, **declared} for name, declared in INPUTS.items()}
    method = bash_method("values", "cp /ccp_in/* .", inputs=optional, outputs={})
    assert made.deploy(method).status_code == 201
    yield made
    made.close()


def given(user: User, **inputs: Any) -> tuple[dict[str, Any], str]:
    """What a job finds in inputs.json, and the job."""
    ended = user.finish("values", inputs)
    assert ended["status"] == "successful", ended
    here = f"/executions/{ended['id']}/outputs"
    found: dict[str, Any] = user.http.get(f"{here}/inputs.json").json()
    return found, here


def refused(user: User, **inputs: Any) -> list[str]:
    answer = user.http.post("/processes/values/execution", json={"inputs": inputs})
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    return [fault["pointer"] for fault in answer.json()["errors"]]


@pytest.mark.requirement("1/1.0/core/process-execute-inputs")
def test_plain_values(ann: User) -> None:
    found, _ = given(ann, text="é", number=2.5, flag=True, numbers=[1, 2])
    assert found["text"] == "é"
    assert (found["number"], found["flag"], found["numbers"]) == (2.5, True, [1, 2])


def test_qualified_values_of_every_kind(ann: User) -> None:
    found, _ = given(
        ann,
        text={"value": "aMOp", "encoding": "base64"},
        number={"value": 3},
        flag={"value": False, "mediaType": "text/plain"},
        numbers={"value": [1]},
    )
    assert (found["text"], found["number"], found["flag"]) == ("hé", 3, False)
    assert found["numbers"] == [1]


@pytest.mark.requirement("1/1.0/core/process-execute-input-array")
@pytest.mark.requirement("1/2.0/core/process-execute-input-array")
def test_lists_of_values(ann: User) -> None:
    assert given(ann, places=["a"])[0]["places"] == ["a"]
    assert given(ann, places="a")[0]["places"] == ["a"]
    mixed = ["a,b", {"value": "c", "mediaType": "text/plain"}]
    assert given(ann, places=mixed)[0]["places"] == ["a,b", "c"]
    boxes = [{"bbox": [1, 2, 3, 4]}, {"value": {"bbox": [5, 6, 7, 8]}}]
    assert given(ann, areas=boxes)[0]["areas"] == [{"bbox": [1, 2, 3, 4]}, {"bbox": [5, 6, 7, 8]}]
    assert refused(ann, places=["a"] * 4) == ["/inputs/places"]


@pytest.mark.requirement("1/1.0/core/process-execute-input-inline-object")
@pytest.mark.requirement("1/2.0/core/process-execute-input-inline-object")
def test_objects_are_wrapped(ann: User) -> None:
    value = {"a": {"b": [1, None]}, "value": "own"}
    assert given(ann, object={"value": value})[0]["object"] == value
    assert given(ann, object={"value": {"a": 1}, "mediaType": "application/json"})[0]["object"] == {
        "a": 1
    }
    assert refused(ann, object={"value": {"b": 1}}) == ["/inputs/object"]


@pytest.mark.requirement("1/1.0/core/process-execute-input-inline-binary")
@pytest.mark.requirement("1/2.0/core/process-execute-input-inline-binary")
@pytest.mark.parametrize(
    "value",
    [
        IN_BASE64,
        {"value": IN_BASE64},
        {"value": IN_BASE64, "encoding": "base64", "mediaType": "image/tiff"},
    ],
)
def test_binary_values_come_as_they_were(ann: User, value: Any) -> None:
    found, here = given(ann, binary=value)
    assert found["binary"] == {"href": "/ccp_in/binary"}
    assert ann.http.get(f"{here}/binary").content == BINARY
    assert refused(ann, binary="not base64") == ["/inputs/binary"]
    assert refused(ann, binary={"value": IN_BASE64, "mediaType": "image/png"}) == [
        "/inputs/binary/mediaType"
    ]


@pytest.mark.requirement("1/1.0/core/process-execute-input-inline-bbox")
@pytest.mark.requirement("1/2.0/core/process-execute-input-inline-bbox")
@pytest.mark.parametrize(
    "box",
    [
        {"bbox": [51.9, 7.0, 52.0, 7.1], "crs": CRS},
        {"bbox": [-180, -90, 180, 90]},
        {"bbox": [0, 0, -100, 1, 1, 100], "crs": "http://www.opengis.net/def/crs/OGC/0/CRS84h"},
    ],
)
def test_bounding_boxes(ann: User, box: dict[str, Any]) -> None:
    assert given(ann, area=box)[0]["area"] == box
    assert given(ann, area={"value": box})[0]["area"] == box


@pytest.mark.requirement("1/1.0/core/process-execute-input-mixed-type")
@pytest.mark.requirement("1/2.0/core/process-execute-input-multiple-types")
def test_one_of_several_formats(ann: User) -> None:
    gml = {"value": "<a/>", "mediaType": "application/gml+xml; version=3.2"}
    image = {"value": IN_BASE64, "encoding": "base64", "mediaType": "image/tiff"}
    point = {"type": "Point", "coordinates": [1, 2]}
    assert given(ann, shape=gml)[0]["shape"] == "<a/>"
    assert given(ann, shape=image)[0]["shape"] == IN_BASE64
    assert given(ann, shape={"value": point, "mediaType": "application/json"})[0]["shape"] == point
    assert given(ann, shape={"value": point})[0]["shape"] == point
    assert given(ann, shape="<a/>")[0]["shape"] == "<a/>"
    assert refused(ann, shape={"value": "<a/>", "mediaType": "image/tiff"}) == ["/inputs/shape"]
    assert refused(ann, shape={"value": "x", "mediaType": "text/csv"}) == [
        "/inputs/shape/mediaType"
    ]


@pytest.mark.requirement("1/1.0/core/process-execute-input-validation")
@pytest.mark.requirement("1/2.0/core/process-execute-input-validation")
def test_every_wrong_value_is_named(ann: User) -> None:
    assert refused(
        ann,
        text=5,
        number=11,
        flag="perhaps",
        numbers=[1, "x"],
        object={"value": []},
        area={"bbox": [1, 2]},
        shape=None,
        unknown=1,
    ) == [
        "/inputs/text",
        "/inputs/number",
        "/inputs/flag",
        "/inputs/numbers/1",
        "/inputs/object",
        "/inputs/area/bbox",
        "/inputs/unknown",
    ]


def test_the_description_keeps_the_address_of_a_schema(ann: User) -> None:
    shape = ann.http.get("/processes/values").json()["inputs"]["shape"]
    declared = INPUTS["shape"]["schema"]["oneOf"][0]
    assert shape["schema"]["oneOf"][0] == declared
