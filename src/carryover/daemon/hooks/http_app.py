"""The HTTP application for hooks and its TCP port. `carryover.daemon.control` serves it on the socket.

The port is for agents that cannot run the script, which uses the control socket. If it is taken, the state names the
process that has it, and binding is retried with a back-off; nothing else depends on it. Anyone on this machine can
connect to it, so callers must send the secret in `X-Carryover-Secret`; without it, a call is a hint at most.

    GET  /health                  identifies a Carryover daemon
    POST /hook/<agent>/<event>    see `carryover.daemon.hooks.dispatch`
    /ui/...                       see `carryover.daemon.page_door`
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Final

import msgspec
from aiohttp import web

from carryover import __version__
from carryover.daemon.context import DaemonContext
from carryover.daemon.health import PortState
from carryover.daemon.hooks.dispatch import Hooks
from carryover.daemon.hooks.guard import BODY_LIMIT_BYTES, knows_secret, refusal
from carryover.daemon.log import Log, Word, describe, phrase
from carryover.daemon.page_door import PageDoor
from carryover.daemon.supervisor import delay_s, wait_at_most
from carryover.ledger.connect import LedgerDamaged
from carryover.publish.hook_script import CWD_HEADER, SECRET_HEADER

ADDRESS: Final = "127.0.0.1"

BODY_S: Final = 1.0
"""How long a request body may take to arrive."""

FINISH_REPLIES_S: Final = 2.0
"""How long replies in flight may take when the daemon stops."""

HEAD_S: Final = 2.0
"""How long a connection may take to send its request. Hooks send it immediately."""

MOST_SILENT: Final = 256
"""Maximum number of connections that have sent no request. One more closes the one that has waited longest."""

_LINGER_S: Final = 0.5

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Answer = Callable[[], Awaitable[msgspec.Struct]]
Port = Callable[[], int | None]
Routes = Mapping[tuple[str, str], Handler]
"""Handlers by method and path."""
HOOK: Final = "/hook/{agent}/{event}"
MakeApp = Callable[["ConnectionLimiter", Port], web.Application]


class Greeting(msgspec.Struct, frozen=True):
    """The answer of `GET /health` for anyone who can connect."""

    name: str = "carryoverd"
    version: str = __version__


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


class HookPort:
    """Serves hook calls on a TCP port of this machine, and retries while the port is taken."""

    def __init__(self, context: DaemonContext, make_app: MakeApp) -> None:
        self._context = context
        self._make_app = make_app
        self._moved = context.config_changed
        self._log = context.log
        self.state = PortState()

    async def run(self) -> None:
        """Listens until cancelled."""
        failures = 0
        try:
            while True:
                self._moved.clear()
                wanted = self._context.config.server.port
                try:
                    listener = listen(wanted)
                except OSError as error:
                    failures += 1
                    self._failed(wanted, error)
                    await wait_at_most(self._moved, delay_s(failures))
                    continue
                failures = 0
                await self._serve(wanted, listener)
        finally:
            self.state.port = None

    async def _serve(self, wanted: int, listener: socket.socket) -> None:
        """Serves requests until another port is wanted."""
        bound: int = listener.getsockname()[1]
        limiter = ConnectionLimiter()
        async with listening(self._make_app(limiter, lambda: bound), listener, limiter):
            self.state.port, self.state.trouble = bound, None
            self._log.info("listening", port=bound)
            while self._context.config.server.port == wanted:
                await self._moved.wait()
                self._moved.clear()

    def _failed(self, port: int, error: OSError) -> None:
        self.state.port = None
        if error.errno == errno.EADDRINUSE:
            trouble = f"port {port} is taken by another process"
        else:
            trouble = f"port {port} cannot be used: {os.strerror(error.errno or errno.EIO)}"
        if trouble != self.state.trouble:
            reason = errno.errorcode.get(error.errno or errno.EIO, "EIO")
            self._log.warning("port_unavailable", port=port, reason=Word(reason))
        self.state.trouble = trouble


def listen(port: int) -> socket.socket:
    """Returns a socket that listens on `port` of 127.0.0.1 only. Raises OSError."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # Allows a port that was just closed, but not one that is in use (Linux, macOS).
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((ADDRESS, port))
        listener.listen(256)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def port_app(
    hooks: Hooks, secret: str, log: Log, *, limiter: ConnectionLimiter, port: Port, page: PageDoor
) -> web.Application:
    """Returns the application for the hook port. `port`: returns the port it listens on."""

    async def greet() -> Greeting:
        return Greeting()

    routes = {("GET", "/health"): json_route(greet), ("POST", HOOK): hook_route(hooks, secret=secret)}
    app = guarded_app(routes, log, limiter, port, page=page)
    app.on_shutdown.append(page.end_streams)
    return app


def guarded_app(
    routes: Routes, log: Log, limiter: ConnectionLimiter, port: Port, *, page: PageDoor | None = None
) -> web.Application:
    """Returns an application that rejects what the guard rejects, and reports its own errors as JSON.

    With `page`, it also answers at the page's addresses, as long as the settings have it.
    """

    @web.middleware
    async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            is_page = page is not None and page.is_at(request.path)
            refused = refusal(request, port=port(), own_page=is_page)
            if refused is not None:
                return web.json_response({"error": refused.reason}, status=refused.status)
            return await page.answer(request) if page is not None and is_page else await handler(request)
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


def hook_route(hooks: Hooks, *, secret: str | None) -> Handler:
    """Returns the handler for hook calls. `secret`: what a caller must send; None if access alone is enough."""

    async def handle(request: web.Request) -> web.Response:
        given = request.headers.getall(SECRET_HEADER, ())
        authenticated = secret is None or knows_secret(given, secret)
        try:
            async with asyncio.timeout(BODY_S):
                payload = await request.read()
        except TimeoutError:
            return web.Response(status=408)
        target = request.match_info
        cwd = request.headers.get(CWD_HEADER, "").removesuffix("/") or None
        reply = await hooks.call(target["agent"], target["event"], payload, authenticated=authenticated, cwd=cwd)
        return web.Response(status=reply.status, body=reply.body or None, content_type="text/plain", charset="utf-8")

    return handle


def json_route(answer: Answer) -> Handler:
    """Returns a handler that answers with the result of `answer` as JSON."""

    async def handle(_request: web.Request) -> web.StreamResponse:
        return as_json(await answer())

    return handle


def as_json(answer: msgspec.Struct) -> web.StreamResponse:
    """Returns a JSON response with the content of `answer`."""
    return web.Response(body=msgspec.json.encode(answer), content_type="application/json")
