"""Talks to a running daemon over its control socket, without an HTTP library: importing one would take longer."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlencode

import msgspec

from carryover.decoders import decoder_of
from carryover.errors import ExitCode, UserError, os_reason
from carryover.fsio import FileLock
from carryover.paths import StateDir, socket_address
from carryover.platform import here

if TYPE_CHECKING:
    import socket

    from carryover.daemon.health import Health

ANSWER_S: Final = 2.0
SETTLE_LIMIT_S: Final = 3.0
"""How long a running daemon may take to read new records; after that its ledger is used as it is."""
HANDOFF_S: Final = 6.0
"""How long it may take to read new records and make a handoff; after that, the command makes it."""
_SIGN_S: Final = 1.0
"""After so long without an answer, the daemon is asked whether it is there at all."""
_STOP_S: Final = 15.0
_KILLED_S: Final = 5.0
"""How long a process may take to be gone after SIGKILL; longer if it waits for a disk."""
_RETRY_S: Final = 0.05
_ENDS: Final = b"503"
"""Status with which a daemon answers before it ends because its ledger is damaged and must be repaired."""
REFUSES: Final = b"409"
"""Status with which it answers what the user is to be told instead: the sentences, and the exit code."""


class DaemonHangs(TimeoutError):
    """A daemon runs, but does not even say that it is there."""


class SettingsNotTaken(UserError):
    """A daemon runs, but does not say that it took its settings; it takes them once it is at work again."""


def ask_daemon(
    socket_path: Path,
    method: str,
    target: str,
    query: Mapping[str, object] | None = None,
    *,
    timeout_s: float,
    gives_up: bool = False,
) -> dict[str, Any] | None:
    """Returns the daemon's answer; None if none listens. Raises TimeoutError, or UserError: the daemon's own, or if it
    is not a daemon's answer. With `gives_up`, what can be done without one that hangs is not held up for `timeout_s`,
    but raises DaemonHangs sooner.
    """
    if not socket_path.exists():
        return None
    import select  # not at the top: usually no daemon is running
    import socket

    if query:
        target = f"{target}?{urlencode(query)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(timeout_s)
        try:
            with socket_address(socket_path) as address:
                _connect(connection, address)
            request = f"{method} {target} HTTP/1.0\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
            connection.sendall(request.encode("ascii"))
            if gives_up and not select.select([connection], [], [], _SIGN_S)[0]:
                _require_sign(socket_path)
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


def _connect(connection: socket.socket, address: str) -> None:
    """Connects as soon as fewer callers wait than the system has room for; one that hangs leaves all of them there."""
    until = time.monotonic() + ANSWER_S
    while True:
        try:
            return connection.connect(address)
        except BlockingIOError as error:
            if time.monotonic() > until:
                raise DaemonHangs("It takes no more calls.") from error
        time.sleep(_RETRY_S)


def _require_sign(socket_path: Path) -> None:
    try:
        ask_daemon(socket_path, "GET", "/health", timeout_s=ANSWER_S)
    except TimeoutError as error:
        raise DaemonHangs(f"What listens on {socket_path} does not answer.") from error


def _not_ours(socket_path: Path) -> UserError:
    return UserError(
        f"What listens on {socket_path} did not answer as a Carryover daemon does. "
        "Is an older version still running? Run `carryover restart`."
    )


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


def look_at_endpoint(state: StateDir) -> tuple[Health | None, str | None]:
    """Returns the daemon's health, if it answers, and what is wrong, in sentences; with a health, only of its port."""
    no_answer = f"carryoverd does not answer on {state.socket}."
    try:
        health = ask_health(state)
    except (OSError, UserError) as error:
        return None, str(error) or no_answer
    return health, no_answer if health is None else port_trouble(health)


def port_trouble(health: Health) -> str | None:
    """Returns why the daemon could not open its port for hooks, as a sentence; None if it could."""
    trouble = health.hook_port.trouble if health.hook_port is not None else None
    return f"{trouble[:1].upper()}{trouble[1:]}. Your agents' hooks do without it." if trouble else None


def wait_for_daemon(state: StateDir, limit_s: float) -> tuple[Health | None, str | None]:
    """Waits until the daemon answers and has dealt with its port, for at most `limit_s`; returns what
    `look_at_endpoint` does."""
    until = time.monotonic() + limit_s
    while True:
        health, trouble = look_at_endpoint(state)
        hooks = health.hook_port if health is not None else None
        is_starting = health is None or (hooks is not None and hooks.port is None and not hooks.trouble)
        if not is_starting or time.monotonic() > until:
            return health, trouble
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


def _signalled(state: StateDir, *names: Literal["SIGTERM", "SIGCONT", "SIGHUP"]) -> int | None:
    """Sends signals to the daemon. Returns its process id; None if none is running. Raises UserError."""
    import signal  # not at the top: most commands send none

    pid = daemon_pid(state)
    try:
        if pid is not None:
            for name in names:
                os.kill(pid, signal.Signals[name])
    except ProcessLookupError:
        return None
    except PermissionError as error:  # root's, as `sudo` starts one
        raise UserError(f"carryoverd (process {pid}) belongs to another user. `sudo kill {pid}` ends it.") from error
    return pid


def stop_daemon(state: StateDir, *, limit_s: float = _STOP_S) -> int | None:
    """Stops the daemon and waits until it is gone; kills one that has not stopped after `limit_s`. Returns its process
    id; None if none ran. Raises UserError, also if it is not certain which process it is."""
    pid = _signalled(state, "SIGTERM", "SIGCONT")  # one that was stopped, as by Ctrl-Z, hears the first by the second
    if pid is None or _is_free(state, limit_s):
        return pid
    if not here().has_open(pid, state.lock):  # its id may be one of a container's
        raise UserError(f"carryoverd (process {pid}) did not stop within {limit_s:g} s. `kill -9 {pid}` ends it.")
    import signal

    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    if not _is_free(state, _KILLED_S):
        raise UserError(
            f"carryoverd (process {pid}) did not stop within {limit_s:g} s, and was killed, but waits for a disk that "
            "does not answer. It ends once that does."
        )
    return pid


def _is_free(state: StateDir, limit_s: float) -> bool:
    """Waits until the daemon's lock is free, for at most `limit_s`; returns whether it is."""
    until = time.monotonic() + limit_s
    while FileLock(state.lock).holder() is not None:
        if time.monotonic() > until:
            return False
        time.sleep(_RETRY_S)
    return True


def reload_daemon(state: StateDir) -> Health | None:
    """Has a running daemon reload its settings. Returns its health after that; None if none runs. Raises UserError:
    SettingsNotTaken if it does not answer."""
    pid = _signalled(state, "SIGHUP")
    try:
        return ask_health(state) if pid is not None else None
    except TimeoutError as error:
        what = f"carryoverd (process {pid}) does not answer, so it has not taken that yet: `carryover restart`."
        raise SettingsNotTaken(what) from error
