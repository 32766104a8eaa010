"""Talks to a running daemon over its control socket, without an HTTP library: importing one would take longer."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple
from urllib.parse import urlencode

import msgspec

from carryover.decoders import decoder_of
from carryover.errors import ExitCode, UserError, os_reason
from carryover.fsio import FileLock
from carryover.paths import StateDir, socket_address

if TYPE_CHECKING:
    from carryover.daemon.health import Health

ANSWER_S: Final = 2.0
SETTLE_LIMIT_S: Final = 3.0
"""How long a running daemon may take to read new records; after that its ledger is used as it is."""
HANDOFF_S: Final = 6.0
"""How long it may take to read new records and make a handoff; after that, the command makes it."""
_STOP_S: Final = 15.0
_RETRY_S: Final = 0.05
_ENDS: Final = b"503"
"""Status with which a daemon answers before it ends because its ledger is damaged and must be repaired."""
REFUSES: Final = b"409"
"""Status with which it answers what the user is to be told instead: the sentences, and the exit code."""


def ask_daemon(
    socket_path: Path, method: str, target: str, query: Mapping[str, object] | None = None, *, timeout_s: float
) -> dict[str, Any] | None:
    """Returns the daemon's answer; None if none listens. Raises TimeoutError, or UserError: the daemon's own, or if it
    is not a daemon's answer."""
    if not socket_path.exists():
        return None
    import socket  # not at the top: usually no daemon is running

    if query:
        target = f"{target}?{urlencode(query)}"
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
    head, _, body = answer.partition(b"\r\n\r\n")
    status = b"".join(head.split(b" ", 2)[1:2])
    if not answer or status == _ENDS:
        return None
    try:
        parsed = msgspec.json.decode(body)
    except ValueError:
        parsed = None
    match parsed:
        case {"error": str(said), "code": int(code)} if status == REFUSES:
            raise UserError(said, ExitCode(code))
        case dict() if status == b"200":
            return parsed
    raise _not_ours(socket_path)


def _not_ours(socket_path: Path) -> UserError:
    return UserError(
        f"What listens on {socket_path} did not answer as a Carryover daemon does. "
        "Is an older version still running? Run `carryover restart`."
    )


class Endpoint(NamedTuple):
    """A daemon's health, if it answers, and what is wrong, in sentences; with a `health`, only about the port."""

    health: Health | None
    trouble: str | None = None

    @property
    def port(self) -> int | None:
        """The TCP port on which it accepts hook calls."""
        return self.health.hook_port.port if self.health is not None and self.health.hook_port is not None else None


def ask_health(state: StateDir, *, timeout_s: float = ANSWER_S) -> Health | None:
    """Returns the running daemon's health; None if none is running. Raises OSError, and what `ask_daemon` raises."""
    from carryover.daemon.health import Health  # not at the top: a command that asks for a handoff needs none of it

    try:
        return msgspec.convert(ask_daemon(state.socket, "GET", "/health", timeout_s=timeout_s), Health | None)
    except msgspec.ValidationError as error:
        raise _not_ours(state.socket) from error
    except TimeoutError as error:
        raise TimeoutError(
            f"A daemon runs, but did not answer within {timeout_s:g} s. Look into {state.log}."
        ) from error


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
    """Waits until the daemon answers and has dealt with its port, for at most `limit_s`; returns the endpoint."""
    until = time.monotonic() + limit_s
    while True:
        found = look_at_endpoint(state)
        hooks = found.health.hook_port if found.health is not None else None
        is_starting = found.health is None or (hooks is not None and hooks.port is None and not hooks.trouble)
        if not is_starting or time.monotonic() > until:
            return found
        time.sleep(_RETRY_S)


class DaemonHolder(msgspec.Struct, frozen=True):
    """Content of the daemon's lock file, so that a second daemon can name the first."""

    pid: int
    socket: str
    started_ms: int


def daemon_holder(lock: FileLock) -> DaemonHolder | None:
    """Returns the daemon that holds `lock`; None if it is free or held by a command. Raises OSError."""
    try:
        return decoder_of(DaemonHolder).decode(lock.holder() or "")
    except ValueError:
        return None


def daemon_pid(state: StateDir) -> int | None:
    """Returns the id of the process with the daemon's lock; None if it is free. Creates nothing. Raises UserError."""
    try:
        holder = daemon_holder(FileLock(state.lock)) if state.root.is_dir() else None
    except OSError as error:
        raise UserError(f"The lock {state.lock} cannot be read: {os_reason(error)}. Check its rights.") from error
    return holder.pid if holder is not None else None


def _signalled(state: StateDir, name: Literal["SIGTERM", "SIGHUP"]) -> int | None:
    """Sends a signal to the daemon. Returns its process id; None if none is running. Raises UserError."""
    import signal  # not at the top: most commands send none

    pid = daemon_pid(state)
    try:
        if pid is not None:
            os.kill(pid, signal.Signals[name])
    except ProcessLookupError:
        return None
    except PermissionError as error:  # root's, as `sudo` starts one
        raise UserError(f"carryoverd (process {pid}) belongs to another user. `sudo kill {pid}` ends it.") from error
    return pid


def stop_daemon(state: StateDir, *, limit_s: float = _STOP_S) -> int | None:
    """Stops the daemon and waits until it is gone. Returns its process id; None if none ran. Raises UserError."""
    pid = _signalled(state, "SIGTERM")
    until = time.monotonic() + limit_s
    while pid is not None and FileLock(state.lock).holder() is not None:
        if time.monotonic() > until:
            raise UserError(f"carryoverd (process {pid}) did not stop within {limit_s:g} s. `kill -9 {pid}` ends it.")
        time.sleep(_RETRY_S)
    return pid


def reload_daemon(state: StateDir) -> Health | None:
    """Has a running daemon reload its settings. Returns its health after that; None if none runs. Raises UserError."""
    pid = _signalled(state, "SIGHUP")
    try:
        return ask_health(state) if pid is not None else None
    except TimeoutError as error:
        raise UserError(f"carryoverd (process {pid}) does not answer. Run `carryover restart`.") from error
