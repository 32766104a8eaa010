"""The port for hooks of a real daemon process: what it gives to whom, also when asked at random."""

import json
import socket
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover import __version__
from carryover.agents import adapters
from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, handoff_of, wait_until
from support.forked import ALTERED
from support.hook_client import Heard, HookClient, payload_of, start_after

NOTHING = Heard(204)
WORDS = "negative amounts"
HOOKED = sorted(agent_id for agent_id, agent in adapters().items() if agent.hooks is not None)
EVENTS = st.sampled_from(["SessionStart", "sessionStart", "Stop", "PreCompact", "pre_user_prompt", "x" * 300, "%00"])
TARGETS = st.one_of(
    st.builds("/hook/{}/{}".format, st.sampled_from([*HOOKED, "no-such-agent", "..", "%2e%2e", ""]), EVENTS),
    st.sampled_from(["/", "/health", "/settle", "/follow?root=/", "/hook", "/hook//", "/hook/../handoff", "*"]),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40),
)
NAMES = st.sampled_from(
    ["Host", "Origin", "X-Carryover-Secret", "Content-Length", "Transfer-Encoding", "X-Other", "Expect"]
)
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30) | st.sampled_from(
    ["127.0.0.1", "evil.example", "null", "chunked", "-1", "9" * 30, "0" * 64, "100-continue"]
)


@pytest.fixture
def session(shared_session: ClaudeSession, shared: DaemonProcess) -> ClaudeSession:
    """The history of a project."""
    shared_session.work()
    shared.settle()
    return shared_session


@pytest.fixture
def start(session: ClaudeSession) -> dict[str, object]:
    return start_after(session)


