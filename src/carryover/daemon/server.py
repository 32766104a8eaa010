"""The daemon's HTTP applications: what can be asked over the control socket, and what over the port for hooks.

The socket lies in the state folder, which only its owner may enter: whoever reaches it is the user, and could read the
secret just as well, so nothing more is asked of him. To the port anyone on this machine can connect.

                                  control socket                          port on 127.0.0.1
    GET  /health                  what the daemon is doing                that it is one
    POST /settle                  reads and publishes everything that     -
                                  is complete on disk, then answers
    POST /follow?root=            finds what was recorded of a project    -
                                  before it was moved to `root`
    POST /link?old=&new=          `carryover link`                        -
    POST /unlink?old=             `carryover link --undo`                 -
    POST /hook/<agent>/<event>    as `hooks` says                         the same with the secret in
                                                                          X-Carryover-Secret; else a hint at most
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec
from aiohttp import web

from carryover import __version__
from carryover.daemon.address import reachable
from carryover.daemon.guard import BODY_LIMIT_BYTES, Head, knows_secret, refusal
from carryover.daemon.hooks import Hooks
from carryover.daemon.listening import Doorman, Handler, listening
from carryover.daemon.log import Log, describe
from carryover.daemon.moves import Moves
from carryover.publish.hook_script import SECRET_HEADER

BODY_S: Final = 1.0
"""How long a body may take to arrive."""

Answer = Callable[[], Awaitable[msgspec.Struct]]
Port = Callable[[], int | None]


class Greeting(msgspec.Struct, frozen=True):
    """What `GET /health` tells to anyone who can connect."""

    name: str = "carryoverd"
    version: str = __version__


def control_app(
    health: Answer,
    settle: Answer,
    hooks: Hooks | None,
    log: Log,
    *,
    doorman: Doorman,
    port: Port,
    moves: Moves | None = None,
) -> web.Application:
    """The application behind the control socket; `health` and `settle` give what is answered, as JSON."""
    app = _app(log, doorman, port)
    app.router.add_get("/health", _json(health))
    app.router.add_post("/settle", _json(settle))
    if moves is not None:
        app.router.add_post("/follow", _asked(moves.follow_root, "root"))
        app.router.add_post("/link", _asked(moves.link, "old", "new"))
        app.router.add_post("/unlink", _asked(moves.unlink, "old"))
    if hooks is not None:
        app.router.add_post("/hook/{agent}/{event}", _hook(hooks, secret=None))
    return app


def port_app(hooks: Hooks, secret: str, log: Log, *, doorman: Doorman, port: Port) -> web.Application:
    """The application behind the port for hooks. `port`: the one it listens on."""

    async def greet() -> Greeting:
        return Greeting()

    app = _app(log, doorman, port)
    app.router.add_get("/health", _json(greet))
    app.router.add_post("/hook/{agent}/{event}", _hook(hooks, secret=secret))
    return app


@asynccontextmanager
async def serving(app: web.Application, path: Path, doorman: Doorman) -> AsyncIterator[None]:
    """Answer on a Unix socket at `path` (mode 0600) while the block lasts. What an earlier daemon left is replaced.

    Only the holder of the daemon's lock may call this. Raises OSError, and UserError for a path that is too long.
    """
    listener = _listen(path)
    async with listening(app, listener, doorman):
        try:
            yield
        finally:
            # Before the last reply, so that nobody is told "running" by a daemon that no longer takes requests.
            with suppress(FileNotFoundError):
                path.unlink()


def _listen(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with reachable(path) as address:
            listener.bind(address)
        path.chmod(0o600)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def _app(log: Log, doorman: Doorman, port: Port) -> web.Application:
    @web.middleware
    async def tell_of_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            refused = refusal(_head(request), port=port())
            if refused is not None:
                return web.json_response({"error": refused.reason}, status=refused.status)
            return await handler(request)
        except web.HTTPException as error:
            return web.json_response({"error": error.reason}, status=error.status)
        except Exception as error:
            log.error("request_failed", error, path=request.path)
            return web.json_response({"error": describe(error)}, status=500)

    return web.Application(middlewares=[doorman.middleware, tell_of_errors], client_max_size=BODY_LIMIT_BYTES)


def _head(request: web.Request) -> Head:
    return Head(
        method=request.method,
        hosts=tuple(request.headers.getall("Host", ())),
        origins=tuple(request.headers.getall("Origin", ())),
        content_length=request.headers.get("Content-Length"),
        content_encoding=request.headers.get("Content-Encoding"),
    )


def _hook(hooks: Hooks, *, secret: str | None) -> Handler:
    """`secret`: what a caller must know to be believed; None where reaching us is enough."""

    async def handle(request: web.Request) -> web.Response:
        given = request.headers.getall(SECRET_HEADER, ())
        authenticated = secret is None or knows_secret(given, secret)
        try:
            async with asyncio.timeout(BODY_S):
                payload = await request.read()
        except TimeoutError:
            return web.Response(status=408)
        target = request.match_info
        reply = await hooks.call(target["agent"], target["event"], payload, authenticated=authenticated)
        return web.Response(status=reply.status, body=reply.body or None, content_type="text/plain", charset="utf-8")

    return handle


def _asked(answer: Callable[..., Awaitable[msgspec.Struct]], *names: str) -> Handler:
    """What `answer` gives for these parts of the query, each of which must be an absolute path."""

    async def handle(request: web.Request) -> web.Response:
        given = [request.query.get(name, "") for name in names]
        if not all(path.startswith("/") for path in given):
            raise web.HTTPBadRequest
        return web.Response(body=msgspec.json.encode(await answer(*given)), content_type="application/json")

    return handle


def _json(answer: Answer) -> Handler:
    async def handle(_request: web.Request) -> web.Response:
        return web.Response(body=msgspec.json.encode(await answer()), content_type="application/json")

    return handle
