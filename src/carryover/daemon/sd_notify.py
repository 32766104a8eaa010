"""Reports the daemon's state to systemd: ready, alive, stopping. Does nothing unless systemd asked for it.

The protocol is sd_notify(3): lines of `NAME=value` in one datagram to the Unix socket that `NOTIFY_SOCKET` names, where
a leading `@` means the abstract namespace. `WATCHDOG_USEC` is the interval within which systemd expects a keep-alive.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from typing import Final

from carryover.daemon.log import Log

STATUS_EVERY_S: Final = 30.0
"""Interval of status updates if no watchdog asks for a shorter one."""

AFTER_CHANGE_S: Final = 2.0
"""Delay after a change, since another one often follows."""

SEND_S: Final = 2.0
"""How long the receiver may take to have room for a message."""


class SystemdNotifier:
    """Sends messages to the systemd that supervises this process. Logs the first socket error and ignores the rest."""

    def __init__(self, address: str | None, watchdog_s: float | None, log: Log) -> None:
        self._address = address
        self._log = log
        self._failed = False
        self.watchdog_s = watchdog_s if address is not None else None
        """Seconds without a sign of life after which the process is killed; None without a watchdog."""

    @classmethod
    def of(cls, env: MutableMapping[str, str], log: Log) -> SystemdNotifier:
        """Creates a notifier from `env` and removes its variables there, so that child processes do not use them."""
        address = _address(env)
        env.pop("NOTIFY_SOCKET", "")
        usec, pid = env.pop("WATCHDOG_USEC", ""), env.pop("WATCHDOG_PID", "")
        watched = usec.isascii() and usec.isdigit() and int(usec) > 0 and pid in ("", str(os.getpid()))
        return cls(address, int(usec) / 1_000_000 if watched else None, log)

    @property
    def listening(self) -> bool:
        """Whether systemd asked for reports."""
        return self._address is not None

    async def send(self, *lines: str) -> None:
        """Sends a message, such as `READY=1`."""
        if self._address is None or not lines:
            return
        try:
            with _socket() as sender:
                async with asyncio.timeout(SEND_S):
                    message = "\n".join(lines).encode()
                    await asyncio.get_running_loop().sock_sendto(sender, message, _target(self._address))
        except OSError as error:
            if not self._failed:
                self._log.error("notify_failed", error)
            self._failed = True

    async def report_status(self, status: Callable[[], str], healthy: Callable[[], bool]) -> None:
        """Sends keep-alives while `healthy`, and the `status` (one line, no content) whenever it changes.

        Runs until cancelled, in the event loop, so that a hung loop stops the keep-alives.
        """
        usual_s = STATUS_EVERY_S if self.watchdog_s is None else self.watchdog_s / 2
        last = None
        while True:
            lines = ["WATCHDOG=1"] if self.watchdog_s is not None and healthy() else []
            now = status()
            if now != last:
                lines.append(f"STATUS={now}")
            await self.send(*lines)
            await asyncio.sleep(usual_s if now == last else min(usual_s, AFTER_CHANGE_S))
            last = now


def report_waiting(env: Mapping[str, str], status: str) -> bool:
    """Tells systemd, before anything runs, what the daemon is waiting for (one line); False if it is not supervised."""
    address = _address(env)
    if address is None:
        return False
    with suppress(OSError), _socket() as sender:
        sender.sendto(f"STATUS={status}".encode(), _target(address))
    return True


def _address(env: Mapping[str, str]) -> str | None:
    address = env.get("NOTIFY_SOCKET", "")
    return address if address.startswith(("/", "@")) else None


def _target(address: str) -> str:
    return "\0" + address[1:] if address.startswith("@") else address


def _socket() -> socket.socket:
    sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sender.setblocking(False)
    return sender
