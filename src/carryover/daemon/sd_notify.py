"""Reports the daemon's state to systemd: ready, alive, stopping. Does nothing if systemd did not ask for it.

The protocol is sd_notify(3): lines of `NAME=value` in one datagram to the Unix socket that `NOTIFY_SOCKET` names, where
a leading `@` means the abstract namespace. `WATCHDOG_USEC` says how often systemd wants a sign of life.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from typing import Final

from carryover.daemon.log import Log

STATUS_EVERY_S: Final = 30.0
"""How often the status is brought up to date where no watchdog wants to hear more often."""

AFTER_CHANGE_S: Final = 2.0

_TRIES: Final = 40
_PAUSE_S: Final = 0.05


class SystemdNotifier:
    """The systemd that supervises this process. Trouble with the socket is logged once and stops nothing."""

    def __init__(self, address: str | None, watchdog_s: float | None, log: Log) -> None:
        self._address = address
        self._log = log
        self._failed = False
        self._last_status: str | None = None
        self.watchdog_s = watchdog_s if address is not None else None
        """After so many seconds without a sign of life the process is killed; None: there is no watchdog."""

    @classmethod
    def of(cls, env: MutableMapping[str, str], log: Log) -> SystemdNotifier:
        """From the variables, which are removed from `env`, so that no program started from here obeys them."""
        address = env.pop("NOTIFY_SOCKET", "")
        usec, pid = env.pop("WATCHDOG_USEC", ""), env.pop("WATCHDOG_PID", "")
        watched = usec.isascii() and usec.isdigit() and int(usec) > 0 and pid in ("", str(os.getpid()))
        return cls(address if address.startswith(("/", "@")) else None, int(usec) / 1_000_000 if watched else None, log)

    @property
    def listening(self) -> bool:
        """Whether systemd asked for reports."""
        return self._address is not None

    async def ready(self) -> None:
        """Reports that the daemon answers."""
        await self._send("READY=1")

    async def stopping(self) -> None:
        """Reports that the daemon is stopping."""
        await self._send("STOPPING=1")

    async def report_status(self, status: Callable[[], str], healthy: Callable[[], bool]) -> None:
        """Sends keep-alives while `healthy`, and the `status` (one line, no content) whenever it is another one.

        Runs until it is cancelled, in the event loop: one that hangs gives no sign.
        """
        while True:
            lines = ["WATCHDOG=1"] if self.watchdog_s is not None and healthy() else []
            line = status()
            moved = line != self._last_status
            if moved:
                lines.append(f"STATUS={line}")
                self._last_status = line
            if lines:
                await self._send(*lines)
            await asyncio.sleep(self._pause_s(moved))

    def _pause_s(self, moved: bool) -> float:
        """Half of what the watchdog allows; less after a change, since another one often follows."""
        usual_s = STATUS_EVERY_S if self.watchdog_s is None else self.watchdog_s / 2
        return min(usual_s, AFTER_CHANGE_S) if moved else usual_s

    async def _send(self, *lines: str) -> None:
        if self._address is None:
            return
        try:
            await _deliver(self._address, "\n".join(lines).encode())
        except OSError as error:
            if not self._failed:
                self._log.error("notify_failed", error)
            self._failed = True


def report_waiting(env: Mapping[str, str], status: str) -> bool:
    """Reports, before anything runs, what the daemon waits for (one line); False if systemd does not supervise it."""
    address = env.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return False
    with suppress(OSError):
        _sent(address, f"STATUS={status}".encode())
    return True


async def _deliver(address: str, message: bytes) -> None:
    """Raises OSError, TimeoutError when the receiver has no room for long."""
    for _ in range(_TRIES):
        if _sent(address, message):
            return
        await asyncio.sleep(_PAUSE_S)
    raise TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))


def _sent(address: str, message: bytes) -> bool:
    """False when the receiver has no room just now."""
    target = "\0" + address[1:] if address.startswith("@") else address
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        try:
            sender.sendto(message, target)
        except BlockingIOError:
            return False
    return True
