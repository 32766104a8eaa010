"""The lines of Codex and Cursor: what they print without a daemon, where they look, and who gets nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from agents.codex.contract_case import payload as codex_payload
from agents.cursor.contract_case import payload as cursor_payload
from carryover.edits.hooks import hook_command
from carryover.paths import StateDir
from contract.case import LEFT_OUT
from support.hook_script import QUIET, HookScript, installed, keep
from support.hook_script import payload as claude_payload
from support.repository import repository
from support.socket_server import SocketServer, answer

HANDED: Final = b'{"additional_context":"from the daemon"}'


class Line(HookScript):
    agent: str

    def line(self, event: str) -> str:
        return hook_command(self.state.root, self.agent, event)


class Codex(Line):
    agent = "codex"

    def reported(self, source: str, folder: Path, **fields: Any) -> str:
        out, err, code = self.said("SessionStart", codex_payload("SessionStart", source=source, **fields).data, folder)
        assert (err, code) == ("", 0)
        return str(json.loads(out)["hookSpecificOutput"]["additionalContext"]) if out else ""


class Cursor(Line):
    agent = "cursor"

    def reported(self, *roots: object, indent: int | None = None, **fields: Any) -> str:
        given = json.loads(cursor_payload("sessionStart", **{"workspace_roots": roots, **fields}).data)
        data = json.dumps(given, indent=indent, separators=None if indent else (",", ":")).encode()
        out, err, code = self.said("sessionStart", data, self.state.root)
        assert (err, code) == ("", 0)
        return str(json.loads(out)["additional_context"]) if out else ""


@pytest.fixture
def codex(state: StateDir, home: Path, shell_folder: Path) -> Codex:
    return Codex(state, home, shell_folder)


@pytest.fixture
def cursor(state: StateDir, home: Path, shell_folder: Path) -> Cursor:
    """It runs a user's hooks in a folder of its own, never in the project."""
    return Cursor(state, home, shell_folder)


def test_codex_gets_the_answer_for_its_start_reason_in_its_own_form(codex: Codex, project: Path) -> None:
    texts = keep(codex.state, project, "Add a discount")
    inside = project / "src"
    inside.mkdir()

    for reason in ("startup", "clear", "compact"):
        assert codex.reported(reason, inside) == texts[reason]
    assert [codex.reported(reason, project) for reason in ("resume", "fork", "old", "")] == [""] * 4


def test_a_codex_session_that_is_not_to_be_written_down_is_answered_too(codex: Codex, project: Path) -> None:
    texts = keep(codex.state, project, "Add a discount")

    assert codex.reported("startup", project, transcript_path=None) == texts["startup"]


def test_cursor_gets_the_answer_for_the_first_folder_of_its_window(cursor: Cursor, home: Path, project: Path) -> None:
    texts = keep(cursor.state, project, "Add a discount")
    other = repository(home / "work" / "lib")
    keep(cursor.state, other, "another task")
    keep(cursor.state, cursor.state.root, "a task in the folder that the hook runs in")

    assert cursor.reported(str(project)) == texts["startup"]
    assert cursor.reported(str(project), indent=2) == texts["startup"]
    assert cursor.reported(str(project), str(other), indent=1) == texts["startup"]
    assert cursor.reported(str(project), is_background_agent=False) == texts["startup"]


@pytest.mark.parametrize("name", ["it's $HOME `id`", "-rf *", "日本 ä", "a,b]c}"])
def test_odd_names_of_cursors_folders_are_found(cursor: Cursor, home: Path, name: str) -> None:
    project = repository(home / "work" / name)
    texts = keep(cursor.state, project, "Add a discount")
    given = {**json.loads(cursor_payload("sessionStart").data), "workspace_roots": [str(project)]}
    data = json.dumps(given, ensure_ascii=False).encode()

    out, err, code = cursor.said("sessionStart", data, cursor.state.root)

    assert (json.loads(out)["additional_context"], err, code) == (texts["startup"], "", 0)


@pytest.mark.parametrize(
    "roots",
    [
        [],
        None,
        "",
        [1],
        ["relative/shop"],
        ["C:\\work\\shop"],
        ["file:///home/dev/shop"],
        ['/home/"quoted"'],
        ["/home/back\\slash"],
        ["/nowhere/at/all"],
    ],
)
def test_a_cursor_window_without_a_folder_of_ours_gets_nothing(cursor: Cursor, project: Path, roots: object) -> None:
    keep(cursor.state, project, "Add a discount")
    keep(cursor.state, cursor.state.root, "a task in the folder that the hook runs in")

    data = cursor_payload("sessionStart", workspace_roots=roots).data
    assert cursor.said("sessionStart", data, cursor.state.root) == QUIET


def test_a_background_agent_of_cursor_gets_nothing(cursor: Cursor, project: Path) -> None:
    keep(cursor.state, project, "Add a discount")

    assert cursor.reported(str(project), is_background_agent=True) == ""
    assert cursor.reported(str(project), is_background_agent=True, indent=2) == ""


def of(kind: type[Line]) -> Callable[[StateDir, Path], Line]:
    return lambda state, home: kind(state, home)


FOREIGN: Final[dict[str, tuple[Callable[[StateDir, Path], HookScript], str, bytes]]] = {
    "Claude Code's line run by Cursor": (
        HookScript,
        "SessionStart",
        cursor_payload("SessionStart", source="startup").data,
    ),
    "Codex's line run by Cursor": (of(Codex), "SessionStart", cursor_payload("SessionStart", source="startup").data),
    "Codex's line run by Claude Code": (of(Codex), "SessionStart", claude_payload()),
    "Codex's line run by a program without transcripts": (
        of(Codex),
        "SessionStart",
        codex_payload("SessionStart", source="startup", transcript_path=LEFT_OUT).data,
    ),
    "Claude Code's line run by Codex": (
        HookScript,
        "SessionStart",
        codex_payload("SessionStart", source="startup").data,
    ),
    "Cursor's line run by Claude Code": (of(Cursor), "sessionStart", claude_payload()),
    "Cursor's line run by Codex": (of(Cursor), "sessionStart", codex_payload("SessionStart", source="startup").data),
    "Cursor's line with nothing": (of(Cursor), "sessionStart", b""),
    "Codex's line with no JSON": (of(Codex), "SessionStart", b"not JSON\n"),
}


@pytest.mark.parametrize("whose", FOREIGN)
def test_another_program_that_runs_a_line_gets_nothing(state: StateDir, home: Path, project: Path, whose: str) -> None:
    keep(state, project, "Add a discount")
    line, event, data = FOREIGN[whose]

    assert line(state, home).said(event, data, project) == QUIET


@pytest.mark.parametrize(
    ("kind", "event", "data"),
    [
        (Codex, "PreCompact", codex_payload("PreCompact", trigger="auto").data),
        (Codex, "Stop", codex_payload("Stop").data),
        (Codex, "SessionEnd", codex_payload("SessionEnd").data),
        (Cursor, "stop", cursor_payload("stop").data),
        (Cursor, "sessionEnd", cursor_payload("sessionEnd").data),
    ],
)
def test_no_other_event_says_anything_with_the_daemon_or_without(
    kind: type[Line], event: str, data: bytes, home: Path, project: Path
) -> None:
    line = kind(installed(home / "state"), home)
    keep(line.state, project, "Add a discount")

    assert line.said(event, data, project) == QUIET
    with SocketServer(line.state.socket, answer(200, HANDED)) as server:
        assert line.said(event, data, project) == QUIET
    assert [(request.line, request.body) for request in server.requests] == [
        (f"POST /hook/{kind.agent}/{event} HTTP/1.1", data)
    ]
