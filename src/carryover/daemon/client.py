"""Talks to a running daemon over its control socket: sends requests, reloads it, stops it, and finds its process.

Uses a plain socket and HTTP/1.0, since importing a client library would take longer than the answer.
"""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from carryover.daemon.health import Health
from carryover.errors import UserError, os_reason
from carryover.fsio import FileLock
from carryover.paths import StateDir, socket_address

_ENDS: Final = b"503"
"""Status with which a daemon answers before it ends because its ledger is damaged and must be repaired."""


def ask_daemon(socket_path: Path, method: str, target: str, *, timeout_s: float) -> dict[str, Any] | None:
    """Returns the daemon's answer to one request; None if no daemon is listening, or it ends before answering.

    Raises TimeoutError if it does not answer within `timeout_s`, UserError if the answer is not the daemon's.
    """
    if not socket_path.exists():
        return None
    import socket  # not at the top: usually no daemon is running

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        try:
            with socket_address(socket_path) as address:
                connection.connect(address)
            request = f"{method} {target} HTTP/1.0\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
            connection.sendall(request.encode("ascii"))
            answer = b"".join(iter(lambda: connection.recv(65536), b""))
        except (FileNotFoundError, NotADirectoryError, ConnectionError):
            return None
    return _body(answer, socket_path) if answer else None


def _body(answer: bytes, socket_path: Path) -> dict[str, Any] | None:
    head, _, body = answer.partition(b"\r\n\r\n")
    status = head.split(b" ", 2)[1:2]
    if status == [_ENDS]:
        return None
    try:
        parsed = msgspec.json.decode(body)
    except msgspec.DecodeError:
        parsed = None
    if status != [b"200"] or not isinstance(parsed, dict):
        raise _not_ours(socket_path)
    return parsed


def _not_ours(socket_path: Path) -> UserError:
    return UserError(
        f"What listens on {socket_path} did not answer as a Carryover daemon does. "
        "Is an older version still running? Restart carryoverd."
    )


ANSWER_S: Final = 2.0
STOP_S: Final = 15.0
_RETRY_S: Final = 0.05


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A daemon's answers about itself.

    `health` comes from its socket, which only its owner can reach; None if there is no answer. `trouble` lists problems
    as sentences; with a `health`, it is only about the port for hooks, which most hooks do not need.
    """

    health: Health | None
    trouble: str | None = None

    @property
    def port(self) -> int | None:
        """The TCP port on which it accepts hook calls."""
        return self.health.hook_port.port if self.health is not None and self.health.hook_port is not None else None


def ask_health(state: StateDir, *, timeout_s: float = ANSWER_S) -> Health | None:
    """Returns the running daemon's health; None if none is running.

    Raises:
        TimeoutError: it does not answer within `timeout_s`.
        UserError: something else answers, or a daemon that is too old.
        OSError: the socket cannot be used.
    """
    answer = ask_daemon(state.socket, "GET", "/health", timeout_s=timeout_s)
    if answer is None:
        return None
    try:
        return msgspec.convert(answer, Health)
    except msgspec.ValidationError as error:
        raise _not_ours(state.socket) from error


def look_at_endpoint(state: StateDir) -> Endpoint:
    """Queries the daemon over its socket."""
    no_answer = f"carryoverd does not answer on {state.socket}."
    try:
        health = ask_health(state)
    except (OSError, UserError) as error:
        return Endpoint(None, str(error) or no_answer)
    return Endpoint(health, no_answer if health is None else port_trouble(health))


def port_trouble(health: Health) -> str | None:
    """Returns why the daemon could not open its port for hooks, as a sentence; None if it could."""
    trouble = health.hook_port.trouble if health.hook_port is not None else None
    return f"{trouble[:1].upper()}{trouble[1:]}. Your agents' hooks do without it." if trouble else None


def wait_for_daemon(state: StateDir, limit_s: float) -> Endpoint:
    """Waits until the daemon answers, for at most `limit_s`; returns the endpoint."""
    until = time.monotonic() + limit_s
    while True:
        found = look_at_endpoint(state)
        if not _starting(found.health) or time.monotonic() > until:
            return found
        time.sleep(_RETRY_S)


def _starting(health: Health | None) -> bool:
    hooks = health.hook_port if health is not None else None
    return health is None or (hooks is not None and hooks.port is None and not hooks.trouble)


class DaemonHolder(msgspec.Struct, frozen=True):
    """Content of the daemon's lock file, so that a second daemon can name the first."""

    pid: int
    socket: str
    started_ms: int


def daemon_holder(lock: FileLock) -> DaemonHolder | None:
    """Returns the daemon that holds `lock`; None if it is free or held by a command. Raises OSError."""
    try:
        return msgspec.json.decode(lock.holder() or "", type=DaemonHolder)
    except msgspec.MsgspecError:
        return None


def stop_daemon(state: StateDir) -> int | None:
    """Shuts down the daemon of this state folder and waits until it is gone. Returns its process id; None if none ran.

    Raises UserError if it does not stop.
    """
    pid = daemon_pid(state)
    if pid is None:
        return None
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        return None
    until = time.monotonic() + STOP_S
    while FileLock(state.lock).holder() is not None:
        if time.monotonic() > until:
            raise UserError(f"carryoverd (process {pid}) did not stop within {STOP_S:g} s. `kill -9 {pid}` ends it.")
        time.sleep(_RETRY_S)
    return pid


def daemon_pid(state: StateDir) -> int | None:
    """Returns the id of the process that holds the daemon's lock; None if no daemon does. Creates nothing.

    Raises UserError if the lock cannot be read.
    """
    try:
        holder = daemon_holder(FileLock(state.lock)) if state.root.is_dir() else None
    except OSError as error:
        raise UserError(f"The lock {state.lock} cannot be read: {os_reason(error)}. Check its rights.") from error
    return holder.pid if holder is not None else None


def reload_daemon(state: StateDir) -> Health | None:
    """Makes a running daemon reload its settings. Returns its health after that; None if none is running.

    Raises UserError if it does not answer.
    """
    pid = daemon_pid(state)
    if pid is None:
        return None
    try:
        os.kill(pid, signal.SIGHUP)
        return ask_health(state)
    except ProcessLookupError:
        return None
    except TimeoutError as error:
        raise UserError(f"carryoverd (process {pid}) does not answer. Restart it.") from error
