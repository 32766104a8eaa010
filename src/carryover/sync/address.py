"""Parses the addresses of stores: which are folders, which git can use, and what in them is secret."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from carryover.text.pattern import later


def folder_at(address: str) -> Path | None:
    """Returns the folder that an address names; None if it is on another machine."""
    if address.startswith("file://"):
        parts = urlsplit(address)
        return Path(f"/{parts.netloc}{unquote(parts.path)}")
    return Path(address) if address.startswith("/") else None


def usable_address(given: str) -> str:
    """Returns the address of a remote for git, which is allowed to reach one over ssh, https, http or git alone; a
    folder's becomes its absolute path."""
    text = given.strip()
    is_remote = "://" in text or ":" in text.partition("/")[0]
    return text if is_remote else str(Path(text).expanduser().absolute())


_CREDENTIALS: Final = later(r"(?<=://)(?:[^/\s]*|[^/:@\s]*:(?!\d{1,5}/)[^@\s]{0,256})@")
"""Git refuses a password with a slash as it is, but names it in its message. Before a slash, a number is a port."""


def without_credentials(text: str) -> str:
    """Returns an address, or a message that contains addresses, without user names and passwords."""
    return _CREDENTIALS.sub("", text)
