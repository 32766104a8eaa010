"""The daemon's two endpoints: the control socket, and a TCP port for agents that cannot run the hooks' script.

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

Anyone on this machine can connect to the port, so callers must send the secret in `X-Carryover-Secret`; without it, a
call is a hint at most. If the port is taken, the state names the process that has it, and binding is retried with a
back-off; nothing else depends on it.

    GET  /health                  identifies a Carryover daemon
    POST /hook/<agent>/<event>    as on the socket
    /ui/...                       the page of `carryover ui`
"""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from os.path import samestat
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

import msgspec
from aiohttp import web

import carryover
from carryover import __version__
from carryover.daemon.commands import Imports, Moves, Syncing
from carryover.daemon.context import DaemonContext
from carryover.daemon.health import PortState
from carryover.daemon.hooks.dispatch import Hooks
from carryover.daemon.log import Log, Word
from carryover.daemon.server import (
    ConnectionLimiter,
    Handler,
    Port,
    Routes,
    as_json,
    guarded_app,
    hook_secret,
    knows_secret,
    listening,
)
from carryover.daemon.supervisor import delay_s, wait_at_most
from carryover.daemon.upkeep import Forgetting
from carryover.facts import is_foreign
from carryover.ledger.connect import LedgerUnavailable
from carryover.ledger.queries import Selection
from carryover.paths import socket_address
from carryover.publish.answers import prune_answers
from carryover.publish.forgetting import Erased
from carryover.publish.hook_script import CWD_HEADER, SECRET_HEADER, write_hook_script

if TYPE_CHECKING:
    from carryover.page.app import Page

LOOPBACK: Final = "127.0.0.1"

BODY_S: Final = 1.0
"""How long a request body may take to arrive."""

HOOK: Final = "/hook/{agent}/{event}"
PAGE: Final = "/ui"
_OFF: Final = (
    "The page is turned off: [server] page is false in config.toml. `carryover config server.page true` turns it on."
)
_UPGRADED: Final = "Carryover was upgraded while carryoverd was running. `carryover restart`, then try again."

T = TypeVar("T")


class PageKey(msgspec.Struct, frozen=True):
    """A key that opens the page once; or why there is none."""

    key: str = ""
    refusal: str = ""


class PageDoor:
    """Opens the page of `carryover ui` when it is first asked for. Until then it costs neither time nor memory."""

    def __init__(self, context: DaemonContext) -> None:
        self._context = context
        self._page: Page | None = None
        self._opening = asyncio.Lock()

    def is_at(self, path: str) -> bool:
        """Whether the path is one of the page's, and the settings have a page."""
        return self._context.config.server.page and (path == PAGE or path.startswith(f"{PAGE}/"))

    async def key(self, env: Mapping[str, str]) -> PageKey:
        """Returns a key. `env`: variables of the shell that asks, for the commands that the page runs."""
        if not self._context.config.server.page:
            return PageKey(refusal=_OFF)
        page = await self._open()
        return PageKey(key=page.access.new_key(env)) if page is not None else PageKey(refusal=_UPGRADED)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answers a request at one of the page's addresses, which the guard let pass."""
        page = await self._open()
        if page is None:
            return web.json_response({"error": _UPGRADED}, status=503)
        return await page.answer(request)

    def changed(self, project: int) -> None:
        """Tells the page that the content or the handoff of a project has changed."""
        if self._page is not None:
            self._page.changes.project(project)

    def settings_changed(self) -> None:
        """Tells the page that health may be different now."""
        if self._page is not None:
            self._page.changes.health()

    async def end_streams(self, _app: web.Application) -> None:
        """Ends what would keep the port from being closed."""
        if self._page is not None:
            self._page.changes.end()

    def close(self) -> None:
        """Ends the page. Doesn't wait."""
        if self._page is not None:
            self._page.close()

    async def _open(self) -> Page | None:
        """Returns the page; None if the files on disk are another version's by now."""
        async with self._opening:
            if self._page is None:
                self._page = await asyncio.to_thread(_page, self._context)
        return self._page


def _page(context: DaemonContext) -> Page | None:
    # Like every module that is loaded late, the page's could be of a version that was installed since.
    if f'"{__version__}"' not in Path(carryover.__file__).read_text():
        return None
    from carryover.page.app import Page

    return Page(context)


