from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from carryover.cli.control import ask_daemon
from carryover.errors import UserError


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


def test_the_daemons_answer_is_given_as_data(path: Path) -> None:
    with answering(path, b'HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{"caught_up": true}') as requests:
        answer = ask_daemon(path, "POST", "/settle", timeout_s=5)

    assert answer == {"caught_up": True}
    assert requests[0].startswith(b"POST /settle HTTP/1.0\r\n")


def test_no_socket_means_no_daemon(path: Path) -> None:
    assert ask_daemon(path, "GET", "/health", timeout_s=5) is None


def test_the_socket_of_a_dead_daemon_means_no_daemon(path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))

    assert ask_daemon(path, "GET", "/health", timeout_s=5) is None


def test_a_daemon_that_ends_before_it_has_answered_is_none(path: Path) -> None:
    with answering(path, b""):
        assert ask_daemon(path, "GET", "/health", timeout_s=5) is None


def test_a_daemon_that_does_not_answer_in_time_is_reported(path: Path) -> None:
    with answering(path, None), pytest.raises(TimeoutError):
        ask_daemon(path, "GET", "/health", timeout_s=0.05)


@pytest.mark.parametrize("answer", [b"HTTP/1.0 404 Not Found\r\n\r\n{}", b"HTTP/1.0 200 OK\r\n\r\n[1]", b"hello"])
def test_another_programs_answer_is_refused_with_what_to_do(path: Path, answer: bytes) -> None:
    with answering(path, answer), pytest.raises(UserError, match="Restart carryoverd"):
        ask_daemon(path, "GET", "/health", timeout_s=5)


def test_a_state_folder_with_a_long_path_is_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Unix socket's address holds about 100 bytes; state folders may lie deeper."""
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)

    with answering(Path("daemon.sock"), b"HTTP/1.0 200 OK\r\n\r\n{}"):
        assert ask_daemon(deep / "daemon.sock", "GET", "/health", timeout_s=5) == {}
