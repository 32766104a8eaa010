"""Routes of the control socket, for the user's own commands and hooks.

The socket is in the state folder, which only its owner can enter: a process that reaches it could read the secret too,
so no further authentication is needed.

    GET  /health                  the daemon's health
    POST /settle                  reads and publishes everything that is complete on disk, then answers
    POST /follow?root=            finds what was recorded of a project before it was moved to `root`
    POST /link?old=&new=          `carryover link`
    POST /unlink?old=             `carryover link --undo`
    POST /import?path=&project=&agent=    `carryover import`, of one file
    POST /forget?selection=       `carryover forget`; a `Selection` as JSON
    POST /sync                    `carryover sync`
    POST /sync/allow?root=       `carryover sync allow`
    POST /sync/end[?forget]       `carryover sync off`
    POST /page?env=               `carryover ui`: a key for the page; variables of its shell as JSON
    POST /hook/<agent>/<event>    see `carryover.daemon.hooks.dispatch`
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from os.path import samestat
from pathlib import Path
from typing import NamedTuple

import msgspec
from aiohttp import web

from carryover.daemon.forgetting import Forgetting
from carryover.daemon.hooks.dispatch import Hooks
from carryover.daemon.hooks.http_app import (
    HOOK,
    Answer,
    ConnectionLimiter,
    Handler,
    Port,
    Routes,
    as_json,
    guarded_app,
    hook_route,
    json_route,
    listening,
)
from carryover.daemon.imports import Imports
from carryover.daemon.log import Log
from carryover.daemon.moves import Moves
from carryover.daemon.page_door import PageDoor
from carryover.daemon.syncing import Syncing
from carryover.facts import is_foreign
from carryover.ledger.ledger_errors import LedgerUnavailable
from carryover.ledger.selection import Selection
from carryover.paths import socket_address
from carryover.publish.forgetting import Erased


class Answers(NamedTuple):
    """Functions that the routes call. `know` adds the root of a project to be read before everything is settled."""

    health: Answer
    settle: Answer
    know: Callable[[str], None]
    hooks: Hooks
    moves: Moves
    imports: Imports
    forgetting: Forgetting
    syncing: Syncing
    page: PageDoor


def control_app(answers: Answers, log: Log, *, limiter: ConnectionLimiter, port: Port) -> web.Application:
    """Returns the application for the control socket."""
    routes: Routes = {
        ("GET", "/health"): json_route(answers.health),
        ("POST", "/settle"): _settling(answers.settle, answers.know),
        ("POST", "/follow"): _asked(answers.moves.follow_root, "root"),
        ("POST", "/link"): _asked(answers.moves.link, "old", "new"),
        ("POST", "/unlink"): _asked(answers.moves.unlink, "old"),
        ("POST", "/import"): _import(answers.imports),
        ("POST", "/forget"): _forget(answers.forgetting),
        ("POST", "/sync"): json_route(answers.syncing.once),
        ("POST", "/sync/allow"): _allow(answers.syncing),
        ("POST", "/sync/end"): _end_sync(answers.syncing),
        ("POST", "/page"): _page_key(answers.page),
        ("POST", HOOK): hook_route(answers.hooks, secret=None),
    }
    return guarded_app(routes, log, limiter, port)


@asynccontextmanager
async def serving(app: web.Application, path: Path, limiter: ConnectionLimiter) -> AsyncIterator[None]:
    """Serves `app` on a Unix socket at `path` (mode 0600) while the block runs, replacing an earlier daemon's socket.

    Only the holder of the daemon's lock may call this. Raises OSError, and UserError if the path is too long.
    """
    listener = _listen(path)
    ours = path.lstat()
    async with listening(app, listener, limiter):
        try:
            yield
        finally:
            # Before the last reply, so that the socket never leads to a daemon that no longer takes requests. If the
            # state folder was recreated, a socket that another daemon has put there is left alone.
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
    """Returns a handler that calls `answer` with these query parameters, each of which must be an absolute path.

    What was recorded at `old` may have been recorded on another machine.
    """

    async def handle(request: web.Request) -> web.StreamResponse:
        given = {name: request.query.get(name, "") for name in names}
        if not all(path.startswith("/") or (name == "old" and is_foreign(path)) for name, path in given.items()):
            raise web.HTTPBadRequest
        return as_json(await answer(*given.values()))

    return handle


def _import(imports: Imports) -> Handler:
    """Returns the handler for imports; an absent project or agent is passed as an empty string."""

    async def handle(request: web.Request) -> web.StreamResponse:
        path, project, agent_id = (request.query.get(name, "") for name in ("path", "project", "agent"))
        if not path.startswith("/") or (project and not project.startswith("/")):
            raise web.HTTPBadRequest
        return as_json(await imports.take_in(path, project, agent_id, again="again" in request.query))

    return handle


def _forget(forgetting: Forgetting) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            # A missing parameter must forget nothing, but an empty selection selects everything.
            selection = msgspec.json.decode(request.query["selection"], type=Selection)
        except (KeyError, msgspec.MsgspecError) as error:
            raise web.HTTPBadRequest from error
        try:
            return as_json(await forgetting.forget([selection]))
        except LedgerUnavailable as trouble:
            return as_json(Erased(problems=(f"Nothing was forgotten: {trouble}",)))

    return handle


def _allow(syncing: Syncing) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        root = request.query.get("root", "")
        if not root.startswith("/"):
            raise web.HTTPBadRequest
        return as_json(await syncing.allow(root))

    return handle


def _end_sync(syncing: Syncing) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        return as_json(await syncing.end(forget="forget" in request.query))

    return handle


def _page_key(page: PageDoor) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            env = msgspec.json.decode(request.query.get("env", "{}"), type=dict[str, str])
        except msgspec.MsgspecError as error:
            raise web.HTTPBadRequest from error
        return as_json(await page.key(env))

    return handle
