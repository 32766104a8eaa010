"""The hook_script with somebody at the socket: what it hands on, what it prints, and how long it waits at most."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest

from carryover.publish.hook_script import SECRET_HEADER
from support.hook_script import QUIET, SECRET, HookScript, keep, payload
from support.socket_server import Behaviour, SocketServer, answer, close, half, hang

HANDED: Final = '# [CARRYOVER] from the daemon\n- 50 % of \\n and `$HOME`, "quoted", grüße\n\n'


def test_a_session_gets_what_the_daemon_answers_byte_for_byte(sh: HookScript, project: Path) -> None:
    with SocketServer(sh.state.socket, answer(200, HANDED.encode())) as server:
        assert sh.said("SessionStart", payload(), project) == (HANDED, "", 0)

    [request] = server.requests
    assert request.line == "POST /hook/claude-code/SessionStart HTTP/1.1"
    assert request.body == payload().rstrip(b"\n")
    assert request.headers[SECRET_HEADER.lower()] == SECRET
    assert (request.headers["host"], request.headers["content-type"]) == ("localhost", "application/json")
    assert "expect" not in request.headers


def test_a_payload_of_many_lines_arrives_as_the_same_json(sh: HookScript, project: Path) -> None:
    given = json.dumps(json.loads(payload()), indent=2).encode()
    with SocketServer(sh.state.socket, answer(200, b"x")) as server:
        assert sh.said("SessionStart", given, project) == ("x", "", 0)

    assert json.loads(server.requests[0].body) == json.loads(payload())


def test_an_agent_that_keeps_its_end_open_is_answered(stub_here: HookScript, project: Path) -> None:
    with (
        SocketServer(stub_here.state.socket, answer(200, b"handoff")),
        stub_here.start("SessionStart", project) as process,
    ):
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(payload())
        process.stdin.flush()
        assert process.stdout.read() == b"handoff"


@pytest.mark.parametrize("status", [204, 302, 400, 401, 403, 404, 413, 429])
def test_a_daemon_that_has_nothing_to_say_is_believed(stub_here: HookScript, project: Path, status: int) -> None:
    keep(stub_here.state, project, "Add a discount")
    with SocketServer(stub_here.state.socket, answer(status, b"5xx\n500")):
        assert stub_here.said("SessionStart", payload(), project) == QUIET


FAILING: Final[dict[str, Behaviour]] = {
    "500": answer(500, b"Traceback"),
    "503": answer(503, b"starting\n200"),
    "closing": close,
    "half and closing": half(b"# half", then_hang=False),
    "half and hanging": half(b"# half\n200", then_hang=True),
    "hanging": hang,
}


@pytest.mark.parametrize("how", FAILING)
def test_a_daemon_that_fails_is_stood_in_for_and_shows_nothing_of_it(
    stub_here: HookScript, project: Path, how: str
) -> None:
    texts = keep(stub_here.state, project, "Add a discount")
    with SocketServer(stub_here.state.socket, FAILING[how]):
        started = stub_here.run("SessionStart", payload(), project)
        stopped = stub_here.run("Stop", payload(event="Stop"), project)

    assert (started.out, started.err, started.code) == (texts["startup"], "", 0)
    assert (stopped.out, stopped.err, stopped.code) == QUIET
    assert stopped.seconds < 15 and started.seconds < 15


def test_waiting_for_a_hanging_daemon_ends_by_itself_and_sooner_where_nothing_is_injected(
    stub_here: HookScript, project: Path
) -> None:
    with SocketServer(stub_here.state.socket, hang):
        started = stub_here.run("SessionStart", payload(), project).seconds
        stopped = min(stub_here.run("Stop", payload(event="Stop"), project).seconds for _ in range(2))

    assert started > 0.9
    assert 0.25 < stopped < started
