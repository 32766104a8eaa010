"""Random requests to the port for hooks of a real daemon: no content without the secret, no traceback, no silence."""

from __future__ import annotations

import json
import socket
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.agents import adapters
from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, wait_until
from support.hook_client import HookClient, payload_of

CORPUS = Path(__file__).parent / "corpus"
"""Whole requests, a file each: what `make fuzz` finds is added."""
WORDS = "negative amounts"
HOOKED = {agent_id: agent.hooks for agent_id, agent in adapters().items() if agent.hooks is not None}
AGENTS = st.sampled_from([*HOOKED, "no-such-agent", "..", "%2e%2e", ""])
EVENTS = st.sampled_from(["SessionStart", "sessionStart", "Stop", "PreCompact", "pre_user_prompt", "x" * 300, "%00"])
TARGETS = st.one_of(
    st.builds("/hook/{}/{}".format, AGENTS, EVENTS),
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
def port(running: DaemonProcess) -> int:
    return int(wait_until("the port", lambda: running.health()["hook_port"]["port"]))


@pytest.fixture
def start(session: ClaudeSession, running: DaemonProcess) -> dict[str, object]:
    session.prompt("Add a discount function to the cart")
    session.answer(f"I wrote discount(). Next I will add tests for {WORDS}.")
    running.settle()
    return payload_of(ClaudeSession(session.folder, session.cwd), "SessionStart", source="startup")


def exchange(port: int, data: bytes) -> bytes:
    with closing(socket.create_connection(("127.0.0.1", port), timeout=20)) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        heard = b""
        try:
            while part := connection.recv(65536):
                heard += part
        except ConnectionError:  # closed while there was more to read
            pass
        return heard


def assert_calm(daemon: DaemonProcess, heard: bytes) -> None:
    assert WORDS.encode() not in heard
    assert b"Traceback" not in heard
    assert not heard.startswith(b"HTTP/1.1 500")
    assert daemon.process.poll() is None


@pytest.mark.hypothesis
def test_random_requests_get_nothing_and_leave_no_traceback(
    running: DaemonProcess, port: int, start: dict[str, object]
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
        assert_calm(running, exchange(port, "\r\n".join([*lines, "", ""]).encode("latin-1") + body))

    for path in sorted(CORPUS.iterdir()):
        assert_calm(running, exchange(port, path.read_bytes()))

    @given(data=st.binary(max_size=600))
    def send(data: bytes) -> None:
        assert_calm(running, exchange(port, data))

    ask()
    send()
    secret = running.state.secret.read_text().strip()
    reported = HookClient(port=port, secret=secret).call("SessionStart", start)
    assert WORDS in reported.text
    assert not [line for line in running.log() if "Traceback" in line or "Error" in line]


@pytest.mark.hypothesis
def test_random_payloads_with_the_secret_are_answered_without_a_traceback(
    running: DaemonProcess, port: int, start: dict[str, object]
) -> None:
    client = HookClient(port=port, secret=running.state.secret.read_text().strip())
    anything = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda of: st.lists(of, max_size=3) | st.dictionaries(st.text(max_size=8), of, max_size=3),
        max_leaves=6,
    )
    payloads = st.binary(max_size=300) | st.dictionaries(st.sampled_from(sorted(start)), anything).map(
        lambda other: json.dumps({**start, **other}).encode()
    )

    @given(agent=st.sampled_from(sorted(HOOKED)), event=EVENTS, body=payloads)
    def call(agent: str, event: str, body: bytes) -> None:
        heard = client.call(event, body, agent=agent)
        assert heard.status in (200, 204, 400, 404)
        assert "Traceback" not in heard.text

    call()
    assert not [line for line in running.log() if "Traceback" in line or "Error" in line]
