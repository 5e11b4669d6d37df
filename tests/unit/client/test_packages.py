"""The client tells by its content what a package is, and which process it replaces."""

import json
from pathlib import Path
from typing import Any

import pytest

from openccp.client.errors import CCPError
from openccp.client.packages import CWL_JSON, CWL_YAML, METHOD, OGC, package_of

DOCUMENTS: list[tuple[Any, str, str | None]] = [
    ({"id": "m", "inputs": {}}, METHOD, "m"),
    ({"cwlVersion": "v1.2", "id": "file.cwl#t"}, CWL_JSON, "t"),
    ({"cwlVersion": "v1.2", "$graph": []}, CWL_JSON, None),
    ({"executionUnit": {}, "processDescription": {"id": "flat"}}, OGC, "flat"),
    ({"executionUnit": {}, "processDescription": {"process": {"id": "w"}}}, OGC, "w"),
    ({"executionUnit": {"href": "http://example.org/t.cwl"}}, OGC, None),
]


@pytest.mark.parametrize(("document", "media_type", "identifier"), DOCUMENTS)
def test_a_document_is_sent_as_what_it_is(
    document: Any, media_type: str, identifier: str | None, tmp_path: Path
) -> None:
    file = tmp_path / "package.json"
    file.write_text(json.dumps(document))
    for given in (document, json.dumps(document), json.dumps(document).encode(), file):
        package = package_of(given)
        assert (package.media_type, package.id) == (media_type, identifier)
        assert json.loads(package.content) == document


@pytest.mark.parametrize("line", ["id: tool", "id: '#tool'  # ours", 'id: "tool"'])
def test_yaml_is_sent_as_it_is(line: str) -> None:
    text = f"cwlVersion: v1.2\n{line}\ninputs:\n  id: string\n"
    package = package_of(text)
    assert (package.media_type, package.id) == (CWL_YAML, "tool")
    assert package.content == text.encode()


def test_what_does_not_say_its_id_cannot_replace() -> None:
    with pytest.raises(CCPError, match="does not say its id"):
        _ = package_of("cwlVersion: v1.2\n$graph: []\n").known_id
