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

SEND_S: Final = 2.0
"""How long the receiver may take to have room for a message."""


class SystemdNotifier:
    """Sends messages to the systemd that supervises this process. Logs socket errors."""

    def __init__(self, address: str | None, watchdog_s: float | None, log: Log) -> None:
        self._address = address
        self._log = log
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

    async def send(self, message: str) -> None:
        """Sends a message, such as `READY=1`."""
        if self._address is None:
            return
        try:
            with _socket() as sender:
                async with asyncio.timeout(SEND_S):
                    await asyncio.get_running_loop().sock_sendto(sender, message.encode(), _target(self._address))
        except OSError as error:
            self._log.error("notify_failed", error)

    async def keep_alive(self, healthy: Callable[[], bool]) -> None:
        """Sends keep-alives while `healthy`, if there is a watchdog.

        Runs until cancelled, in the event loop, so that a hung loop stops the keep-alives.
        """
        while self.watchdog_s is not None:
            if healthy():
                await self.send("WATCHDOG=1")
            await asyncio.sleep(self.watchdog_s / 2)


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
