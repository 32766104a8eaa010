"""What comes to `carryover mcp` line by line: at once, cancelled, too long, torn, or after its client is gone."""

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from carryover.faces.mcp.server import MOST_AT_ONCE, MOST_BYTES
from support.forked import CARRYOVER, run
from support.mcp_client import COMMAND, McpClient
from support.repository import repository

ROOTS: Final[dict[str, Any]] = {"result": {"roots": []}}
HELLO: Final = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}


@pytest.fixture
def shop(home: Path) -> Path:
    return repository(home / "work" / "shop", {"cart.py": "total = 0\n"})


def call(number: int, name: str = "handoff", **given: Any) -> dict[str, Any]:
    return {"id": number, "method": "tools/call", "params": {"name": name, "arguments": given}}


def lines_of(*messages: dict[str, Any]) -> str:
    return "".join(json.dumps({"jsonrpc": "2.0", **message}) + "\n" for message in messages)


def test_what_takes_no_time_is_answered_while_calls_wait(shop: Path) -> None:
    """They wait for the client's roots, which it does not name before it has its other answers."""
    with McpClient(shop, roots=ROOTS) as client:
        for number in range(100, 103):
            client.send(call(number))
        client.send({"id": 9, "method": "ping"})
        first = [client.next(), client.next()]
        asked = next(message for message in first if message.get("method") == "roots/list")
        client.send({"id": asked["id"], **ROOTS})
        rest = [client.next() for _ in range(3)]

    assert {"jsonrpc": "2.0", "id": 9, "result": {}} in first
    assert {message["id"] for message in rest} == {100, 101, 102}
    assert all("No agent's work is recorded" in message["result"]["content"][0]["text"] for message in rest)


def test_a_client_that_says_nothing_of_its_roots_is_told_that_it_is_too_late(shop: Path) -> None:
    with McpClient(shop, roots=ROOTS, command=COMMAND) as client:
        client.send(call(100))
        asked, late, answer = client.next(), client.next(), client.next()
        client.send({"id": asked["id"], **ROOTS})
        client.send({"id": asked["id"], **ROOTS})
        assert client.ask("ping") == {}

    assert (late["method"], late["params"]["requestId"]) == ("notifications/cancelled", asked["id"])
    assert answer["id"] == 100


def test_a_cancelled_call_gets_no_answer(shop: Path) -> None:
    with McpClient(shop, roots=ROOTS) as client:
        client.send(call(100))
        client.send(call(101))
        asked = client.next()
        client.send({"method": "notifications/cancelled", "params": {"requestId": 100}})
        client.send({"method": "notifications/cancelled", "params": {"requestId": 99}})
        client.send({"id": asked["id"], **ROOTS})
        assert client.next()["id"] == 101
        assert client.ask("ping") == {}


def test_more_calls_at_once_than_are_answered_at_the_same_time_all_get_their_answer(shop: Path) -> None:
    with McpClient(shop) as client:
        for number in range(100, 100 + 3 * MOST_AT_ONCE):
            client.send(call(number, "turn", turn="turn 1"))
        got = [client.next()["id"] for _ in range(3 * MOST_AT_ONCE)]

    assert sorted(got) == [*range(100, 100 + 3 * MOST_AT_ONCE)]


def test_the_roots_are_heard_although_more_calls_wait_for_them_than_are_answered_at_once(
    home: Path, shop: Path
) -> None:
    """That one of them is cancelled is heard too, and a ping behind them."""
    named = {"result": {"roots": [{"uri": (home / "elsewhere").as_uri()}]}}
    with McpClient(shop, roots=named) as client:
        for number in range(100, 101 + 2 * MOST_AT_ONCE):
            client.send(call(number))
        asked = client.next()
        client.send({"method": "notifications/cancelled", "params": {"requestId": 100}})
        client.send({"id": asked["id"], **named})
        client.send({"id": 9, "method": "ping"})
        got = [client.next() for _ in range(2 * MOST_AT_ONCE + 1)]

    assert {message["id"] for message in got} == {9, *range(101, 101 + 2 * MOST_AT_ONCE)}
    answers = [message["result"]["content"][0]["text"] for message in got if message["id"] != 9]
    assert [answer for answer in answers if "There is no folder" not in answer] == []


