from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from carryover.actions.context import state_dir
from carryover.daemon import client as endpoint
from carryover.daemon.client import (
    Endpoint,
    ask_daemon,
    daemon_pid,
    look_at_endpoint,
    reload_daemon,
    stop_daemon,
    wait_for_daemon,
)
from carryover.daemon.health import Health
from carryover.errors import UserError
from carryover.fsio import FileLock
from support.scripted_daemon import HEALTH, answering_socket


@contextmanager
def answering(path: Path, answer: bytes | None) -> Iterator[list[bytes]]:
    """A server on the Unix socket `path` that answers one request with `answer`, or never for None."""
    requests: list[bytes] = []
    done = threading.Event()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        server.listen()
        server.settimeout(30)  # nobody may come

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                requests.append(connection.recv(65536))
                if answer is None:
                    done.wait(30)
                else:
                    connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield requests
        finally:
            done.set()
            thread.join()


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return Path("daemon.sock")  # a relative path: the temporary folder's own may be too long for a socket


def test_the_socket_of_a_dead_daemon_means_no_daemon(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))

    assert ask_daemon(path, "GET", "/health", timeout_s=5) is None


def test_a_daemon_that_ends_before_it_has_answered_is_none(path: Path) -> None:
    with answering(path, b""):
        assert ask_daemon(path, "GET", "/health", timeout_s=5) is None


@pytest.mark.parametrize("answer", [b"HTTP/1.0 404 Not Found\r\n\r\n{}", b"HTTP/1.0 200 OK\r\n\r\n[1]", b"hello"])
def test_another_programs_answer_is_refused_with_what_to_do(path: Path, answer: bytes) -> None:
    with answering(path, answer), pytest.raises(UserError, match="Restart carryoverd"):
        ask_daemon(path, "GET", "/health", timeout_s=5)


def test_a_daemon_that_has_not_come_to_its_port_yet_is_waited_for(home: Path) -> None:
    starting = {**HEALTH, "hook_port": {"port": None, "trouble": None}}
    ready = {**HEALTH, "hook_port": {"port": 4711, "trouble": None}}
    with answering_socket(state_dir().socket, starting, starting, ready):
        found = wait_for_daemon(state_dir(), 30.0)

    assert (found, found.port) == (Endpoint(msgspec.convert(ready, Health)), 4711)


def test_where_none_runs_there_is_nothing_to_stop_or_to_tell(home: Path) -> None:
    assert (daemon_pid(state_dir()), stop_daemon(state_dir()), reload_daemon(state_dir())) == (None, None, None)
    assert not state_dir().root.exists()


def test_a_daemon_that_does_not_stop_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "STOP_S", 0.1)
    state_dir().root.mkdir()
    command = [sys.executable, "-c", "import signal; signal.signal(15, signal.SIG_IGN); print(flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as deaf:
        assert deaf.stdout is not None
        deaf.stdout.readline()
        lock = FileLock(state_dir().lock)
        assert lock.acquire(f'{{"pid": {deaf.pid}, "socket": "", "started_ms": 0}}')

        with pytest.raises(UserError, match=f"process {deaf.pid}. did not stop within 0.1 s"):
            stop_daemon(state_dir())

        lock.release()
        deaf.kill()


def test_without_a_daemon_it_says_so(home: Path) -> None:
    assert look_at_endpoint(state_dir()) == Endpoint(
        None, trouble=f"carryoverd does not answer on {state_dir().socket}."
    )


def test_what_names_no_version_is_no_daemon_that_can_be_used(home: Path) -> None:
    with answering_socket(state_dir().socket, {"name": "carryoverd"}):
        found = look_at_endpoint(state_dir())

    assert found.health is None and "Restart carryoverd" in (found.trouble or "")
