"""The lines of other agents: what they print without a daemon, where they look, who gets nothing, what is kept."""

import json
import stat
from pathlib import Path
from typing import Any, Final

import pytest

from agents.codex.contract_case import payload as codex_payload
from agents.cursor.contract_case import payload as cursor_payload
from agents.qwen_code.contract_case import payload as qwen_payload
from agents.windsurf.talks import payload as windsurf_payload
from carryover.publish.hook_script import CWD_HEADER
from contract.case import LEFT_OUT
from support.hook_script import QUIET, HookScript, Line, keep
from support.hook_script import payload as claude_payload
from support.repository import repository
from support.socket_server import Behaviour, SocketServer, answer, close, hang


def codex_told(codex: HookScript, source: str, folder: Path, **fields: Any) -> str:
    """The text that a session takes in; empty where nothing was printed."""
    data = codex_payload("SessionStart", source=source, **fields).data
    out, err, code = codex.said("SessionStart", data, folder)
    assert (err, code) == ("", 0)
    return str(json.loads(out)["hookSpecificOutput"]["additionalContext"]) if out else ""


def cursor_told(cursor: HookScript, *roots: object, indent: int | None = None, **fields: Any) -> str:
    """The same of a window with these folders. Cursor runs a user's hooks in a folder of its own."""
    given = json.loads(cursor_payload("sessionStart", **{"workspace_roots": roots, **fields}).data)
    separators = None if indent else (",", ":")
    data = json.dumps(given, indent=indent, separators=separators, ensure_ascii=False).encode()
    out, err, code = cursor.said("sessionStart", data, cursor.state.root)
    assert (err, code) == ("", 0)
    return str(json.loads(out)["additional_context"]) if out else ""


def test_codex_gets_the_answer_for_its_start_reason_in_its_own_form(line: Line, project: Path) -> None:
    codex = line("codex")
    texts = keep(codex.state, project, "Add a discount")
    inside = project / "src"
    inside.mkdir()

    for reason in ("startup", "clear", "compact"):
        assert codex_told(codex, reason, inside) == texts[reason]
    assert [codex_told(codex, reason, project) for reason in ("resume", "fork", "old", "")] == [""] * 4
    assert codex_told(codex, "startup", project, transcript_path=None) == texts["startup"], "not to be written down"


def test_a_resumed_session_gets_its_answer_where_its_client_forgets(line: Line, project: Path) -> None:
    """Qwen Code keeps what a hook says out of the transcript."""
    qwen = line("qwen-code")
    texts = keep(qwen.state, project, "Add a discount")

    for reason in ("startup", "resume"):
        out, err, code = qwen.said("SessionStart", qwen_payload("SessionStart", source=reason).data, project)
        assert (json.loads(out)["hookSpecificOutput"]["additionalContext"], err, code) == (texts[reason], "", 0)


NOWHERE: Final[tuple[object, ...]] = (
    *([], None, "", [1], ["relative/shop"], ["C:\\work\\shop"], ["file:///home/dev/shop"]),
    *(['/home/"quoted"'], ["/home/back\\slash"], ["/nowhere/at/all"]),
)


def test_cursor_gets_the_answer_for_the_first_folder_of_its_window(line: Line, home: Path, project: Path) -> None:
    cursor = line("cursor")
    texts = keep(cursor.state, project, "Add a discount")
    other = repository(home / "work" / "lib")
    keep(cursor.state, other, "another task")
    keep(cursor.state, cursor.state.root, "a task in the folder that the hook runs in")

    assert cursor_told(cursor, str(project)) == texts["startup"]
    assert cursor_told(cursor, str(project), indent=2) == texts["startup"]
    assert cursor_told(cursor, str(project), str(other), indent=1) == texts["startup"]
    assert cursor_told(cursor, str(project), is_background_agent=False) == texts["startup"]
    for indent in (None, 2):
        assert cursor_told(cursor, str(project), is_background_agent=True, indent=indent) == ""
    for roots in NOWHERE:
        data = cursor_payload("sessionStart", workspace_roots=roots).data
        assert cursor.said("sessionStart", data, cursor.state.root) == QUIET, roots


@pytest.mark.parametrize("name", ["it's $HOME `id`", "-rf *", "日本 ä", "a,b]c}"])
def test_odd_names_of_cursors_folders_are_found(line: Line, home: Path, name: str) -> None:
    cursor, project = line("cursor"), repository(home / "work" / name)
    texts = keep(cursor.state, project, "Add a discount")

    assert cursor_told(cursor, str(project)) == texts["startup"]


CODEXS: Final = codex_payload("SessionStart", source="startup").data
CURSORS: Final = cursor_payload("SessionStart", source="startup").data
FOREIGN: Final[dict[str, tuple[str, str, bytes]]] = {
    "Claude Code's line run by Cursor": ("claude-code", "SessionStart", CURSORS),
    "Claude Code's line run by Codex": ("claude-code", "SessionStart", CODEXS),
    "Codex's line run by Cursor": ("codex", "SessionStart", CURSORS),
    "Codex's line run by Claude Code": ("codex", "SessionStart", claude_payload()),
    "Codex's line run by a program without transcripts": (
        *("codex", "SessionStart"),
        codex_payload("SessionStart", source="startup", transcript_path=LEFT_OUT).data,
    ),
    "Codex's line with no JSON": ("codex", "SessionStart", b"not JSON\n"),
    "Cursor's line run by Claude Code": ("cursor", "sessionStart", claude_payload()),
    "Cursor's line run by Codex": ("cursor", "sessionStart", CODEXS),
    "Cursor's line with nothing": ("cursor", "sessionStart", b""),
}


@pytest.mark.parametrize("whose", FOREIGN)
def test_another_program_that_runs_a_line_gets_nothing(line_here: Line, project: Path, whose: str) -> None:
    agent, event, data = FOREIGN[whose]
    script = line_here(agent)
    keep(script.state, project, "Add a discount")

    assert script.said(event, data, project) == QUIET


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
    keep(script.state, project, "Add a discount")

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
