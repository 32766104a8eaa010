"""What the daemon answers over its control socket, to the user's own commands and hooks.

The socket is in the state folder, which only its owner may enter: a process that reaches it is the user's, and could
read the secret just as well, so nothing more is asked of it.

    GET  /health                  what the daemon is doing
    POST /settle                  reads and publishes everything that is complete on disk, then answers
    POST /follow?root=            finds what was recorded of a project before it was moved to `root`
    POST /link?old=&new=          `carryover link`
    POST /unlink?old=             `carryover link --undo`
    POST /import?path=&project=&agent=    `carryover import`, of one file
    POST /forget?selection=       `carryover forget`; a `Selection` as JSON
    POST /hook/<agent>/<event>    see `carryover.daemon.hooks.dispatch`
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from os.path import samestat
from pathlib import Path

import msgspec
from aiohttp import web

from carryover.daemon.forgetting import Forgetting
from carryover.daemon.hooks.dispatch import Hooks
from carryover.daemon.hooks.http_app import (
    Answer,
    ConnectionLimiter,
    Handler,
    Port,
    guarded_app,
    hook_route,
    json_route,
    listening,
)
from carryover.daemon.imports import Imports
from carryover.daemon.log import Log
from carryover.daemon.moves import Moves
from carryover.ledger.ledger_errors import LedgerUnavailable
from carryover.ledger.selection import Selection
from carryover.paths import socket_address
from carryover.publish.forgetting import Erased


def control_app(
    health: Answer,
    settle: Answer,
    hooks: Hooks | None,
    log: Log,
    *,
    limiter: ConnectionLimiter,
    port: Port,
    moves: Moves | None = None,
    know: Callable[[str], None] = lambda _root: None,
    imports: Imports | None = None,
    forgetting: Forgetting | None = None,
) -> web.Application:
    """The application behind the control socket; `health` and `settle` give what is answered, as JSON.

    `know` gets the root of a project that is to be read as well, before that is settled.
    """
    app = guarded_app(log, limiter, port)
    app.router.add_get("/health", json_route(health))
    app.router.add_post("/settle", _settling(settle, know))
    if moves is not None:
        app.router.add_post("/follow", _asked(moves.follow_root, "root"))
        app.router.add_post("/link", _asked(moves.link, "old", "new"))
        app.router.add_post("/unlink", _asked(moves.unlink, "old"))
    if imports is not None:
        app.router.add_post("/import", _import(imports))
    if forgetting is not None:
        app.router.add_post("/forget", _forget(forgetting))
    if hooks is not None:
        app.router.add_post("/hook/{agent}/{event}", hook_route(hooks, secret=None))
    return app


@asynccontextmanager
async def serving(app: web.Application, path: Path, limiter: ConnectionLimiter) -> AsyncIterator[None]:
    """Answer on a Unix socket at `path` (mode 0600) while the block lasts. What an earlier daemon left is replaced.

    Only the holder of the daemon's lock may call this. Raises OSError, and UserError for a path that is too long.
    """
    listener = _listen(path)
    ours = path.lstat()
    async with listening(app, listener, limiter):
        try:
            yield
        finally:
            # Before the last reply, so that nothing is answered by a daemon that no longer takes requests. A socket
            # that another daemon put there since, in a state folder that was removed and made again, is left alone.
            with suppress(OSError):
                if samestat(path.lstat(), ours):
                    path.unlink()


def _listen(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with socket_address(path) as address:
            listener.bind(address)
        path.chmod(0o600)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener


def _settling(settle: Answer, know: Callable[[str], None]) -> Handler:
    answer = json_route(settle)

    async def handle(request: web.Request) -> web.StreamResponse:
        root = request.query.get("root", "")
        if root.startswith("/"):
            know(root)
        return await answer(request)

    return handle


def _asked(answer: Callable[..., Awaitable[msgspec.Struct]], *names: str) -> Handler:
    """What `answer` gives for these parts of the query, each of which must be an absolute path."""

    async def handle(request: web.Request) -> web.Response:
        given = [request.query.get(name, "") for name in names]
        if not all(path.startswith("/") for path in given):
            raise web.HTTPBadRequest
        return web.Response(body=msgspec.json.encode(await answer(*given)), content_type="application/json")

    return handle


def _import(imports: Imports) -> Handler:
    """The result of an import; an absent project or agent is empty."""

    async def handle(request: web.Request) -> web.Response:
        path, project, agent_id = (request.query.get(name, "") for name in ("path", "project", "agent"))
        if not path.startswith("/") or (project and not project.startswith("/")):
            raise web.HTTPBadRequest
        done = await imports.take_in(path, project, agent_id)
        return web.json_response(body=msgspec.json.encode(done))

    return handle


def _forget(forgetting: Forgetting) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        try:
            # Without the parameter nothing may be forgotten: an empty selection names everything.
            selection = msgspec.json.decode(request.query["selection"], type=Selection)
        except (KeyError, msgspec.MsgspecError) as error:
            raise web.HTTPBadRequest from error
        try:
            done = await forgetting.forget([selection])
        except LedgerUnavailable as trouble:
            done = Erased(problems=(f"Nothing was forgotten: {trouble}",))
        return web.Response(body=msgspec.json.encode(done), content_type="application/json")

    return handle
