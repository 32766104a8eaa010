"""Addresses of git remotes, compared and shown without what they may hide. Pure, except for links of local folders."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

_SCP: Final = re.compile(r"(?:[^@/]+@)?(?P<host>\[[^\]]+\]|[^:/]+):(?P<path>(?!//).*)", re.DOTALL)
_DEFAULT_PORTS: Final = {"ssh": 22, "git+ssh": 22, "http": 80, "https": 443, "git": 9418}
_CREDENTIALS: Final = re.compile(r"(?<=://)[^/@\s]*@")


def normalised(address: str) -> str:
    """Returns an address that is the same for every way to write one remote: `host/path`, or the folder's real path.

    Protocol, user, password, default port, a trailing `.git` and the case of the host make no difference.
    """
    text = address.strip()
    scheme, is_url, _ = text.partition("://")
    if is_url and scheme.lower() in _DEFAULT_PORTS:
        parts = urlsplit(text)
        with suppress(ValueError):  # a port that is none
            if parts.port not in (None, _DEFAULT_PORTS[scheme.lower()]):
                return f"{parts.hostname}:{parts.port}/{_tidied(parts.path)}"
        return f"{parts.hostname}/{_tidied(parts.path)}"
    if not is_url and (found := _SCP.fullmatch(text)) is not None:
        return f"{found['host'].lower()}/{_tidied(found['path'])}"
    folder = os.path.expanduser(urlsplit(text).path if scheme == "file" else text)  # noqa: PTH111
    return "/" + _tidied(os.path.realpath(folder))


def without_credentials(text: str) -> str:
    """Returns an address, or a message that holds some, without user names and passwords."""
    return _CREDENTIALS.sub("", text)


def _tidied(path: str) -> str:
    return path.strip("/").removeprefix("~/").removesuffix(".git").rstrip("/")
