"""What the daemon records of logs that the real client has just written."""

from __future__ import annotations

from typing import Final

import pytest

from carryover.model import AssistantMessage, FileEdit, ToolResult, TurnEnd, UserPrompt
from real_agents.copilot import work
from real_agents.copilot.client import EACH_VERSION, PROJECT, CopilotBox
from real_agents.copilot.work import FILES, TASK
from real_agents.lab import handoffs, product, recorded
from real_agents.lab.recorded import Session
from real_agents.lab.rows import Row
from real_agents.lab.waiting import wait_until

pytestmark = pytest.mark.real_agents

THEN: Final = "Now the plum"
ANSWER: Final = "The plum costs two coins."


def read(copilot: CopilotBox, row: Row) -> list[Session]:
    """What the daemon has recorded when it has read all; no record may be foreign to the adapter."""
    product.settle(copilot.box)
    sessions = recorded.sessions(copilot.box)
    skipped = recorded.not_understood(copilot.box)
    row.shown(f"{len(sessions)} sessions, {sum(len(session.events) for session in sessions)} events, {skipped} skipped")
    assert skipped == 0
    return sessions


@EACH_VERSION
def test_a_session_is_recorded_with_all_that_happened(copilot: CopilotBox, row: Row) -> None:
    copilot.make_project(FILES)
    product.start_daemon(copilot.box)
    work.do_the_work(copilot)
    copilot.script(ANSWER)
    copilot.ask(THEN, "--continue")
    [session] = read(copilot, row)

    assert (session.listed.agent_version, session.listed.branch) == (copilot.client.version, "main")
    assert session.listed.project == str(PROJECT)
    assert [prompt.text for prompt in session.all(UserPrompt)] == [TASK, THEN]
    edits = [(edit.path, edit.change) for edit in session.all(FileEdit)]
    assert edits == [(f"{PROJECT}/prices.py", "modify"), (f"{PROJECT}/NOTES.md", "add")]
    assert session.all(FileEdit)[0].line == 2
    results = [(result.op, result.status, result.exit_code) for result in session.all(ToolResult)]
    assert results == [
        ("shell", "error", 1),
        ("edit", "error", None),
        ("edit", "ok", None),
        ("write", "ok", None),
        ("shell", "ok", 0),
    ]
    assert work.FAILING in session.all(ToolResult)[0].output
    assert [message.text for message in session.all(AssistantMessage)] == [work.LAST_WORDS, ANSWER]


@EACH_VERSION
def test_a_limit_is_recorded_and_named_in_the_handoff(copilot: CopilotBox, row: Row) -> None:
    copilot.make_project(FILES)
    product.start_daemon(copilot.box)
    copilot.script(*work.steps()[:3], work.LIMIT)
    copilot.ask(TASK, code=1)
    [session] = read(copilot, row)
    handoff = handoffs.read(copilot.box, PROJECT)

    row.shown(f"ends: {[(end.reason, end.message) for end in session.all(TurnEnd)]}")
    assert [end.reason for end in session.all(TurnEnd)] == ["limit"]
    assert "stopped at its usage limit" in handoff


@EACH_VERSION
def test_a_killed_client_loses_nothing_that_it_wrote(copilot: CopilotBox, row: Row) -> None:
    """It writes a moment after it has acted, and the call in flight has no result."""
    copilot.make_project(FILES)
    product.start_daemon(copilot.box)
    copilot.script(*work.steps()[:3], {"shell": "sleep 600"})
    running = copilot.start_ask(TASK)
    wait_until(lambda: any("sleep 600" in log.read_text("utf-8") for log in copilot.logs()))
    running.kill()
    [session] = read(copilot, row)

    assert [prompt.text for prompt in session.all(UserPrompt)] == [TASK]
    assert [edit.path for edit in session.all(FileEdit)] == [f"{PROJECT}/prices.py"]
    assert TASK in handoffs.read(copilot.box, PROJECT)
