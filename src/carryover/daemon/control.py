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
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from os.path import samestat
from pathlib import Path
from typing import NamedTuple, TypeVar

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
from carryover.ledger.connect import LedgerUnavailable
from carryover.ledger.queries import Selection
from carryover.paths import socket_address
from carryover.publish.forgetting import Erased

T = TypeVar("T")


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

    async def settled(self, root: str) -> msgspec.Struct:
        """Adds the project at `root`, if that is a folder of this machine, and settles everything."""
        if root.startswith("/"):
            self.know(root)
        return await self.settle()

    async def forgotten(self, selection: Selection) -> Erased:
        """Forgets what is selected."""
        try:
            return await self.forgetting.forget([selection])
        except LedgerUnavailable as trouble:
            return Erased(problems=(f"Nothing was forgotten: {trouble}",))


class _Given(NamedTuple):
    """The parameters of a request. Its methods raise HTTPBadRequest."""

    query: Mapping[str, str]

    def text(self, name: str) -> str:
        return self.query.get(name, "")

    def path(self, name: str, *, optional: bool = False, of_any_machine: bool = False) -> str:
        path = self.text(name)
        if path.startswith("/") or (optional and not path) or (of_any_machine and is_foreign(path)):
            return path
        raise web.HTTPBadRequest

    def decoded(self, name: str, kind: type[T], default: str = "") -> T:
        try:
            # A missing parameter must forget nothing, but an empty selection selects everything.
            return msgspec.json.decode(self.query.get(name, default), type=kind)
        except msgspec.MsgspecError as error:
            raise web.HTTPBadRequest from error


def control_app(answers: Answers, log: Log, *, limiter: ConnectionLimiter, port: Port) -> web.Application:
    """Returns the application for the control socket."""
    moves, syncing = answers.moves, answers.syncing
    posts: dict[str, Callable[[_Given], Awaitable[msgspec.Struct]]] = {
        "/settle": lambda given: answers.settled(given.text("root")),
        "/follow": lambda given: moves.follow_root(given.path("root")),
        "/link": lambda given: moves.link(given.path("old", of_any_machine=True), given.path("new")),
        "/unlink": lambda given: moves.unlink(given.path("old", of_any_machine=True)),
        "/import": lambda given: answers.imports.take_in(
            given.path("path"), given.path("project", optional=True), given.text("agent"), again="again" in given.query
        ),
        "/forget": lambda given: answers.forgotten(given.decoded("selection", Selection)),
        "/sync": lambda _: syncing.once(),
        "/sync/allow": lambda given: syncing.allow(given.path("root")),
        "/sync/end": lambda given: syncing.end(forget="forget" in given.query),
        "/page": lambda given: answers.page.key(given.decoded("env", dict[str, str], "{}")),
    }
    routes: Routes = {
        ("GET", "/health"): json_route(answers.health),
        **{("POST", path): _route(answer) for path, answer in posts.items()},
        ("POST", HOOK): hook_route(answers.hooks, secret=None),
    }
    return guarded_app(routes, log, limiter, port)


def _route(answer: Callable[[_Given], Awaitable[msgspec.Struct]]) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        return as_json(await answer(_Given(request.query)))

    return handle


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
