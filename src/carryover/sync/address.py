"""Parses the addresses of git remotes: which are usable, which mean the same remote, and what in them is secret."""

from __future__ import annotations

import os
import re
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


_SCP: Final = later(r"(?:[^@/]+@)?(?P<host>\[[^\]]+\]|[^:/]+):(?P<path>(?!//).*)", re.DOTALL)
_DEFAULT_PORTS: Final = {"ssh": 22, "git+ssh": 22, "http": 80, "https": 443, "git": 9418}
_CREDENTIALS: Final = later(r"(?<=://)[^/\s]*@")


def normalised(address: str) -> str:
    """Returns a form of an address that is equal for all ways to write one remote: `host/path`, or the folder's real
    path.

    Protocol, user, password, default port, a trailing `.git` and the case of the host make no difference.
    """
    text = address.strip()
    scheme, is_url, _ = text.partition("://")
    try:
        if is_url and scheme.lower() in _DEFAULT_PORTS:
            parts = urlsplit(text)
            port = f":{parts.port}" if parts.port not in (None, _DEFAULT_PORTS[scheme.lower()]) else ""
            return f"{parts.hostname}{port}/{_tidied(parts.path)}"
        if not is_url and (found := _SCP.fullmatch(text)) is not None:
            return f"{found['host'].lower()}/{_tidied(found['path'])}"
        return "/" + _tidied(os.path.realpath(folder_at(text) or os.path.expanduser(text)))  # noqa: PTH111
    except ValueError:  # neither an address nor a path: a remote that git can't reach either
        return text


def without_credentials(text: str) -> str:
    """Returns an address, or a message that contains addresses, without user names and passwords."""
    return _CREDENTIALS.sub("", text)


def _tidied(path: str) -> str:
    return path.strip("/").removeprefix("~/").removesuffix(".git").rstrip("/")
