"""What a job looks like without asking the server: the part both clients' jobs share."""

import html
from typing import Any

from openccp.client import calls

COLOURS = {"successful": "#1a7f37", "failed": "#cf222e", "dismissed": "#6e7781"}


class JobCard:
    """A job as it was last seen; `document` is its status document (OGC statusInfo)."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.id = calls.job_id(document)
        self.document = document

    @property
    def status(self) -> str:
        """`accepted`, `running`, `successful`, `failed` or `dismissed`, as last seen."""
        return str(self.document.get("status", ""))

    @property
    def progress(self) -> int | None:
        """Percent, as last seen; None if the method does not say."""
        value = self.document.get("progress")
        return int(value) if isinstance(value, int | float) else None

    @property
    def message(self) -> str:
        """What the job is doing, or how it ended, as last seen."""
        return str(self.document.get("message") or "")

    @property
    def method(self) -> str:
        """The id of the method it runs."""
        return str(self.document.get("processID") or "").rpartition("/")[2]

    @property
    def finished(self) -> bool:
        """Whether the status can no longer change."""
        return self.status in calls.FINAL

    def __repr__(self) -> str:
        percent = "" if self.progress is None else f", {self.progress}%"
        return f"<Job {self.id}: {self.method}, {self.status}{percent}>"

    def _repr_html_(self) -> str:
        colour = COLOURS.get(self.status, "#0969da")
        percent = 100 if self.status == "successful" else self.progress or 0
        return (
            f'<div style="border-left:4px solid {colour};padding:4px 10px">'
            f"<b>{html.escape(self.method)}</b> <code>{html.escape(self.id)}</code><br>"
            f'<span style="color:{colour}">{html.escape(self.status)}</span> '
            f"{html.escape(self.message)}<br>"
            f'<progress max="100" value="{percent}"></progress></div>'
        )
