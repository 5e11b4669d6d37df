"""What schemathesis checks besides its own: loaded by its process, not by pytest."""

from typing import Any

import schemathesis


@schemathesis.serializer("application/x-tar", "application/offset+octet-stream")
def plain_bytes(ctx: Any, value: Any) -> bytes:
    """Any bytes: what is no archive, or no piece of a file, has to be refused."""
    return value if isinstance(value, bytes) else str(value).encode(errors="replace")


@schemathesis.check
def no_defect(ctx: Any, response: Any, case: Any) -> None:
    """No 5xx, but for the results of a job that failed by itself: that is what they are.

    They are a problem document, or the page of one.
    """
    if response.status_code >= 500:
        paged = "text/html" in str(response.headers.get("content-type"))
        told = response.text if paged else response.json()["type"]
        assert "urn:openccp:failure:" in told, response.text
