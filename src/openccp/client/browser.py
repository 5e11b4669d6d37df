"""Telling a person where to let this program in."""

import sys
from collections.abc import Mapping
from typing import Any


def where(device: Mapping[str, Any]) -> tuple[str, str]:
    """The address to open, and the code that has to stand there."""
    address = device.get("verification_uri_complete") or device.get("verification_uri", "")
    return str(address), str(device.get("user_code", ""))


def show(address: str, code: str) -> None:
    """On standard error."""
    sys.stderr.write(f"To sign in, open {address}\nIt has to show the code {code}\n")
    sys.stderr.flush()