class Answers(NamedTuple):
    """The parts that the control socket's routes call. `settle` takes the root of a project to be read first."""

    health: Callable[[], Awaitable[msgspec.Struct]]
    settle: Callable[[str], Awaitable[msgspec.Struct]]
    hooks: Hooks
    moves: Moves
    imports: Imports
    forgetting: Forgetting
    syncing: Syncing
    page: PageDoor

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
        "/settle": lambda given: answers.settle(given.text("root")),
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
        ("GET", "/health"): _json_route(lambda _: answers.health()),
        **{("POST", path): _json_route(answer) for path, answer in posts.items()},
        ("POST", HOOK): _hook_route(answers.hooks, secret=None),
    }
    return guarded_app(routes, log, limiter, port)


def _json_route(answer: Callable[[_Given], Awaitable[msgspec.Struct]]) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        return as_json(await answer(_Given(request.query)))

    return handle


def _hook_route(hooks: Hooks, *, secret: str | None) -> Handler:
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


@asynccontextmanager
async def serving(app: web.Application, path: Path, limiter: ConnectionLimiter) -> AsyncIterator[None]:
    """Serves `app` on a Unix socket at `path` (mode 0600) while the block runs, replacing an earlier daemon's socket.

    Only the holder of the daemon's lock may call this. Raises OSError, and UserError if the path is too long.
    """
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    with _opening(listener):
        with socket_address(path) as address:
            listener.bind(address)
        path.chmod(0o600)
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


def listen(port: int) -> socket.socket:
    """Returns a socket that listens on `port` of 127.0.0.1 only. Raises OSError."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    with _opening(listener):
        # Allows a port that was just closed, but not one that is in use (Linux, macOS).
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((LOOPBACK, port))
        listener.listen(256)
    return listener


@contextmanager
def _opening(listener: socket.socket) -> Iterator[None]:
    try:
        yield
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise


class HookPort:
    """Serves hook calls, and the page, on a TCP port of this machine, and retries while the port is taken."""

    def __init__(self, context: DaemonContext, hooks: Hooks, page: PageDoor) -> None:
        self._context = context
        self._hooks = hooks
        self._page = page
        self._secret = secrets.token_hex(32)
        self._log = context.log
        self.state = PortState()

    def prepare(self) -> None:
        """Creates what hooks need in the state folder: the secret and the script that sends it. Blocks."""
        state = self._context.state
        try:
            self._secret = hook_secret(state.secret)
            write_hook_script(state)
            prune_answers(state.root, self._context.config)
        except OSError as error:
            # A full disk must not prevent the start. With a secret that no hook knows, no call is accepted.
            self._log.error("hooks_not_prepared", error)

    async def run(self) -> None:
        """Listens until cancelled."""
        failures = 0
        try:
            while True:
                changed, wanted = self._context.config_changed, self._context.config.server.port
                try:
                    listener = listen(wanted)
                except OSError as error:
                    failures += 1
                    self._failed(wanted, error)
                    await wait_at_most(changed, delay_s(failures))
                    continue
                failures = 0
                await self._serve(wanted, listener)
        finally:
            self.state.port = None

    async def _serve(self, wanted: int, listener: socket.socket) -> None:
        """Serves requests until another port is wanted."""
        bound: int = listener.getsockname()[1]
        limiter = ConnectionLimiter()
        async with listening(self._app(limiter, lambda: bound), listener, limiter):
            self.state.port, self.state.trouble = bound, None
            self._log.info("listening", port=bound)
            while self._context.config.server.port == wanted:
                await self._context.config_changed.wait()

    def _app(self, limiter: ConnectionLimiter, port: Port) -> web.Application:
        async def greet(_: web.Request) -> web.StreamResponse:
            return web.json_response({"name": "carryoverd", "version": __version__})

        routes: Routes = {("GET", "/health"): greet, ("POST", HOOK): _hook_route(self._hooks, secret=self._secret)}
        app = guarded_app(routes, self._log, limiter, port, is_page=self._page.is_at, page=self._page.answer)
        app.on_shutdown.append(self._page.end_streams)
        return app

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
