"""Guards the daemon's HTTP endpoints. A web page can make a browser send requests to 127.0.0.1 and, by DNS rebinding,
read the answers. Such a request has the page's host in `Host`, or the page in `Origin`. Other users lack the secret.
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
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from aiohttp import web

from carryover.daemon.log import Log, describe, phrase
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
Routes = Mapping[tuple[str, str], Handler]
"""Handlers by method and path."""


def check(request: web.BaseRequest, *, port: int | None, own_page: bool = False) -> None:
    """Raises HTTPException if a request to our `port` must not be read. `own_page`: our own page may send it."""
    headers = request.headers
    hosts = headers.getall("Host", [])
    ours = {*_HOSTS, *(f"{host}:{port}" for host in _HOSTS if port is not None)}
    if len(hosts) != 1 or hosts[0].lower() not in ours:
        raise web.HTTPForbidden(reason="this host is not answered for")
    origins = headers.getall("Origin", [])
    if origins and not (own_page and origins == [f"http://{hosts[0]}"]):
        raise web.HTTPForbidden(reason="web pages are not answered")
    if request.method not in _METHODS:
        raise web.HTTPMethodNotAllowed(request.method, _METHODS, reason="method not allowed")
    if headers.get("Content-Encoding") not in (None, "identity"):
        raise web.HTTPUnsupportedMediaType(reason="compressed bodies are not read")
    length = headers.get("Content-Length", "0")
    if re.fullmatch("[0-9]{1,20}", length) is None or int(length) > BODY_LIMIT_BYTES:
        raise web.HTTPRequestEntityTooLarge(BODY_LIMIT_BYTES, 0, reason=f"more than {BODY_LIMIT_BYTES} bytes")


def knows_secret(given: Iterable[str], secret: str) -> bool:
    """Whether exactly one secret is `given` and it is correct. Compares in constant time."""
    found = tuple(given)
    return len(found) == 1 and hmac.compare_digest(found[0].encode("utf-8", "replace"), secret.encode())


_SECRET_FORM: Final = re.compile(rb"[0-9a-f]{64}\n?")


def hook_secret(path: Path) -> str:
    """Returns the secret in the file at `path`, a new one if others could have read it. Raises OSError. Blocks."""
    with suppress(OSError):
        found = path.lstat()
        data = read_bytes_bounded(path, 128, follow=False)
        is_private = stat.S_IMODE(found.st_mode) & 0o077 == 0 and found.st_uid == os.geteuid()
        if is_private and _SECRET_FORM.fullmatch(data):
            return data.decode().strip()
    secret = secrets.token_hex(32)
    atomic_replace(path, f"{secret}\n".encode(), mode=0o600, follow=False)
    return secret


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
    port: Callable[[], int | None],
    *,
    is_page: Callable[[str], bool] = lambda _path: False,
    page: Handler | None = None,
) -> web.Application:
    """Returns an application behind `check`, which reports errors as JSON. `page` answers where `is_page` is true."""

    @web.middleware
    async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            at_page = is_page(request.path)
            check(request, port=port(), own_page=at_page)
            return await (page if page is not None and at_page else handler)(request)
        except web.HTTPException as error:
            return web.json_response({"error": error.reason}, status=error.status)
        except Exception as error:
            # The route as it is registered: the path itself comes from the caller.
            resource = request.match_info.route.resource
            route = phrase(resource.canonical if resource is not None else "unknown")
            log.error("request_failed", error, route=route)
            ends = isinstance(error, LedgerDamaged)  # the next start of the daemon repairs the ledger
            return web.json_response({"error": describe(error)}, status=503 if ends else 500)

    app = web.Application(middlewares=[limiter.middleware, answer_errors], client_max_size=BODY_LIMIT_BYTES)
    for (method, path), handler in routes.items():
        app.router.add_route(method, path, handler, expect_handler=_expect)

    async def unknown(_request: web.Request) -> web.StreamResponse:
        raise web.HTTPNotFound

    others = _AnyTarget("/")
    others.add_route("*", unknown, expect_handler=_expect)
    app.router.register_resource(others)
    return app


class _AnyTarget(web.PlainResource):
    """Matches what no other route does, also what is no path (`OPTIONS *`)."""

    async def resolve(self, request: web.Request) -> tuple[web.UrlMappingMatchInfo, set[str]]:  # noqa: ARG002 (given)
        return web.UrlMappingMatchInfo({}, next(iter(self))), set()


async def _expect(request: web.Request) -> None:
    """Ignores an unknown expectation (RFC 9110, 10.1.1), which aiohttp (3.14) would answer before the guard runs."""
    if request.headers["Expect"].lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
