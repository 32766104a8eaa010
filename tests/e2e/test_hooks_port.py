"""The port for hooks of a real daemon process: what it gives to whom, and what it takes from whom."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path

import pytest

from carryover import __version__
from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, handoff_of, wait_until
from support.hook_client import Heard, HookClient, payload_of

NOTHING = Heard(204)
WORDS = "negative amounts"


@pytest.fixture
def running(shared: DaemonProcess) -> DaemonProcess:
    return shared


@pytest.fixture
def session(shared_session: ClaudeSession) -> ClaudeSession:
    return shared_session


@pytest.fixture
def port(running: DaemonProcess) -> int:
    return int(wait_until("the port", lambda: running.health()["hook_port"]["port"]))


@pytest.fixture
def secret(running: DaemonProcess) -> str:
    return running.state.secret.read_text().strip()


@pytest.fixture
def start(session: ClaudeSession, running: DaemonProcess) -> dict[str, object]:
    session.prompt("Add a discount function to the cart")
    session.answer(f"I wrote discount(). Next I will add tests for {WORDS}.")
    running.settle()
    return payload_of(ClaudeSession(session.folder, session.cwd), "SessionStart", source="startup")


def test_a_caller_who_knows_the_secret_is_answered(port: int, secret: str, start: dict[str, object]) -> None:
    reported = HookClient(port=port, secret=secret).call("SessionStart", start)

    assert reported.status == 200
    assert WORDS in reported.text


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_it_listens_on_this_machine_only_and_connects_to_nothing(
    running: DaemonProcess, port: int, start: dict[str, object]
) -> None:
    process = Path(f"/proc/{running.pid}")
    open_files = []
    for link in (process / "fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            open_files.append(str(link.readlink()))
    tables = [(process / "net" / name).read_text() for name in ("tcp", "tcp6", "udp", "udp6")]
    rows = [line.split() for table in tables for line in table.splitlines()[1:]]
    ours = [(row[1], row[2]) for row in rows if f"socket:[{row[9]}]" in open_files]

    assert ours == [(f"0100007F:{port:04X}", "00000000:0000")]


@pytest.mark.parametrize("known", [None, "", "0" * 64], ids=["none", "empty", "wrong"])
def test_a_caller_who_does_not_gets_no_content_and_changes_no_file(
    port: int, start: dict[str, object], session: ClaudeSession, known: str | None
) -> None:
    stranger = HookClient(port=port, secret=known)
    elsewhere = session.cwd.with_name(f"{session.cwd.name}-elsewhere")
    elsewhere.mkdir()
    before = handoff_of(session.cwd)

    stop = payload_of(session, "Stop", last_assistant_message="Words of a stranger")
    first = payload_of(ClaudeSession(session.folder, elsewhere), "SessionStart", source="startup")
    answers = [
        stranger.call("SessionStart", start),
        stranger.call("Stop", stop),
        stranger.call("PreCompact", payload_of(session, "PreCompact")),
        stranger.call("SessionStart", first),
        stranger.call("SessionStart", b"garbage"),
    ]

    assert answers == [NOTHING] * 5
    assert handoff_of(session.cwd) == before
    assert list(elsewhere.iterdir()) == []


def test_a_stranger_may_say_where_to_look(
    port: int, start: dict[str, object], session: ClaudeSession, running: DaemonProcess
) -> None:
    """That costs nothing, and keeps the handoff fresh where a script lost its secret."""
    session.answer("It rounds to cents now. Next I will ask about the currency.")
    before = running.health()["hook_calls"]["unauthenticated"]

    assert HookClient(port=port).call("Stop", payload_of(session, "Stop")) == NOTHING

    wait_until("the news", lambda: "currency" in handoff_of(session.cwd))
    assert running.health()["hook_calls"]["unauthenticated"] == before + 1


def test_health_tells_a_stranger_that_it_is_a_daemon_and_no_more(port: int) -> None:
    heard = HookClient(port=port).ask("GET", "/health")

    assert (heard.status, json.loads(heard.text)) == (200, {"name": "carryoverd", "version": __version__})


@pytest.mark.parametrize("over", ["port", "socket"])
def test_web_pages_are_refused_also_with_the_secret(
    port: int, secret: str, start: dict[str, object], running: DaemonProcess, over: str
) -> None:
    client = HookClient(port=port, secret=secret) if over == "port" else HookClient(running.state.socket)

    for header in (
        {"Host": "attacker.example"},
        {"Host": "127.0.0.1:1"},
        {"Origin": "https://attacker.example"},
        {"Origin": "null"},
    ):
        heard = client.ask("POST", "/hook/claude-code/SessionStart", json.dumps(start).encode(), header)

        assert heard.status == 403, header
        assert WORDS not in heard.text


def test_a_body_may_be_256_kib_and_no_more(port: int, secret: str, start: dict[str, object]) -> None:
    client = HookClient(port=port, secret=secret)
    body = json.dumps(start).encode()

    largest = body + b" " * (256 * 1024 - len(body))
    assert client.call("SessionStart", largest).status == 200
    assert client.call("SessionStart", largest + b" ").status == 413


def test_a_body_that_does_not_say_how_long_it_is_may_not_be_longer_either(port: int, secret: str) -> None:
    chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
    head = f"POST /hook/claude-code/Stop HTTP/1.1\r\nHost: localhost\r\nX-Carryover-Secret: {secret}\r\n"

    answer = raw(port, head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 9 + b"0\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 413 ")


def test_what_does_not_come_is_not_waited_for(port: int) -> None:
    """A connection that says nothing or half of its head, and one whose body is missing."""
    line = b"POST /hook/claude-code/Stop HTTP/1.1\r\n"
    head = line + b"Host: localhost\r\nContent-Length: 100\r\n\r\n"
    with ThreadPoolExecutor() as at_once:
        *silent, started = at_once.map(lambda begun: raw(port, begun), (b"", line + b"Host: local", line, head + b"{"))

    assert silent == [b"", b"", b""]
    assert started.startswith(b"HTTP/1.1 408 ")


def test_silent_connections_keep_nobody_out(port: int, secret: str, start: dict[str, object]) -> None:
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(300)]
    try:
        assert HookClient(port=port, secret=secret).call("SessionStart", start).status == 200
    finally:
        for connection in silent:
            connection.close()


def test_64_at_once_are_all_answered(port: int, secret: str, start: dict[str, object], session: ClaudeSession) -> None:
    client = HookClient(port=port, secret=secret)
    stop = payload_of(session, "Stop", last_assistant_message="All of it is done.")

    with ThreadPoolExecutor(64) as pool:
        started = list(pool.map(lambda _: client.call("SessionStart", start), range(64)))
        stopped = list(pool.map(lambda _: client.call("Stop", stop), range(64)))

    assert {heard.status for heard in started} == {200}
    assert all(WORDS in heard.text for heard in started)
    assert stopped == [NOTHING] * 64


@pytest.fixture
def taken(home: Path) -> Iterator[socket.socket]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        state = home / ".carryover"
        state.mkdir(mode=0o700, exist_ok=True)
        (state / "config.toml").write_text(f"[server]\nport = {listener.getsockname()[1]}\n")
        yield listener


def test_a_taken_port_is_reported_with_its_holder_and_taken_later_while_all_else_works(
    taken: socket.socket, daemon: DaemonProcess, transcripts: Path, project: Path
) -> None:
    number = taken.getsockname()[1]
    session = ClaudeSession(transcripts, project)
    with daemon:
        state = wait_until("the trouble", lambda: daemon.health()["hook_port"])
        wait_until("the trouble", lambda: daemon.health()["hook_port"]["trouble"])
        state = daemon.health()["hook_port"]
        assert state["port"] is None
        assert state["trouble"].startswith(f"port {number} is taken by another process")

        session.prompt("Add a discount function to the cart")
        daemon.settle()
        start = payload_of(ClaudeSession(session.folder, session.cwd), "SessionStart", source="startup")
        assert HookClient(daemon.state.socket).call("SessionStart", start).status == 200

        taken.close()
        wait_until("the port", lambda: daemon.health()["hook_port"] == {"port": number, "trouble": None})


def raw(port: int, sent: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(sent)
        return b"".join(iter(lambda: connection.recv(65536), b""))
