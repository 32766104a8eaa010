"""Decides who may see the page: whoever brings the key that `carryover ui` printed, from then on by a cookie.

A browser shares cookies between all ports of 127.0.0.1, so the server on another one could be shown ours. Its pages are
refused by what browsers say about the origin of a request; where the system tells, so are processes of other users.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from aiohttp import web

COOKIE: Final = "carryover_page"
TOKEN_HEADER: Final = "X-Carryover-Token"
KEY_S: Final = 60.0
"""How long a key is valid."""
_MOST_KEYS: Final = 16
_MOST_VISITORS: Final = 32
_TABLES: Final = ("/proc/net/tcp", "/proc/net/tcp6")


@dataclass(eq=False)
class Visitor:
    """A browser that brought a key. `env`: variables of the shell in which `carryover ui` was run."""

    env: Mapping[str, str]
    cookie: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    searching: sqlite3.Connection | None = None
    """The connection on which its search runs, if one does."""
    searches: int = 0
    """The number of searches that have arrived, which is also that of the newest."""


class Access:
    """The keys that were given out, and the browsers that brought one. `clock` returns monotonic seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._keys: dict[bytes, tuple[float, Mapping[str, str]]] = {}
        self._visitors: dict[bytes, Visitor] = {}

    def new_key(self, env: Mapping[str, str]) -> str:
        """Returns a key that admits one browser, within `KEY_S`."""
        key = secrets.token_urlsafe(32)
        _make_room(self._keys, _MOST_KEYS)
        self._keys[_digest(key)] = (self._clock() + KEY_S, env)
        return key

    def admit(self, key: str) -> Visitor | None:
        """Returns a new visitor for a key, which is used up then; None for an unknown, used or expired one."""
        known = self._keys.pop(_digest(key), None)
        if known is None or self._clock() > known[0]:
            return None
        _make_room(self._visitors, _MOST_VISITORS)
        visitor = Visitor(known[1])
        self._visitors[_digest(visitor.cookie)] = visitor
        return visitor

    def visitor(self, request: web.Request) -> Visitor | None:
        """Returns the visitor that the request's cookie stands for."""
        return self._visitors.get(_digest(request.cookies.get(COOKIE, "")))


def may_ask(request: web.Request) -> bool:
    """Whether the request comes from our page or an address that the user opened, and from no other user. Blocks."""
    if request.headers.get("Sec-Fetch-Site", "none") not in ("same-origin", "none"):
        return False
    transport = request.transport
    peer = transport.get_extra_info("peername") if transport is not None else None
    own = transport.get_extra_info("sockname") if transport is not None else None
    # Root may read everything anyway; under WSL, the system's relay of the Windows browser is root's.
    return peer is None or own is None or all(uid in (0, os.geteuid()) for uid in _owners(peer[1], own[1]))


def has_token(request: web.Request, visitor: Visitor) -> bool:
    """Whether the request has the visitor's token, which no other page can read."""
    given = request.headers.getall(TOKEN_HEADER, ())
    return len(given) == 1 and _digest(given[0]) == _digest(visitor.token)


def _owners(port: int, own_port: int) -> Iterator[int]:
    """Yields the user of the process that is connected from `port` to `own_port`; nothing where there is no /proc."""
    ends = (f":{port:04X}", f":{own_port:04X}")
    for table in _TABLES:
        with suppress(OSError):
            rows = (line.split() for line in Path(table).read_text().splitlines()[1:])
            yield from (int(row[7]) for row in rows if row[1].endswith(ends[0]) and row[2].endswith(ends[1]))


def _digest(secret: str) -> bytes:
    """Returns the key by which a secret is kept, so that the time a look-up takes says nothing about the secret."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def _make_room(kept: dict[bytes, tuple[float, Mapping[str, str]]] | dict[bytes, Visitor], most: int) -> None:
    while len(kept) >= most:
        kept.pop(next(iter(kept)))
