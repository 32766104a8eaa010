"""Serving an application on a socket, without patience for connections that say nothing."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

FINISH_REPLIES_S: Final = 2.0
"""How long replies in flight may take once the daemon stops."""

HEAD_S: Final = 2.0
"""How long a connection may take to say what it wants. Hooks say it at once."""

MOST_SILENT: Final = 256
"""Connections that have not said yet what they want. For one more the longest silent is closed."""

_LINGER_S: Final = 0.5

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Doorman:
    """Closes connections on which no request comes. One request a connection: nothing we serve asks twice."""

    def __init__(self, head_s: float = HEAD_S) -> None:
        self._head_s = head_s
        self._silent: dict[RequestHandler, asyncio.TimerHandle] = {}

    def let_in(self, server: web.Server) -> RequestHandler:
        """The protocol for a new connection."""
        if len(self._silent) >= MOST_SILENT:
            self._show_out(next(iter(self._silent)))
        handler = server()
        self._silent[handler] = asyncio.get_running_loop().call_later(self._head_s, self._show_out, handler)
        return handler

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Takes note that a request came, and lets the connection end with its answer."""
        timer = self._silent.pop(request.protocol, None)
        if timer is not None:
            timer.cancel()
        answer = await handler(request)
        answer.force_close()
        return answer

    def _show_out(self, handler: RequestHandler) -> None:
        self._silent.pop(handler).cancel()
        handler.force_close()


@asynccontextmanager
async def listening(app: web.Application, listener: socket.socket, doorman: Doorman) -> AsyncIterator[None]:
    """Answer on `listener` while the block lasts, and close it. `doorman` is among the middlewares of `app`."""
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
            lambda: doorman.let_in(server), sock=listener, backlog=256
        )
        try:
            yield
        finally:
            site.close()
    finally:
        listener.close()
        await runner.cleanup()
