"""Decides who may see the page: whoever brings the key that `carryover ui` printed, from then on by a cookie.

Each key is for a host of its own, below `localhost`, which browsers take for this machine without asking anyone. What
another user's server once left in the browser under our port (a worker, a cached page) is below another host, and so
never sees the page. Host, key and cookie end with the daemon, or when it leaves its port.

A browser shares cookies between all ports of a host, so the server on another one could be shown ours. Its pages are
refused by what browsers say about the origin of a request; where the system tells, so are processes of other users, but
for the files of the page itself.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Set
from typing import Final

import msgspec
from aiohttp import web

from carryover.daemon.own_page import PageKey
from carryover.platform import here

COOKIE: Final = "carryover_page"
KEY_S: Final = 60.0
"""How long a key is valid."""
_MOST_VISITORS: Final = 32
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; worker-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Headers of everything below the page's address."""
_NO_ENTRY: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Carryover</title>
<h1>This page needs a key</h1>
<p>Run <code>carryover ui</code> in a terminal: it opens the page with a new key. A key is good for one minute and one
browser, and what it opened is open until that browser or carryoverd is closed.</p></html>
"""


def no_entry() -> web.Response:
    """Returns the answer to who may not see the page."""
    return web.Response(status=403, text=_NO_ENTRY, content_type="text/html", headers=HEADERS)


class Visitor(msgspec.Struct, eq=False):
    """A browser that brings the key of a host, or is yet to."""

    key: bytes
    """The digest of the key."""
    until_s: float
    """When the key is no longer valid, in monotonic seconds."""
    cookie: str = ""
    """What it has shown since it brought the key; empty before."""


class Access:
    """Those who were given a key, each at a host of their own.

    access = Access(time.monotonic)  # monotonic seconds
    new = access.new_key()  # opened at http://{new.host}:PORT/ui/?key={new.key}
    visitor = access.admit(request) or access.visitor(later_request)
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._visitors: dict[str, Visitor] = {}

    def new_key(self) -> PageKey:
        """Returns a key that admits one browser, within `KEY_S`, at a host that nothing has ever been served from."""
        new = PageKey(host=f"{secrets.token_hex(16)}.localhost", key=secrets.token_urlsafe(32))
        while len(self.hosts()) >= _MOST_VISITORS:
            del self._visitors[next(iter(self._visitors))]
        self._visitors[new.host] = Visitor(_digest(new.key), self._clock() + KEY_S)
        return new

    def hosts(self) -> Set[str]:
        """Returns the hosts at which somebody was admitted, or can be."""
        now_s = self._clock()
        self._visitors = {host: one for host, one in self._visitors.items() if one.cookie or now_s <= one.until_s}
        return self._visitors.keys()

    def has_key(self, request: web.Request) -> bool:
        """Whether the request brings the key of its host. It is not used up by that."""
        return self._with_key(request) is not None

    def admit(self, request: web.Request) -> Visitor | None:
        """Returns the visitor of the request's key, which is used up then; None if it has none that is valid."""
        visitor = self._with_key(request)
        if visitor is not None:
            visitor.cookie = secrets.token_urlsafe(32)
        return visitor

    def visitor(self, request: web.Request) -> Visitor | None:
        """Returns the visitor of the request's host, if it has their cookie."""
        visitor = self._visitors.get(_host(request))
        if visitor is None or not visitor.cookie:
            return None
        return visitor if _digest(request.cookies.get(COOKIE, "")) == _digest(visitor.cookie) else None

    def end(self) -> None:
        """Ends all keys and visits. Somebody else may answer on the port from now on."""
        self._visitors.clear()

    def _with_key(self, request: web.Request) -> Visitor | None:
        host = _host(request)
        visitor = self._visitors[host] if host in self.hosts() else None
        is_theirs = visitor is not None and not visitor.cookie and _digest(request.query.get("key", "")) == visitor.key
        return visitor if is_theirs else None


def is_of_the_page(request: web.Request) -> bool:
    """Whether the request comes from our page, or from an address that the user opened."""
    return request.headers.get("Sec-Fetch-Site", "none") in ("same-origin", "none")


def may_ask(request: web.Request) -> bool:
    """Whether the request comes from our page or an address that the user opened, and from no other user. Blocks."""
    if not is_of_the_page(request):
        return False
    transport = request.transport
    peer = transport.get_extra_info("peername") if transport is not None else None
    address = transport.get_extra_info("sockname") if transport is not None else None
    if peer is None or address is None:
        return False
    owners = here().connection_owners(peer[:2], address[:2])
    # Root may read everything anyway; under WSL, the system's relay of the Windows browser is root's.
    return owners is None or (len(owners) > 0 and owners <= {0, os.geteuid()})


def _host(request: web.Request) -> str:
    return request.headers.get("Host", "").lower().partition(":")[0]


def _digest(secret: str) -> bytes:
    """Returns the key by which a secret is kept, so that the time a look-up takes says nothing about the secret."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
