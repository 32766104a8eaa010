"""The lines of other agents: which events print nothing, and what is kept."""

import stat
from pathlib import Path
from typing import Final

import pytest

from agents.codex.contract_case import payload as codex_payload
from agents.cursor.contract_case import payload as cursor_payload
from agents.windsurf.talks import payload as windsurf_payload
from carryover.publish.hook_script import CWD_HEADER
from support.hook_script import QUIET, HookScript, Line, stand_in
from support.socket_server import Behaviour, SocketServer, answer, close, hang


@pytest.mark.parametrize(
    ("agent", "event", "data"),
    [
        ("codex", "PreCompact", codex_payload("PreCompact", trigger="auto").data),
        ("codex", "Stop", codex_payload("Stop").data),
        ("codex", "SessionEnd", codex_payload("SessionEnd").data),
        ("cursor", "stop", cursor_payload("stop").data),
        ("cursor", "sessionEnd", cursor_payload("sessionEnd").data),
    ],
)
def test_no_other_event_says_anything_with_the_daemon_or_without(
    line_here: Line, agent: str, event: str, data: bytes, project: Path
) -> None:
    script = line_here(agent)
    stand_in(script.state, "echo from the program")

    assert script.said(event, data, project) == QUIET
    with SocketServer(script.state.socket, answer(200, b'{"additional_context":"from the daemon"}')) as server:
        assert script.said(event, data, project) == QUIET
    sent = [(request.line, request.body) for request in server.requests]
    assert sent == [(f"POST /hook/{agent}/{event} HTTP/1.1", data)]


EVENT: Final = "pre_user_prompt"
DATA: Final = windsurf_payload(EVENT, user_prompt='Grüße: "100 %" \\n $HOME `id` it\'s')
NO_MORE_THAN: Final = 4 << 20


def pending(script: HookScript) -> list[Path]:
    """The calls of an agent without another readable record that no daemon accepted, each in a file."""
    folder = script.state.spool / "windsurf" / "pending"
    return sorted(folder.iterdir()) if folder.exists() else []


def test_a_call_is_kept_as_it_came_for_its_user_alone(line: Line, project: Path) -> None:
    cascade = line("windsurf")
    assert cascade.said(EVENT, DATA, project) == QUIET

    (path,) = pending(cascade)
    assert path.read_bytes() == f"{EVENT}\n{project}\n".encode() + DATA + b"\n"
    assert path.suffix == ".hook"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for folder in (path.parent, path.parent.parent, cascade.state.spool):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    path.with_name("large.hook").write_bytes(b"x" * (65 << 20))
    assert cascade.said(EVENT, DATA, project) == QUIET
    assert len(pending(cascade)) == 2, "it stops where enough waits"


def test_what_the_daemon_took_what_is_paused_and_other_agents_calls_are_not_kept(line: Line, project: Path) -> None:
    """The daemon is given the folder."""
    cascade = line("windsurf")
    with SocketServer(cascade.state.socket, answer(204)) as server:
        assert cascade.said(EVENT, DATA, project) == QUIET
    assert line("claude-code").said("Stop", DATA, project) == QUIET
    cascade.state.paused.touch()
    assert cascade.said(EVENT, DATA, project) == QUIET

    (request,) = server.requests
    assert (request.body, request.headers[CWD_HEADER.lower()]) == (DATA, f"{project}/")
    assert not cascade.state.spool.exists()


@pytest.mark.parametrize(
    "behave", [answer(503), answer(413), answer(500), close, hang], ids=["503", "413", "500", "closing", "hanging"]
)
def test_what_a_daemon_did_not_take_is_kept(line_here: Line, project: Path, behave: Behaviour) -> None:
    cascade = line_here("windsurf")
    with SocketServer(cascade.state.socket, behave):
        assert cascade.said(EVENT, DATA, project) == QUIET

    assert len(pending(cascade)) == 1


def test_a_payload_may_be_large_and_one_that_is_too_large_meets_no_closed_pipe(line: Line, project: Path) -> None:
    cascade = line("windsurf")
    for size in (NO_MORE_THAN, NO_MORE_THAN * 4):
        assert cascade.said(EVENT, b"x" * size, project) == QUIET
        assert len(pending(cascade)) == 1


@pytest.mark.parametrize(
    ("name", "named"),
    [
        *((name, True) for name in ('it\'s "odd" $HOME `id`', "-rf *", "grün", "ends in blank ")),
        ("a\nX-Carryover-Secret: b", False),
    ],
)
def test_any_folder_is_named_as_it_is_but_one_with_a_line_break(
    line: Line, project: Path, name: str, named: bool
) -> None:
    cascade, folder = line("windsurf"), project / name
    folder.mkdir()

    assert cascade.said(EVENT, DATA, folder) == QUIET
    assert pending(cascade)[0].read_bytes() == f"{EVENT}\n{folder if named else ''}\n".encode() + DATA + b"\n"
