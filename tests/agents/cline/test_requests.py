"""Results as a copy of a task's messages has them: in the requests that follow the calls."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from carryover import model
from carryover.agents.cline.adapter import AGENT
from contract.case import of, read_export
from support.costs import costing_little


def said(at: int, kind: str, text: object) -> dict[str, object]:
    shown = text if isinstance(text, str) else json.dumps(text)
    return {"ts": 1_770_000_000_000 + at, "type": "say", "say": kind, "text": shown, "conversationHistoryIndex": 0}


def results(folder: Path, shown: list[dict[str, object]]) -> list[model.ToolResult]:
    path = folder / "ui_messages.json"
    path.write_text(json.dumps(shown))
    return of(read_export(AGENT, path).events, model.ToolResult)


@pytest.mark.parametrize("named", ["src/oven.js", "/oven/src/oven.js", r"c:\oven\src\oven.js"])
def test_a_result_may_give_the_full_path_of_a_call_shown_with_a_relative_one(tmp_path: Path, named: str) -> None:
    saved = f"[replace_in_file for '{named}'] Result:\nThe content was successfully saved."
    diff = "------- SEARCH\na\n=======\nb\n+++++++ REPLACE"
    edit = {"tool": "editedExistingFile", "path": "src/oven.js", "content": diff}
    shown = [said(1, "task", "Bake it"), said(2, "tool", edit), said(3, "api_req_started", {"request": saved})]

    [result] = results(tmp_path, shown)

    assert result.status == "ok"


def test_a_call_of_a_server_is_about_its_arguments(tmp_path: Path) -> None:
    given = json.dumps({"shelf": "top", "degrees": 200})
    asked = {"type": "use_mcp_tool", "serverName": "oven", "toolName": "heat", "arguments": given}
    failed = "[use_mcp_tool for 'oven'] Result:\n\nError:\nThe door is open."
    call, request = said(2, "use_mcp_server", asked), said(3, "api_req_started", {"request": failed})

    [result] = results(tmp_path, [said(1, "task", "Bake it"), call, request])

    assert (result.name, result.subject, result.status) == ("oven__heat", "top", "error")


@pytest.mark.parametrize(
    "unit", ["<<<<<<< SEARCH\n=======\n", "<<<<<<< SEARCH\n", "<<<<<<< SEARCH\n:start_line:1\na\n"]
)
def test_an_edit_without_an_end_costs_no_time(tmp_path: Path, unit: str) -> None:
    diff = f"{unit * (40_000 // len(unit))}<<<<<<< SEARCH\nheat = 1\n=======\nheat = 2\n>>>>>>> REPLACE"

    with costing_little():
        assert counted(tmp_path, diff) == [(1, 1)]


def test_an_edit_may_be_shown_as_a_patch(tmp_path: Path) -> None:
    assert counted(tmp_path, "@@ -1 +1,2 @@\n-heat = 1\n+heat = 2\n+door = 0\n") == [(2, 1)]


def counted(folder: Path, content: str) -> list[tuple[int | None, int | None]]:
    """The lines that an edit adds and removes which is shown so."""
    path = folder / "ui_messages.json"
    edit = said(2, "tool", {"tool": "editedExistingFile", "path": "/oven/oven.js", "content": content})
    ended = said(3, "api_req_started", {"request": "[replace_in_file for 'oven.js'] Result:\nIt was saved to oven.js."})
    path.write_text(json.dumps([said(1, "text", "Bake it"), {**edit, "type": "ask", "ask": "tool"}, ended]))
    return [(edit.added, edit.removed) for edit in of(read_export(AGENT, path).events, model.FileEdit)]
