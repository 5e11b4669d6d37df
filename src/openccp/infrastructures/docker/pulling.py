"""How far a pull has come and why it did not end well, read from what the daemon says: pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from openccp.core.job import Blame, Failure
from openccp.core.ports import CannotStart

_DONE = ("Download complete", "Pull complete", "Already exists")


def _why(pattern: str, reason: str, blame: Blame, words: str) -> tuple[re.Pattern[str], Failure]:
    return re.compile(pattern, re.I), Failure(blame, f"image-{reason}", words)


_WHY = (
    _why(
        r"toomanyrequests|too many requests|rate.?limit|\b429\b",
        "rate-limited",
        Blame.PLATFORM,
        "Its registry is asked too often just now. Try again later.",
    ),
    _why(
        r"no space left|disk quota|not enough space",
        "disk-full",
        Blame.PLATFORM,
        "The disk of the machine that runs containers is full. Its operator has to make room.",
    ),
    _why(
        r"no matching manifest|does not match the specified platform|exec format",
        "architecture",
        Blame.METHOD,
        "It is made for another kind of processor than the machine here has.",
    ),
    _why(
        r"dial tcp|no such host|timeout|x509|tls:|connection re|HTTP response to HTTPS|\bEOF\b"
        r"|network is unreachable|no route|deadline|HTTP status: 5\d\d|proxyconnect",
        "unreachable",
        Blame.PLATFORM,
        "Its registry does not answer. Try again later, or tell the operator.",
    ),
    _why(
        r"repository does not exist or may require|unauthorized|denied|no basic auth|forbidden"
        r"|authentication required|incorrect username",
        "refused",
        Blame.METHOD,
        "Its registry does not give it to this platform: the name may be wrong, or the operator "
        "has to set a user name and password for the registry.",
    ),
    _why(
        r"not found|manifest unknown|name unknown|does not exist|invalid reference",
        "missing",
        Blame.METHOD,
        "Its registry has no image of this name and tag. Look for a misspelling.",
    ),
)
_UNKNOWN = Failure(Blame.PLATFORM, "image", "The machine that runs containers could not get it.")


class NoImage(CannotStart):
    """The image cannot be had; `failure` says why and who is to blame."""


def no_image(name: str, text: str) -> NoImage:
    """What the words of a daemon or registry mean, in those of a scientist."""
    found = next((failure for pattern, failure in _WHY if pattern.search(text)), _UNKNOWN)
    return _about(name, found)


def other_processor(name: str) -> NoImage:
    """The image was made for another processor."""
    return no_image(name, "no matching manifest")


def too_slow(name: str, seconds: float) -> NoImage:
    """The pull took longer than it may."""
    words = f"It did not arrive within {seconds:g} s. Try again later."
    return _about(name, Failure(Blame.PLATFORM, "image-slow", words))


def _about(name: str, why: Failure) -> NoImage:
    words = f"The image {name!r} cannot be had. {why.detail}"
    return NoImage(words, Failure(why.blame, why.reason, words))


@dataclass(slots=True)
class Progress:
    """Of one pull; layers become known only as it goes on, and still it never goes back."""

    name: str
    layers: dict[str, tuple[int, int]] = field(default_factory=dict)
    shown: int = 0
    unpacking: bool = False

    def hear(self, line: Mapping[str, Any]) -> None:
        """One line of what the daemon tells; NoImage if it says that it failed."""
        if "error" in line:
            raise no_image(self.name, str(line["error"]))
        layer, status = str(line.get("id", "")), line.get("status")
        if status == "Downloading":
            told = line.get("progressDetail") or {}
            self.layers[layer] = (int(told.get("current", 0)), int(told.get("total", 0)))
        elif status in _DONE and layer in self.layers:
            total = self.layers[layer][1]
            self.layers[layer] = (total, total)
        self.unpacking = status in ("Extracting", "Pull complete")
        whole = sum(total for _, total in self.layers.values())
        got = sum(min(current, total) for current, total in self.layers.values())
        self.shown = max(self.shown, 100 * got // whole if whole else 0)

    @property
    def words(self) -> str:
        """What people read meanwhile."""
        if self.unpacking and self.shown == 100:
            return f"unpacking image {self.name}"
        return f"pulling image {self.name}" + (f": {self.shown}%" if self.layers else "")
