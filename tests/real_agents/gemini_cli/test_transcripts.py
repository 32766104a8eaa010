"""What the adapter makes of the transcripts that each version has just written."""

from __future__ import annotations

import pytest

from carryover.model import AssistantMessage, FileEdit, ToolResult, UserPrompt
from real_agents.gemini_cli import work
from real_agents.gemini_cli.client import EACH_VERSION, PROJECT, GeminiBox
from real_agents.gemini_cli.work import FILES, LAST_WORDS, LOOKING, TASK
from real_agents.lab import product, recorded
from real_agents.lab.rows import Row

pytestmark = pytest.mark.real_agents


@EACH_VERSION
def test_a_session_is_recorded_as_it_happened(gemini: GeminiBox, row: Row) -> None:
    gemini.make_project(FILES)
    product.start_daemon(gemini.box)
    work.do_the_work(gemini)
    product.settle(gemini.box)
    [session] = recorded.sessions(gemini.box)
    ran = [(call.op, call.status, call.exit_code) for call in session.all(ToolResult)]
    edits = [(edit.path, edit.change, edit.line, edit.added, edit.removed) for edit in session.all(FileEdit)]

    row.shown(f"prompts {[prompt.text for prompt in session.all(UserPrompt)]}; project {session.listed.project}")
    row.shown(f"calls {ran}; edits {edits}; not understood {recorded.not_understood(gemini.box)}")
    assert session.listed.project == str(PROJECT)
    assert [(prompt.actor, prompt.text) for prompt in session.all(UserPrompt)] == [("human", TASK)]
    assert [said.text for said in session.all(AssistantMessage)] == [LOOKING, LAST_WORDS]
    assert ran == [
        ("shell", "error", 1),
        ("edit", "error", None),
        ("edit", "ok", None),
        ("write", "ok", None),
        ("shell", "ok", 0),
    ]
    assert edits == [
        (str(PROJECT / "prices.py"), "modify", 2, 1, 1),
        (str(PROJECT / "NOTES.md"), "add", 1, 1, 0),
    ]
    assert recorded.not_understood(gemini.box) == 0
