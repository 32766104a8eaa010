"""Decides which HTTP requests are read at all, and keeps the secret that proves a caller is the user.

A web page can make a browser send requests to 127.0.0.1 and, by DNS rebinding, read the answers. Such a request has the
page's host in `Host`, or the page in `Origin`, which only requests of our own page to its own addresses may have. Other
local users can connect as well but do not know the secret: it is
generated once per installation and kept in a file that only its owner can read.
"""

from __future__ import annotations

import hmac
import os
import re
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec
from aiohttp import web

from carryover.fsio import atomic_replace, read_bytes_bounded

BODY_LIMIT_BYTES: Final = 256 * 1024

_HOSTS: Final = ("127.0.0.1", "localhost", "[::1]")
_METHODS: Final = ("GET", "POST")


class Refusal(msgspec.Struct, frozen=True):
    """Status and reason of a rejected request's answer."""

    status: int
    reason: str


def refusal(request: web.BaseRequest, *, port: int | None, own_page: bool = False) -> Refusal | None:
    """Returns why a request is rejected unread; None if it is accepted. `port`: our own, if we have one.

    `own_page`: whether requests of our own page are accepted at this address.
    """
    headers = request.headers
    hosts = headers.getall("Host", [])
    if len(hosts) != 1 or hosts[0].lower() not in _own_names(port):
        return Refusal(403, "this host is not answered for")
    origins = headers.getall("Origin", [])
    if origins and not (own_page and origins == [f"http://{hosts[0]}"]):
        return Refusal(403, "web pages are not answered")
    if request.method not in _METHODS:
        return Refusal(405, "method not allowed")
    if headers.get("Content-Encoding") not in (None, "identity"):
        return Refusal(415, "compressed bodies are not read")
    length = headers.get("Content-Length")
    if length is not None and not _is_acceptable(length):
        return Refusal(413, f"more than {BODY_LIMIT_BYTES} bytes")
    return None


def knows_secret(given: Iterable[str], secret: str) -> bool:
    """Whether exactly one secret is `given` and it is correct. Compares in constant time."""
    found = tuple(given)
    return len(found) == 1 and hmac.compare_digest(found[0].encode("utf-8", "replace"), secret.encode())


def _own_names(port: int | None) -> set[str]:
    return {*_HOSTS, *(f"{host}:{port}" for host in _HOSTS if port is not None)}


def _is_acceptable(content_length: str) -> bool:
    is_number = content_length.isascii() and content_length.isdigit() and len(content_length) <= 20
    return is_number and int(content_length) <= BODY_LIMIT_BYTES


_SECRET_FORM: Final = re.compile(rb"[0-9a-f]{64}\n?")


def hook_secret(path: Path) -> str:
    """Returns the secret in the file at `path`; creates a new one if there is none or others could have read it.
    Blocks.

    Raises OSError if it can't be written.
    """
    known = _stored_secret(path)
    if known is not None:
        return known
    secret = secrets.token_hex(32)
    atomic_replace(path, f"{secret}\n".encode(), mode=0o600, follow=False)
    return secret


def _stored_secret(path: Path) -> str | None:
    try:
        found = path.lstat()
        data = read_bytes_bounded(path, 128, follow=False)
    except OSError:
        return None
    private = stat.S_IMODE(found.st_mode) & 0o077 == 0 and found.st_uid == os.geteuid()
    return data.decode().strip() if private and _SECRET_FORM.fullmatch(data) else None
