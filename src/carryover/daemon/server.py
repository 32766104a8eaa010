"""The daemon's HTTP application, and the control socket it answers on.

The socket lies in the state folder, which only its owner may enter, so whoever reaches it may ask anything. Requests:

    GET  /health   what the daemon is doing, as JSON
    POST /settle   reads and publishes everything that is complete on disk now, then answers
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec
from aiohttp import web

from carryover.daemon.address import reachable
from carryover.daemon.log import Log, describe

FINISH_REPLIES_S: Final = 2.0
"""How long replies in flight may take once the daemon stops."""

Answer = Callable[[], Awaitable[msgspec.Struct]]


def control_app(health: Answer, settle: Answer, log: Log) -> web.Application:
    """The application behind the control socket; `health` and `settle` give what is answered, as JSON."""

    @web.middleware
    async def tell_of_errors(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as refusal:
            return web.json_response({"error": refusal.reason}, status=refusal.status)
        except Exception as error:
            log.error("request_failed", error, path=request.path)
            return web.json_response({"error": describe(error)}, status=500)

    app = web.Application(middlewares=[tell_of_errors])
    app.router.add_get("/health", _handler(health))
    app.router.add_post("/settle", _handler(settle))
    return app


@asynccontextmanager
async def serving(app: web.Application, path: Path) -> AsyncIterator[None]:
    """Answer on a Unix socket at `path` (mode 0600) while the block lasts. What an earlier daemon left is replaced.

    Only the holder of the daemon's lock may call this. Raises OSError, and UserError for a path that is too long.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=FINISH_REPLIES_S)
    await runner.setup()
    try:
        listener = _listen(path)
        try:
            await web.SockSite(runner, listener).start()
            yield
        finally:
            # Before the last reply, so that nobody is told "running" by a daemon that no longer takes requests.
            with suppress(FileNotFoundError):
                path.unlink()
    finally:
        await runner.cleanup()


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


def _handler(answer: Answer) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(_request: web.Request) -> web.Response:
        body = msgspec.json.encode(await answer())
        return web.Response(body=body, content_type="application/json")

    return handle
