"""What the daemon's HTTP endpoints have in common: which requests are read at all, for how long a connection may stay
silent, and the secret that proves a caller is the user.

A web page can make a browser send requests to 127.0.0.1 and, by DNS rebinding, read the answers. Such a request has the
page's host in `Host`, or the page in `Origin`, which only requests of our own page to its own addresses may have. Other
local users can connect as well but do not know the secret: it is generated once per installation and kept in a file
that only its owner can read.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import re
import secrets
import socket
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import msgspec
from aiohttp import web

from carryover.daemon.log import Log, Word, describe, phrase
from carryover.fsio import atomic_replace, read_bytes_bounded
from carryover.ledger.connect import LedgerDamaged

BODY_LIMIT_BYTES: Final = 256 * 1024

FINISH_REPLIES_S: Final = 2.0
"""How long replies in flight may take when the daemon stops."""

HEAD_S: Final = 2.0
"""How long a connection may take to send its request. Hooks send it immediately."""

MOST_SILENT: Final = 256
"""Maximum number of connections that have sent no request. One more closes the one that has waited longest."""

_LINGER_S: Final = 0.5
_HOSTS: Final = ("127.0.0.1", "localhost", "[::1]")
_METHODS: Final = ("GET", "POST")

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Port = Callable[[], int | None]
"""Returns the port of the endpoint itself, if it has one."""
Routes = Mapping[tuple[str, str], Handler]
"""Handlers by method and path."""


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
    ours = {*_HOSTS, *(f"{host}:{port}" for host in _HOSTS if port is not None)}
    if len(hosts) != 1 or hosts[0].lower() not in ours:
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


def _is_acceptable(content_length: str) -> bool:
    is_number = content_length.isascii() and content_length.isdigit() and len(content_length) <= 20
    return is_number and int(content_length) <= BODY_LIMIT_BYTES


def knows_secret(given: Iterable[str], secret: str) -> bool:
    """Whether exactly one secret is `given` and it is correct. Compares in constant time."""
    found = tuple(given)
    return len(found) == 1 and hmac.compare_digest(found[0].encode("utf-8", "replace"), secret.encode())


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


class ConnectionLimiter:
    """Closes connections that send no request. Allows one request per connection, as our clients send only one."""

    def __init__(self, head_s: float = HEAD_S) -> None:
        self._head_s = head_s
        self._silent: dict[web.RequestHandler, asyncio.TimerHandle] = {}

    def accept(self, server: web.Server) -> web.RequestHandler:
        """Returns the protocol for a new connection."""
        if len(self._silent) >= MOST_SILENT:
            self._close(next(iter(self._silent)))
        handler = server()
        self._silent[handler] = asyncio.get_running_loop().call_later(self._head_s, self._close, handler)
        return handler

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Records that a request arrived, and closes the connection after its answer."""
        timer = self._silent.pop(request.protocol, None)
        if timer is not None:
            timer.cancel()
        answer = await handler(request)
        answer.force_close()
        return answer

    def _close(self, handler: web.RequestHandler) -> None:
        self._silent.pop(handler).cancel()
        handler.force_close()


@asynccontextmanager
async def listening(app: web.Application, listener: socket.socket, limiter: ConnectionLimiter) -> AsyncIterator[None]:
    """Serves `app` on `listener` while the block runs, then closes it. `limiter` must be one of `app`'s middlewares."""
    runner = web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=FINISH_REPLIES_S,
        lingering_time=_LINGER_S,
        auto_decompress=False,  # a small body must not become a large one
    )
    await runner.setup()
    server = runner.server
    assert server is not None, "it is there after setup"
    try:
        site = await asyncio.get_running_loop().create_server(
            lambda: limiter.accept(server), sock=listener, backlog=256
        )
        try:
            yield
        finally:
            site.close()
    finally:
        listener.close()
        await runner.cleanup()


def guarded_app(
    routes: Routes,
    log: Log,
    limiter: ConnectionLimiter,
    port: Port,
    *,
    is_page: Callable[[str], bool] = lambda _path: False,
    page: Handler | None = None,
) -> web.Application:
    """Returns an application that rejects what the guard rejects, and reports its own errors as JSON.

    `page` answers at the addresses for which `is_page` is true.
    """

    @web.middleware
    async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            at_page = is_page(request.path)
            refused = refusal(request, port=port(), own_page=at_page)
            if refused is not None:
                return web.json_response({"error": refused.reason}, status=refused.status)
            return await (page if page is not None and at_page else handler)(request)
        except web.HTTPException as error:
            return web.json_response({"error": error.reason}, status=error.status)
        except Exception as error:
            log.error("request_failed", error, route=_route(request))
            ends = isinstance(error, LedgerDamaged)  # the next start of the daemon repairs the ledger
            return web.json_response({"error": describe(error)}, status=503 if ends else 500)

    app = web.Application(middlewares=[limiter.middleware, answer_errors], client_max_size=BODY_LIMIT_BYTES)
    for (method, path), handler in routes.items():
        app.router.add_route(method, path, handler, expect_handler=_expect)
    others = _AnyTarget("/")
    others.add_route("*", _unknown, expect_handler=_expect)
    app.router.register_resource(others)
    return app


class _AnyTarget(web.PlainResource):
    """Matches what no other route does, also what is no path (`OPTIONS *`)."""

    async def resolve(self, request: web.Request) -> tuple[web.UrlMappingMatchInfo, set[str]]:  # noqa: ARG002 (given)
        return web.UrlMappingMatchInfo({}, next(iter(self))), set()


async def _unknown(_request: web.Request) -> web.StreamResponse:
    raise web.HTTPNotFound


async def _expect(request: web.Request) -> None:
    """Ignores an unknown expectation, as RFC 9110, 10.1.1, allows.

    aiohttp's own handler (3.14) quotes it in an answer before the guard runs, and fails on one that is not UTF-8.
    """
    if request.headers["Expect"].lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0


def _route(request: web.Request) -> Word:
    """Returns the route as registered; the path itself comes from the caller."""
    resource = request.match_info.route.resource
    return phrase(resource.canonical if resource is not None else "unknown")


def as_json(answer: msgspec.Struct) -> web.StreamResponse:
    """Returns a JSON response with the content of `answer`."""
    return web.Response(body=msgspec.json.encode(answer), content_type="application/json")
