from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from carryover.daemon import client
from carryover.daemon.client import ask_daemon, stop_daemon
from carryover.daemon.health import Health
from carryover.errors import UserError
from carryover.fsio import FileLock
from carryover.past.context import state_dir
from carryover.paths import socket_address
from support.socket_server import HEALTH, answering_socket


def asked(path: Path, answer: bytes) -> dict[str, Any] | None:
    """What comes of a request to a server on the Unix socket `path` that answers it with `answer`."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        server.listen()
        server.settimeout(30)  # nobody may come

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            return ask_daemon(path, "GET", "/health", timeout_s=5)
        finally:
            thread.join()


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path("daemon.sock")  # a relative path: the temporary folder's own may be too long for a socket


def test_a_dead_daemon_or_one_that_ends_before_it_has_answered_is_none(path: Path) -> None:
    assert asked(path, b"") is None
    assert path.exists() and ask_daemon(path, "GET", "/health", timeout_s=5) is None


def test_of_a_daemon_that_hangs_it_is_said_where_to_look(home: Path) -> None:
    state = state_dir()
    state.root.mkdir()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server, socket_address(state.socket) as address:
        server.bind(address)
        server.listen()
        with pytest.raises(TimeoutError, match=rf"did not answer within 0\.01 s\. Look into {state.log}\."):
            client.ask_health(state, timeout_s=0.01)


_OK = b"HTTP/1.0 200 OK\r\n\r\n"


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.0 404 Not Found\r\n\r\n{}", _OK + b"[1]", _OK + b'{"a": "\xff"}', b"hello"]
)
def test_another_programs_answer_is_refused_with_what_to_do(path: Path, answer: bytes) -> None:
    with pytest.raises(UserError, match="Run `carryover restart`"):
        asked(path, answer)


def test_a_daemon_that_has_not_come_to_its_port_yet_is_waited_for(home: Path) -> None:
    starting = {**HEALTH, "hook_port": {"port": None, "trouble": None}}
    ready = {**HEALTH, "hook_port": {"port": 4711, "trouble": None}}
    with answering_socket(state_dir().socket, starting, starting, ready):
        health, trouble = client.wait_for_daemon(state_dir(), 30.0)

    assert (health, trouble) == (msgspec.convert(ready, Health), None) and health is not None and health.port == 4711


def test_where_none_runs_there_is_nothing_to_stop_or_to_tell(home: Path) -> None:
    state = state_dir()
    assert (client.daemon_pid(state), stop_daemon(state), client.reload_daemon(state)) == (None, None, None)
    assert client.look_at_endpoint(state) == (None, f"carryoverd does not answer on {state.socket}.")
    assert not state.root.exists()


def test_a_daemon_that_does_not_stop_is_named(home: Path) -> None:
    state_dir().root.mkdir()
    command = [sys.executable, "-c", "import signal; signal.signal(15, signal.SIG_IGN); print(flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as deaf:
        assert deaf.stdout is not None
        deaf.stdout.readline()
        lock = FileLock(state_dir().lock)
        assert lock.acquire(f'{{"pid": {deaf.pid}, "socket": "", "started_ms": 0}}')

        with pytest.raises(UserError, match=f"process {deaf.pid}. did not stop within 0.1 s"):
            stop_daemon(state_dir(), limit_s=0.1)

        lock.release()
        deaf.kill()


def test_a_daemon_of_another_user_is_named_with_what_ends_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_pid: int, _signal: int) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    state_dir().root.mkdir()
    assert FileLock(state_dir().lock).acquire(f'{{"pid": {os.getpid()}, "socket": "", "started_ms": 0}}')
    monkeypatch.setattr(os, "kill", refused)

    for tell in (stop_daemon, client.reload_daemon):
        with pytest.raises(UserError, match=f"belongs to another user. `sudo kill {os.getpid()}` ends it"):
            tell(state_dir())


def test_what_names_no_version_is_no_daemon_that_can_be_used(home: Path) -> None:
    with answering_socket(state_dir().socket, {"name": "carryoverd"}):
        health, trouble = client.look_at_endpoint(state_dir())

    assert health is None and "Run `carryover restart`" in (trouble or "")
