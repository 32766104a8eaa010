"""Sessions as the real clients write them now, read by the daemon, as the product's commands show them."""

from __future__ import annotations

from typing import Final

from carryover.model import AssistantMessage, FileEdit, ToolResult, UserPrompt
from real_agents.lab import handoffs, product, recorded, shop
from real_agents.lab.recorded import Session
from real_agents.lab.rows import Row, each_version, newest_of
from real_agents.lab.shop import FAILING, LAST_WORDS, LOOKING, PROJECT, QUESTION, TASK
from real_agents.lab.tool import Tool

THEN: Final = "Then give a plum the price of a pear"
ANSWER: Final = "A plum costs two coins now."


@each_version("claude-code", "codex", "copilot", "gemini-cli", "opencode")
def test_a_session_and_its_continuation_are_recorded_whole_and_once(tool: Tool, row: Row) -> None:
    """Prompts, answers, edits, the failing and the passing test, the failed edit; nothing of it is not understood."""
    shop.begin(tool)
    session = shop.do_the_work(tool)
    told = shop.left_by(tool)
    continued = tool.id not in ("gemini-cli",)  # a resume leaves out the prompt of a run without a terminal (0.61.0)
    if continued:
        tool.turn(PROJECT, THEN, ANSWER, session=session)
    [found] = read(tool, row)
    said = handoffs.sections(told)

    for title, lines in said.items():
        row.shown(f"{title}: {' / '.join(lines)}")
    version = None if tool.id in ("gemini-cli",) else tool.version
    assert (found.listed.agent, found.listed.agent_version) == (tool.id, version)
    assert found.listed.project == str(PROJECT)
    assert prompts(found) == [TASK, THEN][: 1 + continued]
    assert [text for text in texts(found) if text != LOOKING] == [LAST_WORDS, ANSWER][: 1 + continued]
    assert_worked_once(found)
    assert TASK in said["Task"][0]
    assert all(f"`{name}`" in " ".join(said["Recent files"]) for name in ("prices.py", "NOTES.md"))
    assert any(QUESTION in line for line in said["Open questions"])
    assert len(told.splitlines()) <= 50
    if tool.id in ("codex", "copilot"):
        assert any("stock.py" in line for line in said["Failed approaches"])


@each_version("claude-code", "opencode", beside=newest_of("codex"))
def test_a_fork_counts_its_parents_history_once(tool: Tool, row: Row) -> None:
    """Only what was said in it is its own."""
    shop.begin(tool)
    parent = shop.do_the_work(tool)
    tool.turn(PROJECT, THEN, ANSWER, session=parent, fork=True)
    sessions = {session.listed.id: session for session in read(tool, row)}

    assert_worked_once(sessions.pop(parent))
    [fork] = sessions.values()
    assert prompts(fork) == [THEN]
    assert fork.all(FileEdit) == []


def read(tool: Tool, row: Row) -> list[Session]:
    """What the daemon has recorded when it has read all; no record may be foreign to the adapter."""
    product.settle(tool.box)
    sessions = recorded.sessions(tool.box)
    skipped = recorded.not_understood(tool.box)
    row.shown(f"{len(sessions)} sessions, {sum(len(session.events) for session in sessions)} events, {skipped} skipped")
    assert skipped == 0
    return sessions


def prompts(session: Session) -> list[str]:
    return [prompt.text for prompt in session.all(UserPrompt)]


def texts(session: Session) -> list[str]:
    return [message.text for message in session.all(AssistantMessage)]


def assert_worked_once(session: Session) -> None:
    edits = sorted((edit.path, edit.change) for edit in session.all(FileEdit))
    assert edits == [(f"{PROJECT}/NOTES.md", "add"), (f"{PROJECT}/prices.py", "modify")]
    results = [result for result in session.all(ToolResult) if result.op in ("shell", "edit", "write")]
    shown = [f"{'edit' if result.op == 'write' else result.op} {result.status}" for result in results]
    assert shown == ["shell error", "edit error", "edit ok", "edit ok", "shell ok"]
    assert (results[0].exit_code, results[-1].exit_code or 0) == (1, 0)
    assert FAILING in results[0].output
