"""Listens for hooks on a port of this machine, for agents that cannot run the script which uses the control socket.

The port may be taken: that is said, with by whom, and tried again with a back-off. Nothing else depends on it.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import msgspec
from aiohttp import web

from carryover.daemon.listening import Doorman, listening
from carryover.daemon.log import Log
from carryover.daemon.port_holder import port_holder
from carryover.daemon.supervise import delay_s

ADDRESS: Final = "127.0.0.1"

MakeApp = Callable[[Doorman, Callable[[], int | None]], web.Application]


class PortState(msgspec.Struct):
    """What `/health` says of the port for hooks."""

    port: int | None = None
    """Listened on now."""
    trouble: str | None = None
    """Why it is not, in words."""


class HookServer:
    """See the module. `moved` is set when `port` may give another number."""

    def __init__(self, make_app: MakeApp, *, port: Callable[[], int], moved: asyncio.Event, log: Log) -> None:
        self._make_app = make_app
        self._port = port
        self._moved = moved
        self._log = log
        self.state = PortState()

    async def run(self) -> None:
        """Listen until cancelled."""
        failures = 0
        try:
            while True:
                self._moved.clear()
                wanted = self._port()
                try:
                    listener = listen(wanted)
                except OSError as error:
                    failures += 1
                    await self._failed(wanted, error)
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._moved.wait(), delay_s(failures))
                    continue
                failures = 0
                await self._serve(wanted, listener)
        finally:
            self.state.port = None

    async def _serve(self, wanted: int, listener: socket.socket) -> None:
        """Until another port is wanted."""
        bound: int = listener.getsockname()[1]
        doorman = Doorman()
        async with listening(self._make_app(doorman, lambda: bound), listener, doorman):
            self.state.port, self.state.trouble = bound, None
            self._log.info("listening", port=bound)
            while self._port() == wanted:
                await self._moved.wait()
                self._moved.clear()

    async def _failed(self, port: int, error: OSError) -> None:
        self.state.port = None
        if error.errno == errno.EADDRINUSE:
            trouble = f"port {port} is taken by {await asyncio.to_thread(port_holder, port)}"
        else:
            trouble = f"port {port} cannot be used: {os.strerror(error.errno or errno.EIO)}"
        if trouble != self.state.trouble:
            self._log.warning("port_unavailable", port=port, reason=trouble)
        self.state.trouble = trouble


def listen(port: int) -> socket.socket:
    """A socket bound to `port` of this machine only. Raises OSError."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # A port that was closed a moment ago may be taken again; one that is listened on may not (Linux, macOS).
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((ADDRESS, port))
        listener.listen(256)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener
