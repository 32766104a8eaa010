"""Results as a copy of a task's messages has them: in the requests that follow the calls."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from carryover import model
from carryover.agents.cline.adapter import AGENT
from contract.case import read_on


def said(at: int, kind: str, text: object) -> dict[str, object]:
    shown = text if isinstance(text, str) else json.dumps(text)
    return {"ts": 1_770_000_000_000 + at, "type": "say", "say": kind, "text": shown, "conversationHistoryIndex": 0}


@pytest.mark.parametrize("named", ["src/oven.js", "/oven/src/oven.js", r"c:\oven\src\oven.js"])
def test_a_result_may_name_the_whole_path_of_what_is_shown_with_one_in_the_folder(tmp_path: Path, named: str) -> None:
    path = tmp_path / "ui_messages.json"
    saved = f"[replace_in_file for '{named}'] Result:\nThe content was successfully saved."
    diff = "------- SEARCH\na\n=======\nb\n+++++++ REPLACE"
    edit = {"tool": "editedExistingFile", "path": "src/oven.js", "content": diff}
    messages = [said(1, "task", "Bake it"), said(2, "tool", edit), said(3, "api_req_started", {"request": saved})]
    path.write_text(json.dumps(messages))
    assert AGENT.exported is not None
    source = AGENT.exported(path, path.read_bytes())
    assert source is not None

    [result] = (event.body for event in read_on(AGENT, source).events if isinstance(event.body, model.ToolResult))

    assert result.status == "ok"
