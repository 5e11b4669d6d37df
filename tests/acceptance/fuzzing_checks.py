"""What schemathesis checks besides its own: loaded by its process, not by pytest."""

from typing import Any

import schemathesis


@schemathesis.check
def no_defect(ctx: Any, response: Any, case: Any) -> None:
    """No 5xx, but for the results of a job that failed by itself: that is what they are."""
    if response.status_code >= 500:
        assert response.json()["type"].startswith("urn:openccp:failure:"), response.text
