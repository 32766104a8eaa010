"""The daemon's two endpoints: the control socket, which commands and hooks use, and a TCP port for the page of
`carryover ui`.

The socket is in the state folder, which only its owner can enter: a process that reaches it could read the secret too,
so no further authentication is needed. Anyone on this machine can connect to the port. It takes hook calls too, as from
a program of the user's that can post only to an address: a caller must send the secret in `X-Carryover-Secret`, or is
refused. If the default port is taken, as by another user's daemon, another one does. If one that the user chose is
taken, it is tried again every few seconds. Nothing else depends on it: `carryover ui` asks on the socket for the port.
"""

from __future__ import annotations

import asyncio
import errno
import os
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from os.path import samestat
from pathlib import Path
from typing import Final

import msgspec
from aiohttp import web

from carryover import __version__
from carryover.config import Config
from carryover.daemon.client import REFUSES
from carryover.daemon.commands import Handoffs, Imports, Moves, Syncing
from carryover.daemon.context import DaemonContext
from carryover.daemon.health import PortState
from carryover.daemon.hooks.dispatch import HookAnswers
from carryover.daemon.log import Log, Word
from carryover.daemon.own_page import OwnPage
from carryover.daemon.server import (
    ConnectionLimiter,
    Handler,
    Routes,
    guarded_app,
    hook_secret,
    knows_secret,
    listening,
)
from carryover.daemon.supervisor import wait_at_most
from carryover.daemon.upkeep import Forgetting
from carryover.decoders import decoder_of
from carryover.errors import UserError
from carryover.facts import is_foreign
from carryover.ledger.connect import LedgerDamaged
from carryover.ledger.queries import Selection
from carryover.paths import socket_address
from carryover.platform import here
from carryover.publish.handoff_json import WantedHandoff
from carryover.publish.hook_script import CWD_HEADER, SECRET_HEADER, write_hook_script

BODY_S: Final = 1.0
"""How long a request body may take to arrive."""
NEIGHBOURS: Final = 10
ANY_FREE: Final = 0
_RETRY_S: Final = 5.0
"""Interval between attempts at a port that is taken."""
_BACKLOG: Final = 256
HOOK: Final = "/hook/{agent}/{event}"


def control_app(
    log: Log,
    *,
    limiter: ConnectionLimiter,
    health: Callable[[], Awaitable[msgspec.Struct]],
    settle: Callable[[str], Awaitable[bool]],
    hooks: HookAnswers,
    moves: Moves,
    imports: Imports,
    forgetting: Forgetting,
    syncing: Syncing,
    page: OwnPage,
    handoffs: Handoffs,
) -> web.Application:
    """Returns the application for the control socket: /health, /hook, and what commands have the daemon do. `settle`
    takes the root of a project to be read first."""

    async def settled(given: Mapping[str, str]) -> dict[str, bool]:
        return {"caught_up": await settle(given.get("root", ""))}

    posts: dict[str, Callable[[Mapping[str, str]], Awaitable[object]]] = {
        "/settle": settled,
        "/follow": lambda given: moves.follow_root(_path(given, "root")),
        "/handoff": lambda given: handoffs.answer(_wanted_handoff(given)),
        "/link": lambda given: moves.link(_path(given, "old", of_any_machine=True), _path(given, "new")),
        "/unlink": lambda given: moves.unlink(_path(given, "old", of_any_machine=True)),
        "/import": lambda given: imports.take_in(
            _path(given, "path"),
            given.get("project") and _path(given, "project"),
            given.get("agent"),
            again="again" in given,
        ),
        # A missing parameter must forget nothing, but an empty selection selects everything.
        "/forget": lambda given: forgetting.forget(_selection(given)),
        "/sync": lambda _: syncing.once(),
        "/page": lambda _: page.key(),
    }
    routes: Routes = {
        ("GET", "/health"): _json_route(lambda _: health()),
        **{("POST", path): _json_route(answer) for path, answer in posts.items()},
        ("POST", HOOK): _hook_route(hooks, secret=None),
    }
    return guarded_app(routes, log, limiter)


def _path(given: Mapping[str, str], name: str, *, of_any_machine: bool = False) -> str:
    path = given.get(name, "")
    if path.startswith("/") or (of_any_machine and is_foreign(path)):
        return path
    raise web.HTTPBadRequest


def _wanted_handoff(given: Mapping[str, str]) -> WantedHandoff:
    _path(given, "root")
    try:
        return msgspec.convert(dict(given), WantedHandoff, strict=False)  # the budget is a number
    except msgspec.ValidationError as error:
        raise web.HTTPBadRequest from error


def _selection(given: Mapping[str, str]) -> Selection:
    try:
        return decoder_of(Selection).decode(given.get("selection", ""))
    except ValueError as error:
        raise web.HTTPBadRequest from error


def _json_route(answer: Callable[[Mapping[str, str]], Awaitable[object]]) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            body = msgspec.json.encode(await answer(request.query))
        except LedgerDamaged:  # the daemon has to end, and repairs the ledger at its next start
            raise
        except UserError as trouble:
            return web.json_response({"error": str(trouble), "code": trouble.code}, status=int(REFUSES))
        return web.Response(body=body, content_type="application/json")

    return handle