@pytest.fixture
def known(shared: DaemonProcess) -> HookClient:
    """A caller who knows the secret."""
    return HookClient(port=shared.port, secret=shared.state.secret.read_text().strip())


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_it_listens_on_this_machine_only_and_connects_to_nothing(
    shared: DaemonProcess, start: dict[str, object]
) -> None:
    process = Path(f"/proc/{shared.pid}")
    open_files = []
    for link in (process / "fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            open_files.append(str(link.readlink()))
    tables = [(process / "net" / name).read_text() for name in ("tcp", "tcp6", "udp", "udp6")]
    rows = [line.split() for table in tables for line in table.splitlines()[1:]]
    ours = [(row[1], row[2]) for row in rows if f"socket:[{row[9]}]" in open_files]

    port = f"{shared.port:04X}"
    assert ours == [(f"0100007F:{port}", "00000000:0000"), (f"{'0' * 24}01000000:{port}", f"{'0' * 32}:0000")]


@pytest.mark.parametrize("secret", [None, "", "0" * 64], ids=["none", "empty", "wrong"])
def test_a_caller_who_does_not_gets_no_content_and_changes_no_file(
    shared: DaemonProcess, session: ClaudeSession, secret: str | None
) -> None:
    stranger = HookClient(port=shared.port, secret=secret)
    elsewhere = session.cwd.with_name(f"{session.cwd.name}-elsewhere")
    elsewhere.mkdir()
    before = handoff_of(session.cwd)

    answers = [
        stranger.start(session),
        stranger.call("Stop", payload_of(session, "Stop", last_assistant_message="Words of a stranger")),
        stranger.call("PreCompact", payload_of(session, "PreCompact")),
        stranger.start(ClaudeSession(session.folder, elsewhere)),
        stranger.call("SessionStart", b"garbage"),
    ]
    health = stranger.ask("GET", "/health")

    assert [(answer.status, WORDS in answer.text) for answer in answers] == [(403, False)] * 5
    assert handoff_of(session.cwd) == before
    assert list(elsewhere.iterdir()) == []
    assert (health.status, json.loads(health.text)) == (200, {"name": "carryoverd", "version": __version__})


def test_web_pages_are_refused_also_with_the_secret(
    known: HookClient, shared: DaemonProcess, start: dict[str, object]
) -> None:
    hosts, origins = ("attacker.example", "127.0.0.1:1"), ("https://attacker.example", "null")
    for client in (known, HookClient(shared.state.socket)):
        for header in (*({"Host": host} for host in hosts), *({"Origin": origin} for origin in origins)):
            heard = client.ask("POST", "/hook/claude-code/SessionStart", json.dumps(start).encode(), header)
            assert (heard.status, WORDS in heard.text) == (403, False), header


def test_a_body_may_be_256_kib_and_no_more_also_where_it_does_not_say_how_long_it_is(
    known: HookClient, shared: DaemonProcess, start: dict[str, object]
) -> None:
    body = json.dumps(start).encode()
    largest = body + b" " * (256 * 1024 - len(body))
    secret = shared.state.secret.read_text().strip()
    head = f"POST /hook/claude-code/Stop HTTP/1.1\r\nHost: localhost\r\nX-Carryover-Secret: {secret}\r\n"
    chunks = (b"8000\r\n" + b" " * 0x8000 + b"\r\n") * 9 + b"0\r\n\r\n"

    assert known.call("SessionStart", largest).status == 200
    assert known.call("SessionStart", largest + b" ").status == 413
    answer = raw(shared.port, head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + chunks)
    assert answer.startswith(b"HTTP/1.1 413 ")


def test_what_does_not_come_is_not_waited_for(shared: DaemonProcess) -> None:
    """A connection that says nothing or half of its head, and one whose body is missing."""
    line = b"POST /hook/claude-code/Stop HTTP/1.1\r\n"
    secret = shared.state.secret.read_bytes().strip()
    head = line + b"Host: localhost\r\nX-Carryover-Secret: " + secret + b"\r\nContent-Length: 100\r\n\r\n"
    begun = (b"", line + b"Host: local", line, head + b"{")
    with ThreadPoolExecutor() as at_once:
        *silent, started = at_once.map(lambda sent: raw(shared.port, sent), begun)

    assert silent == [b"", b"", b""]
    assert started.startswith(b"HTTP/1.1 408 ")


def test_64_at_once_are_all_answered(known: HookClient, session: ClaudeSession) -> None:
    stop = payload_of(session, "Stop", last_assistant_message="All of it is done.")
    start = start_after(session)

    def begun(_: int) -> Heard:
        """A busy machine may keep the daemon from answering in the time that agents give it, or a disk seem silent."""
        tries = (known.call("SessionStart", start) for _ in range(50))
        return next((heard for heard in tries if heard.text), NOTHING)

    with ThreadPoolExecutor(64) as pool:
        started = list(pool.map(begun, range(64)))
        stopped = list(pool.map(lambda _: known.call("Stop", stop), range(64)))

    assert {heard.status for heard in started} == {200}
    assert all(WORDS in heard.text for heard in started)
    assert stopped == [NOTHING] * 64


HASTY: Final = (
    *ALTERED,
    "import sys; from carryover.faces.cli import carryoverd; from carryover.daemon import endpoints; "
    "endpoints._RETRY_S = 0.2; sys.exit(carryoverd.main())",
)


def test_a_taken_port_is_reported_with_its_holder_and_taken_later_while_all_else_works(
    transcripts: Path, project: Path
) -> None:
    session = ClaudeSession(transcripts, project)
    daemon = DaemonProcess(HASTY)
    taken = socket.create_server(("127.0.0.1", 0))
    number = taken.getsockname()[1]
    daemon.state.root.mkdir(mode=0o700, exist_ok=True)
    daemon.state.config.write_text(f"[server]\nport = {number}\n")
    with taken, daemon:
        trouble = wait_until("the trouble", lambda: (daemon.health()["hook_port"] or {}).get("trouble"))
        assert trouble.startswith(f"port {number} is taken by another process")
        assert daemon.health()["hook_port"]["port"] is None

        session.work()
        daemon.settle()
        assert HookClient(daemon.state.socket).start(session).status == 200

        taken.close()
        wait_until("the port", lambda: daemon.health()["hook_port"] == {"port": number, "trouble": None})


def raw(port: int, sent: bytes) -> bytes:
    """All that comes back for some bytes, until the daemon closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(sent)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.fixture
def exchange(shared: DaemonProcess, start: dict[str, object]) -> Iterator[Callable[[bytes], None]]:
    """Sends some bytes and no more; what comes back, if anything does, tells nothing."""

    def ask(data: bytes) -> None:
        heard = b""
        with (
            closing(socket.create_connection(("127.0.0.1", shared.port), timeout=20)) as connection,
            suppress(ConnectionError),  # closed while there was more to read
        ):
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                heard += part
        assert WORDS.encode() not in heard
        assert b"Traceback" not in heard
        assert not heard.startswith(b"HTTP/1.1 500")
        assert shared.process.poll() is None

    yield ask
    assert not [line for line in shared.log() if "Traceback" in line or "Error" in line]


@pytest.mark.hypothesis
def test_random_requests_get_nothing_and_leave_no_traceback(
    exchange: Callable[[bytes], None], known: HookClient, start: dict[str, object]
) -> None:
    payloads = st.sampled_from([json.dumps(start).encode(), b"{}", b"[" * 5000, b"null"]) | st.binary(max_size=300)

    @given(
        method=st.sampled_from(["POST", "GET", "PUT", "OPTIONS", "HEAD", "G\x00T", ""]),
        target=TARGETS,
        headers=st.dictionaries(NAMES, VALUES, max_size=4),
        body=payloads,
        length=st.booleans(),
    )
    def ask(method: str, target: str, headers: dict[str, str], body: bytes, length: bool) -> None:
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        lines += [f"Content-Length: {len(body)}"] if length else []
        exchange("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    for path in sorted((Path(__file__).parent / "corpus").iterdir()):
        exchange(path.read_bytes())
    ask()
    given(st.binary(max_size=600))(exchange)()
    assert WORDS in known.call("SessionStart", start).text


@pytest.mark.hypothesis
def test_random_payloads_with_the_secret_are_answered_without_a_traceback(
    exchange: Callable[[bytes], None], known: HookClient, start: dict[str, object]
) -> None:
    anything = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda of: st.lists(of, max_size=3) | st.dictionaries(st.text(max_size=8), of, max_size=3),
        max_leaves=6,
    )
    payloads = st.binary(max_size=300) | st.dictionaries(st.sampled_from(sorted(start)), anything).map(
        lambda other: json.dumps({**start, **other}).encode()
    )

    @given(agent=st.sampled_from(HOOKED), event=EVENTS, body=payloads)
    def call(agent: str, event: str, body: bytes) -> None:
        heard = known.call(event, body, agent=agent)
        assert heard.status in (200, 204, 400, 404)
        assert "Traceback" not in heard.text

    call()
