"""The socket on which systemd listens to its services, for tests that stand in for it."""

from __future__ import annotations

import asyncio
import socket
from types import TracebackType
from typing import Self

LIMIT_S = 20.0


class NotifySocket:
    """Bound to a path, or to a name in the abstract namespace (`@name`) where the system has one."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)

    def receive(self) -> list[str]:
        """The lines of the next message; blocks."""
        self._socket.settimeout(LIMIT_S)
        return self._socket.recv(4096).decode().split("\n")

    async def next(self) -> list[str]:
        return await asyncio.to_thread(self.receive)

    def pending(self) -> list[str]:
        """All lines that have arrived by now."""
        self._socket.setblocking(False)
        lines = []
        while True:
            try:
                lines += self._socket.recv(4096).decode().split("\n")
            except BlockingIOError:
                return lines

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
