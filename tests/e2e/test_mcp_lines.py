"""The lines of `carryover mcp`: many at once, cancelled, too long, torn, or after the client is gone."""

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


def call(number: int, name: str = "handoff", **arguments: Any) -> dict[str, Any]:
    return {"id": number, "method": "tools/call", "params": {"name": name, "arguments": arguments}}


def lines_of(*messages: dict[str, Any]) -> str:
    return "".join(json.dumps({"jsonrpc": "2.0", **message}) + "\n" for message in messages)


def test_a_ping_is_answered_while_calls_of_tools_wait(shop: Path) -> None:
    """The calls wait for the client's roots, which it names only after it has its other answers."""
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


def test_a_client_that_names_no_roots_in_time_gets_a_cancellation(shop: Path) -> None:
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


def test_calls_above_the_limit_of_threads_are_all_answered(shop: Path) -> None:
    with McpClient(shop) as client:
        for number in range(100, 100 + 3 * MOST_AT_ONCE):
            client.send(call(number, "turn", turn="turn 1"))
        got = [client.next()["id"] for _ in range(3 * MOST_AT_ONCE)]

    assert sorted(got) == [*range(100, 100 + 3 * MOST_AT_ONCE)]


def test_the_roots_are_read_while_more_calls_wait_than_may_run(home: Path, shop: Path) -> None:
    """So are a cancellation of one of them, and a ping after them."""
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


def test_a_line_of_a_hundred_megabytes_is_refused_and_not_kept_in_memory(shop: Path) -> None:
    """Measured in a process of its own."""
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


def test_requests_before_the_end_of_the_input_are_all_answered(shop: Path) -> None:
    """As when a person pipes requests into it. The last line is torn."""
    asked = lines_of({"id": 1, "method": "initialize", "params": HELLO}, call(2))
    ran = run(COMMAND, cwd=shop, input=asked + '{"jsonrpc": "2.0", "id', limit_s=60)

    answers = [json.loads(line) for line in ran.stdout.splitlines()]
    assert ran.returncode == 0
    assert {answer["id"] for answer in answers if "result" in answer} == {1, 2}
    assert [answer["error"]["code"] for answer in answers if "error" in answer] == [-32700]
    assert ran.stderr == ""


def test_the_server_ends_silently_when_the_client_is_gone(shop: Path) -> None:
    read, write = os.pipe()
    with subprocess.Popen(COMMAND, cwd=shop, stdin=subprocess.PIPE, stdout=write, stderr=subprocess.PIPE) as server:
        os.close(write)
        os.close(read)
        assert server.stdin is not None and server.stderr is not None
        server.stdin.write(b'{"jsonrpc":"2.0","id":1,"method":"ping"}\n')
        server.stdin.flush()
        assert server.stderr.read() == b""
    assert server.returncode == 0


def test_no_more_calls_are_made_for_a_client_that_reads_no_answers(shop: Path) -> None:
    with McpClient(shop) as client:
        client.output.close()
        with pytest.raises(BrokenPipeError):
            for number in range(100, 3000):
                client.send(call(number, "turn", turn="turn 1"))

    assert client.code == 0


def test_nonblocking_pipes_are_waited_for(shop: Path) -> None:
    (requests, ours), (theirs, answers) = os.pipe(), os.pipe()
    for descriptor in (requests, answers):
        os.set_blocking(descriptor, False)
    with subprocess.Popen(COMMAND, cwd=shop, stdin=requests, stdout=answers) as server:
        os.close(requests)
        os.close(answers)
        with os.fdopen(ours, "wb", buffering=0) as input, os.fdopen(theirs, "rb") as output:
            for number in range(3):
                input.write(lines_of({"id": number, "method": "ping"}).encode())
                assert json.loads(output.readline())["id"] == number
    assert server.returncode == 0


def test_sigterm_ends_the_server_while_it_waits_for_input(shop: Path) -> None:
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


def test_a_start_does_not_load_the_code_that_answers_calls(shop: Path) -> None:
    """Most sessions start the server and never call a tool."""
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