def test_a_batch_is_answered_in_one_line(shop: Path) -> None:
    with McpClient(shop) as client:
        client.ask("initialize", **{**HELLO, "protocolVersion": "2025-03-26"})
        parts = [{"id": 5, "method": "ping"}, call(6), {"method": "notifications/initialized"}, {"method": 3}]
        client.input.write(json.dumps([{"jsonrpc": "2.0", **part} for part in parts]).encode() + b"\n")
        client.input.write(b'[{"jsonrpc": "2.0", "method": "notifications/initialized"}]\n')
        answers: Any = client.next()
        assert client.ask("ping") == {}

    assert [(answer["id"], "result" in answer) for answer in answers] == [(5, True), (6, True), (None, False)]


def test_a_line_of_a_hundred_megabytes_is_refused_and_not_kept(shop: Path) -> None:
    """With the memory of a program that was started for it alone."""
    long, ping = b"[" * (100 << 20), b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n'
    with subprocess.Popen(COMMAND, cwd=shop, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None and server.stdout is not None
        server.stdin.write(long)
        server.stdin.write(b"\n" + ping)
        server.stdin.flush()
        answers = [json.loads(server.stdout.readline()) for _ in range(2)]
        status = Path(f"/proc/{server.pid}/status")
        peak = status.read_text().partition("VmHWM:")[2].split()[0] if status.exists() else "0"
    assert (answers[0]["id"], answers[1]["result"]) == (None, {})
    assert answers[0]["error"]["code"] in (-32600, -32700)
    assert int(peak) << 10 < 20 * MOST_BYTES


def test_what_was_asked_before_the_input_ended_is_answered_yet(shop: Path) -> None:
    """As by a person who pipes requests into it. The last line is torn."""
    asked = lines_of({"id": 1, "method": "initialize", "params": HELLO}, call(2))
    ran = run(COMMAND, cwd=shop, input=asked + '{"jsonrpc": "2.0", "id', limit_s=60)

    answers = [json.loads(line) for line in ran.stdout.splitlines()]
    assert ran.returncode == 0
    assert {answer["id"] for answer in answers if "result" in answer} == {1, 2}
    assert [answer["error"]["code"] for answer in answers if "error" in answer] == [-32700]
    assert ran.stderr == ""


def test_a_client_that_is_gone_ends_it_without_a_word(shop: Path) -> None:
    read, write = os.pipe()
    with subprocess.Popen(COMMAND, cwd=shop, stdin=subprocess.PIPE, stdout=write, stderr=subprocess.PIPE) as server:
        os.close(write)
        os.close(read)
        assert server.stdin is not None and server.stderr is not None
        server.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
        server.stdin.flush()
        assert server.stderr.read() == b""
    assert server.returncode == 0


def test_pipes_that_do_not_block_are_waited_for(shop: Path) -> None:
    (given, ours), (theirs, answers) = os.pipe(), os.pipe()
    for descriptor in (given, answers):
        os.set_blocking(descriptor, False)
    with subprocess.Popen(COMMAND, cwd=shop, stdin=given, stdout=answers) as server:
        os.close(given)
        os.close(answers)
        with os.fdopen(ours, "wb", buffering=0) as input, os.fdopen(theirs, "rb") as output:
            for number in range(3):
                input.write(lines_of({"id": number, "method": "ping"}).encode())
                assert json.loads(output.readline())["id"] == number
    assert server.returncode == 0


def test_sigterm_ends_it_while_it_waits(shop: Path) -> None:
    with subprocess.Popen(
        COMMAND, cwd=shop, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as server:
        assert server.stdin is not None and server.stdout is not None and server.stderr is not None
        server.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
        server.stdin.flush()
        assert server.stdout.readline()
        server.send_signal(signal.SIGTERM)
        assert (server.stdout.read(), server.stderr.read()) == (b"", b"")
    assert server.returncode == -signal.SIGTERM


def test_a_start_loads_nothing_of_what_answers(shop: Path) -> None:
    """Most sessions of agents start it, and never ask."""
    asked = lines_of({"id": 1, "method": "initialize", "params": HELLO}, {"id": 2, "method": "tools/list"})
    ran = subprocess.run(
        (CARRYOVER[0], "-X", "importtime", *CARRYOVER[1:], "mcp"), cwd=shop, input=asked, capture_output=True, text=True
    )
    loaded = {line.rpartition("|")[2].strip() for line in ran.stderr.splitlines()}

    assert len(ran.stdout.splitlines()) == 2
    assert "carryover.faces.mcp.protocol" in loaded
    assert not [
        name for name in loaded if name.startswith(("carryover.past", "carryover.ledger", "sqlite3", "asyncio"))
    ]
