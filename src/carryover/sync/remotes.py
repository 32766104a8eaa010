"""Addresses of git remotes, compared and shown without what they may hide. Pure, except for links of local folders."""

from __future__ import annotations

import os
import re
from typing import Final
from urllib.parse import urlsplit

_SCP: Final = re.compile(r"(?:[^@/]+@)?(?P<host>\[[^\]]+\]|[^:/]+):(?P<path>(?!//).*)", re.DOTALL)
_DEFAULT_PORTS: Final = {"ssh": 22, "git+ssh": 22, "http": 80, "https": 443, "git": 9418}
_SCHEMES: Final = (*_DEFAULT_PORTS, "file")
_CREDENTIALS: Final = re.compile(r"(?<=://)[^/@\s]*@")


def normalised(address: str) -> str:
    """Returns an address that is the same for every way to write one remote: `host/path`, or the folder's real path.

    Protocol, user, password, default port, a trailing `.git` and the case of the host make no difference.
    """
    text = address.strip()
    parts = urlsplit(text) if text.partition("://")[0].lower() in _SCHEMES and "://" in text else None
    if parts is not None and parts.scheme.lower() != "file":
        port = parts.port if _port_is_valid(text) else None
        shown = "" if port in (None, _DEFAULT_PORTS[parts.scheme.lower()]) else f":{port}"
        return _tidied(f"{(parts.hostname or '').lower()}{shown}", parts.path)
    found = _SCP.fullmatch(text)
    if parts is None and found is not None:
        return _tidied(found["host"].lower(), found["path"])
    folder = os.path.realpath(os.path.expanduser(parts.path if parts is not None else text))  # noqa: PTH111
    return _without_suffix(folder)


def without_credentials(text: str) -> str:
    """Returns an address, or a message that holds some, without user names and passwords."""
    return _CREDENTIALS.sub("", text)


def _port_is_valid(text: str) -> bool:
    try:
        return urlsplit(text).port is not None
    except ValueError:
        return False


def _tidied(host: str, path: str) -> str:
    return f"{host}/{_without_suffix(path.strip('/').removeprefix('~/'))}"


def _without_suffix(path: str) -> str:
    return path.rstrip("/").removesuffix(".git").rstrip("/")