def _hook_route(hooks: HookAnswers, *, secret: str | None) -> Handler:
    """Returns the handler for hook calls. Callers must send `secret`; if it is None, access alone is enough."""

    async def handle(request: web.Request) -> web.Response:
        if secret is not None and not knows_secret(request.headers.getall(SECRET_HEADER, ()), secret):
            raise web.HTTPForbidden(reason="the secret of the hooks is missing or wrong")
        try:
            async with asyncio.timeout(BODY_S):
                payload = await request.read()
        except (TimeoutError, ConnectionResetError):  # of a caller that has gone, nobody reads the answer
            return web.Response(status=408)
        except (ConnectionError, RuntimeError, web.RequestPayloadError):  # cut off; in no known form (aiohttp 3.14)
            return web.Response(status=400)
        target = request.match_info
        cwd = request.headers.get(CWD_HEADER, "").removesuffix("/") or None
        reply = await hooks.call(target["agent"], target["event"], payload, cwd=cwd)
        return web.Response(status=reply.status, body=reply.body or None, content_type="text/plain", charset="utf-8")

    return handle


@asynccontextmanager
async def serving(app: web.Application, path: Path, limiter: ConnectionLimiter) -> AsyncIterator[None]:
    """Serves `app` on a Unix socket (mode 0600) while the block runs. For the holder of the daemon's lock only."""
    path.unlink(missing_ok=True)
    with _opened(socket.AF_UNIX) as listener:
        with socket_address(path) as address:
            listener.bind(address)
        path.chmod(0o600)
        listener.listen(_BACKLOG)
    ours = path.lstat()
    async with listening(app, [listener], limiter):
        try:
            yield
        finally:
            # Before the last reply, so that the socket never leads to a daemon that no longer takes requests. If the
            # state folder was recreated, a socket that another daemon has put there is left alone.
            with suppress(OSError):
                if samestat(path.lstat(), ours):
                    path.unlink()


def listen(port: int) -> list[socket.socket]:
    """Returns sockets that listen on `port` of 127.0.0.1 and ::1 only. Raises OSError.

    Browsers take a name below `localhost` for both, and try ::1 first: no other user's server may be there.
    """
    first = _listener(socket.AF_INET, "127.0.0.1", port)
    try:
        return [first, _listener(socket.AF_INET6, "::1", first.getsockname()[1])]
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL or (error.errno == errno.EAFNOSUPPORT and not here().others_have_ipv6()):
            return [first]  # there is no ::1, for nobody
        first.close()
        raise


def _listener(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    with _opened(family) as listener:
        # Allows a port that was just closed, but not one that is in use (Linux, macOS).
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, port))
        listener.listen(_BACKLOG)
    return listener


@contextmanager
def _opened(family: socket.AddressFamily) -> Iterator[socket.socket]:
    """Yields a new socket to be set up in the block, which is closed only if that fails."""
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        yield listener
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise


def _wanted(config: Config) -> tuple[int, ...]:
    """Returns the ports to try. A second user of the machine gets the same other one at each start, as a rule."""
    first = config.server.port
    return (*range(first, first + NEIGHBOURS), ANY_FREE) if config.port_may_move else (first,)


def _listen_on(ports: Sequence[int]) -> list[socket.socket]:
    """Listens on the first of `ports` that is not taken. Raises OSError for another reason, or if all are."""
    for port in ports[:-1]:
        try:
            return listen(port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    return listen(ports[-1])


class HookPort:
    """Serves hook calls, and the page, on a TCP port of this machine, and retries while the port is taken."""

    def __init__(self, context: DaemonContext, hooks: HookAnswers, page: OwnPage) -> None:
        self._context = context
        self._hooks = hooks
        self._page = page
        # With a secret that no hook knows, no call is accepted.
        self._secret = secrets.token_hex(32)
        self._log = context.log
        self.state = PortState()

    def prepare(self) -> None:
        """Creates what hooks need in the state folder: the secret and the script that sends it. Blocks."""
        state = self._context.state
        try:
            self._secret = hook_secret(state.secret)
            write_hook_script(state)
        except OSError as error:  # a full disk must not prevent the start
            self._log.error("hooks_not_prepared", error)

    async def run(self) -> None:
        """Listens until cancelled."""
        context = self._context
        try:
            while True:
                changed, wanted = context.config_changed, _wanted(context.config)
                try:
                    listeners = _listen_on(wanted)
                except OSError as error:
                    self._failed(wanted[0], error.errno or errno.EIO)
                    await wait_at_most(changed, _RETRY_S)
                    continue
                bound: int = listeners[0].getsockname()[1]
                limiter = ConnectionLimiter()
                async with listening(self._app(limiter, bound), listeners, limiter):
                    self.state.port, self.state.trouble = bound, None
                    self._log.info("listening", port=bound)
                    while _wanted(context.config) == wanted:
                        await context.config_changed.wait()
        finally:
            self.state.port = None

    def _failed(self, port: int, number: int) -> None:
        taken, before = number == errno.EADDRINUSE, self.state.trouble
        why = "is taken by another process" if taken else f"cannot be used: {os.strerror(number)}"
        self.state.port, self.state.trouble = None, f"port {port} {why}"
        if self.state.trouble != before:
            self._log.warning("port_unavailable", port=port, reason=Word(errno.errorcode.get(number, "EIO")))

    def _app(self, limiter: ConnectionLimiter, bound: int) -> web.Application:
        async def greet(_: web.Request) -> web.StreamResponse:
            return web.json_response({"name": "carryoverd", "version": __version__})

        routes: Routes = {("GET", "/health"): greet, ("POST", HOOK): _hook_route(self._hooks, secret=self._secret)}
        app = guarded_app(routes, self._log, limiter, bound, self._page)

        async def end_visits(_app: web.Application) -> None:
            self._page.end()

        app.on_shutdown.append(end_visits)
        return app
