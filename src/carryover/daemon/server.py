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
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from aiohttp import web

from carryover.daemon.log import Log, phrase, type_and_place
from carryover.daemon.own_page import OwnPage
from carryover.fsio import atomic_replace, read_bytes_bounded
from carryover.ledger.connect import LedgerDamaged
from carryover.platform import here
from carryover.text.pattern import later

BODY_LIMIT_BYTES: Final = 256 * 1024
FINISH_REPLIES_S: Final = 2.0
"""How long replies in flight may take when the daemon stops."""
HEAD_S: Final = 2.0
"""How long a connection may take to send its request. Hooks send it immediately."""
_MOST: Final = 256
_FEWEST: Final = 2
"""How many connections an endpoint may have open, by the descriptors that the process may have."""
_OWN_DESCRIPTORS: Final = 24
"""As many a daemon has open itself, with one git command."""
_ACCEPT_AGAIN_S: Final = 0.1
_LINGER_S: Final = 0.5
"""How long the rest of a body is read that was refused: a client that still sends would not see the answer."""
_HOSTS: Final = ("127.0.0.1", "localhost", "[::1]")
_METHODS: Final = ("GET", "POST")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Routes = Mapping[tuple[str, str], Handler]
"""Handlers by method and path."""


def check(request: web.BaseRequest, *, port: int | None, page_hosts: Collection[str] | None = None) -> None:
    """Raises HTTPException if a request to our `port` must not be read.

    `page_hosts`: the only hosts below which our own page is asked for, which may send the request then.
    """
    headers = request.headers
    hosts = headers.getall("Host", [])
    names = _HOSTS if page_hosts is None else page_hosts
    ours = {*names, *(f"{name}:{port}" for name in names if port is not None)}
    if len(hosts) != 1 or hosts[0].lower() not in ours:
        raise web.HTTPForbidden(reason="this host is not answered for")
    origins = headers.getall("Origin", [])
    if origins and not (page_hosts is not None and origins == [f"http://{hosts[0]}"]):
        raise web.HTTPForbidden(reason="web pages are not answered")
    if "Service-Worker" in headers:
        raise web.HTTPForbidden(reason="no worker is served, which would outlive the page")
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


_SECRET_FORM: Final = later(rb"[0-9a-f]{64}\n?")


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


def most_connections() -> int:
    """Returns how many connections an endpoint may have open: few, where the process needs its descriptors to read."""
    limit = here().descriptors()
    spare = limit - _OWN_DESCRIPTORS if limit else 4 * _MOST
    return max(_FEWEST, min(spare // 4, _MOST))


class ConnectionLimiter:
    """Bounds the connections that are open, and closes those that do not send their request in time.

    One more closes the one that has waited longest for its request, or else the oldest. Allows one request per
    connection, as our clients send only one.
    """

    def __init__(self) -> None:
        self._most = most_connections()
        self._unsent: dict[web.RequestHandler, asyncio.TimerHandle | None] = {}

    async def accept(self, server: web.Server, listener: socket.socket) -> None:
        """Accepts connections until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(listener)
                self._make_room(server)
                await loop.connect_accepted_socket(lambda: self._protocol(server), connection)
            except ConnectionError:  # it has ended already
                continue
            except OSError:  # no descriptor is free
                await asyncio.sleep(_ACCEPT_AGAIN_S)

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Records that a request arrived, and closes the connection after its answer."""
        connection = request.protocol
        timer = self._unsent.pop(connection, None)
        if timer is not None:
            timer.cancel()
        if not request.content.is_eof():
            self._unsent[connection] = None  # its route waits for the body, and not for long
        try:
            answer = await handler(request)
        finally:
            self._unsent.pop(connection, None)
        answer.force_close()
        return answer

    def _protocol(self, server: web.Server) -> web.RequestHandler:
        handler = server()
        self._unsent[handler] = asyncio.get_running_loop().call_later(HEAD_S, self._close, handler)
        return handler

    def _make_room(self, server: web.Server) -> None:
        connected = [each for each in server.connections if each.transport is not None]
        while len(connected) >= self._most:
            closed = next((each for each in connected if each in self._unsent), connected[0])
            connected.remove(closed)
            self._close(closed)

    def _close(self, handler: web.RequestHandler) -> None:
        timer = self._unsent.pop(handler, None)
        if timer is not None:
            timer.cancel()
        handler.force_close()


@asynccontextmanager
async def listening(
    app: web.Application, listeners: Sequence[socket.socket], limiter: ConnectionLimiter
) -> AsyncIterator[None]:
    """Serves `app` on `listeners` while the block runs, then closes them. `limiter` must be one of its middlewares."""
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
        async with asyncio.TaskGroup() as accepting:
            tasks = [accepting.create_task(limiter.accept(server, listener)) for listener in listeners]
            yield
            for task in tasks:
                task.cancel()
    finally:
        for listener in listeners:
            listener.close()
        await runner.cleanup()


def guarded_app(
    routes: Routes, log: Log, limiter: ConnectionLimiter, port: int | None = None, page: OwnPage | None = None
) -> web.Application:
    """Returns an application behind `check`, which reports errors as JSON. `port`: None on a Unix socket. `page`:
    answers at its own addresses."""

    @web.middleware
    async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
        asked_page = page if page is not None and page.is_at(request.path) else None
        try:
            check(request, port=port, page_hosts=asked_page.hosts() if asked_page is not None else None)
            return await (asked_page.answer if asked_page is not None else handler)(request)
        except web.HTTPForbidden as error:
            if asked_page is not None:
                return asked_page.no_entry()
            return web.json_response({"error": error.reason}, status=error.status)
        except web.HTTPException as error:
            return web.json_response({"error": error.reason}, status=error.status)
        except (ConnectionError, web.RequestPayloadError):  # of a body that did not come whole, or in no known form
            return web.json_response({"error": "the body is incomplete"}, status=400)
        except Exception as error:
            # The route as it is registered: the path itself comes from the caller.
            resource = request.match_info.route.resource
            route = phrase(resource.canonical if resource is not None else "unknown")
            log.error("request_failed", error, route=route)
            ends = isinstance(error, LedgerDamaged)  # the next start of the daemon repairs the ledger
            return web.json_response({"error": type_and_place(error)}, status=503 if ends else 500)

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
