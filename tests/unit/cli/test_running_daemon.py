from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Thread

import pytest

from carryover import __version__
from carryover.cli import running_daemon
from carryover.cli.running_daemon import answered_by_daemon, does_not_answer
from carryover.errors import ExitCode

ENTRY = {"short": "3f2a1b2c", "agent": "one", "project": "/p", "last_ms": 1, "prompts": 2, "title": "Tea", "task": None}


@pytest.fixture
def address(home: Path) -> Path:
    state = home / ".carryover"
    state.mkdir(mode=0o700)
    return state / "daemon.sock"


def as_daemon(answer: Mapping[str, object]) -> bytes:
    return b"HTTP/1.0 200 OK\r\n\r\n" + json.dumps({"version": __version__, **answer}).encode()


@contextmanager
def listening(address: Path, reply: bytes | None) -> Iterator[list[bytes]]:
    """What each request held; each gets `reply`, or with None nothing at all while the block lasts."""
    requests: list[bytes] = []
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as listener:
        listener.bind(str(address))
        listener.listen()

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                requests.append(connection.recv(65536))
                connection.sendall(reply or b"")

        thread = Thread(target=serve)
        if reply is not None:
            thread.start()
        yield requests
        if reply is not None:
            thread.join()


def test_a_handoff_is_printed_as_the_daemon_answers_it(address: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with listening(address, as_daemon({"text": "# Tea\n", "variables": {"HOME": os.environ["HOME"]}})) as requests:
        code = answered_by_daemon(["handoff", "/tea"])

    assert (code, capsys.readouterr().out) == (ExitCode.OK, "# Tea\n")
    assert requests[0].startswith(b"POST /handoff ")
    assert json.loads(requests[0].partition(b"\r\n\r\n")[2]) == {"folder": "/tea"}


def test_status_tells_the_daemon_the_variables_that_it_names(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/here")
    asked: list[Mapping[str, object]] = []

    def answer(_command: str, question: Mapping[str, object], **_: object) -> dict[str, object]:
        asked.append(question)
        return {"text": "all is well\n"} if "variables" in question else {"variables": {"PATH": None, "NOT_SET": None}}

    monkeypatch.setattr(running_daemon, "_ask", answer)

    assert answered_by_daemon(["status"]) == ExitCode.OK
    assert capsys.readouterr().out == "all is well\n"
    assert asked == [{}, {"variables": {"PATH": "/here", "NOT_SET": None}, "colour": False, "as_json": False}]


def test_sessions_are_a_table_with_the_names_of_agents(address: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with listening(address, as_daemon({"sessions": [ENTRY], "names": {"one": "Agent One"}})) as requests:
        code = answered_by_daemon(["sessions", "--all"])

    assert code == ExitCode.OK
    assert capsys.readouterr().out.splitlines()[1].split("  ")[:3] == ["3f2a1b2c", "Agent One", "/p"]
    assert json.loads(requests[0].partition(b"\r\n\r\n")[2]) == {"folder": None}


@pytest.mark.parametrize(
    "reply",
    [
        as_daemon({"text": "# Tea\n", "version": "0.0.1"}),
        as_daemon({"text": "# Tea\n", "variables": {"NOT_SET_HERE": "/elsewhere"}}),
        as_daemon({"text": None}),
        as_daemon({"text": "# Tea\n"}).replace(b"200", b"404"),
        b"HTTP/1.0 200 OK\r\n\r\n{",
        b"220 mail ready\r\n",
    ],
    ids=["other version", "other environment", "no answer", "unknown question", "torn", "another program"],
)
def test_what_is_no_answer_to_this_command_is_left_to_it(
    address: Path, capsys: pytest.CaptureFixture[str], reply: bytes
) -> None:
    with listening(address, reply):
        code = answered_by_daemon(["handoff"])

    assert (code, capsys.readouterr().out) == (None, "")


def test_a_daemon_that_hangs_is_given_up_and_not_asked_again(address: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running_daemon, "FIRST_S", 0.05)
    with listening(address, None):
        code = answered_by_daemon(["handoff"])

    assert code is None
    assert does_not_answer(address)


def test_without_a_daemon_nothing_is_answered(home: Path) -> None:
    assert answered_by_daemon(["handoff"]) is None
    assert answered_by_daemon(["sessions"]) is None


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["status", "--watch"],
        ["status", "here"],
        ["handoff", "--json"],
        ["handoff", "a", "b"],
        ["sessions", "--limit", "3"],
        ["sessions", "a", "--all"],
    ],
    ids=" ".join,
)
def test_only_the_plain_forms_are_asked_for(monkeypatch: pytest.MonkeyPatch, arguments: list[str]) -> None:
    monkeypatch.setattr(running_daemon, "_ask", lambda *_, **__: {"text": "# Tea", "sessions": [ENTRY], "names": {}})

    assert answered_by_daemon(arguments) is None
