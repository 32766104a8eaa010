"""Histories as the real client writes them now, read by the daemon, as the product's commands tell them."""

from __future__ import annotations

from typing import Final

import pytest

from carryover.model import AssistantMessage, FileEdit, ToolResult, TurnEnd, UserPrompt
from real_agents.aider.client import EACH_VERSION, PROJECT, READY, SETTINGS, AiderBox
from real_agents.aider.work import BAD, FILES, GOOD, LAST_WORDS, TASK
from real_agents.lab import handoffs, product, recorded
from real_agents.lab.rows import Row
from real_agents.lab.waiting import wait_until

pytestmark = pytest.mark.real_agents


MORE: Final = "Then print the discount of each item in cart.py"


def begin(aider: AiderBox) -> None:
    """A project that the daemon knows, since its user has asked for its handoff once."""
    aider.make_project(FILES)
    product.start_daemon(aider.box)
    aider.box.run(product.CARRYOVER, "handoff", cwd=PROJECT)


@EACH_VERSION
def test_a_session_is_recorded_whole_and_once(aider: AiderBox, row: Row) -> None:
    """Prompt, answers, the edit that failed and the one that worked; nothing of it is not understood."""
    begin(aider)
    aider.script(BAD, GOOD)
    aider.message(TASK, "pricing.py")
    product.carryover(aider.box, "handoff", cwd=PROJECT)
    [session] = recorded.sessions(aider.box)

    row.shown(f"{len(session.events)} events, {recorded.not_understood(aider.box)} records not understood")
    assert (session.listed.agent, session.listed.agent_version) == ("aider", aider.client.version)
    assert (session.listed.project, session.listed.model) == (str(PROJECT), "openai/gpt-4o")
    assert [prompt.text for prompt in session.all(UserPrompt)] == [TASK]
    assert [message.text for message in session.all(AssistantMessage)] == ["I will change it.", LAST_WORDS]
    assert [result.status for result in session.all(ToolResult)] == ["error", "ok", "ok"]
    assert [edit.path for edit in session.all(FileEdit)] == [str(PROJECT / "pricing.py")]
    assert recorded.not_understood(aider.box) == 0


@EACH_VERSION
@pytest.mark.parametrize("file", [SETTINGS, ".env"])
def test_a_history_that_was_moved_within_the_project_is_followed(aider: AiderBox, row: Row, file: str) -> None:
    """The input history stays at the top, and so the prompt has its time."""
    line = "chat-history-file: logs/chat.md\n" if file == SETTINGS else "AIDER_CHAT_HISTORY_FILE=logs/chat.md\n"
    aider.make_project(FILES | {"logs/.gitignore": "*\n"})
    aider.box.write(PROJECT / file, line)
    product.start_daemon(aider.box)
    aider.script(BAD, GOOD)
    aider.message(TASK, "pricing.py")
    aider.box.run(product.CARRYOVER, "handoff", cwd=PROJECT)
    product.settle(aider.box)
    [session] = recorded.sessions(aider.box)

    row.shown(f"{len(session.events)} events; at the top: {aider.history().exists()}")
    assert [prompt.text for prompt in session.all(UserPrompt)] == [TASK]
    assert [edit.path for edit in session.all(FileEdit)] == [str(PROJECT / "pricing.py")]
    assert not aider.history().exists()


@EACH_VERSION
def test_tests_that_fail_and_pass_are_recorded(aider: AiderBox, row: Row) -> None:
    """`/test` in a terminal: what fails adds output to the chat, and what passes says nothing."""
    begin(aider)
    aider.script("Aye.", GOOD, "Both are fine.")
    with aider.terminal("pricing.py", "--yes-always", "--test-cmd", "python3 -m unittest -q") as terminal:
        terminal.wait(READY)
        terminal.enter(TASK)
        terminal.wait("Aye")
        terminal.wait(READY)
        terminal.enter("/test")
        terminal.wait("Commit [0-9a-f]{7}")
        terminal.wait(READY)
        terminal.enter("/test")
        terminal.wait(READY)
        terminal.enter("What is left?")
        terminal.wait("Both are fine")
        terminal.wait(READY)
        terminal.enter("/exit")
        terminal.wait_end()
    product.carryover(aider.box, "handoff", cwd=PROJECT)
    [session] = recorded.sessions(aider.box)
    runs = [(run.status, run.exit_code) for run in session.all(ToolResult) if run.name == "test"]

    row.shown(f"test runs: {runs}")
    assert runs == [("error", None), ("ok", 0)]
    assert [prompt.text for prompt in session.all(UserPrompt)] == [TASK, "What is left?"]


def test_a_limit_ends_the_turn(aider: AiderBox, row: Row) -> None:
    """The provider refuses for good; the handoff says so, and names what was asked."""
    begin(aider)
    # It asks again with growing pauses, nine times in a minute and a half (0.86.2).
    aider.script(*[{"error": {"status": 429, "message": "Rate limit reached. Try again in 2h."}}] * 40)
    command = (aider.client.command, "--yes-always", "--message", TASK, "pricing.py")
    aider.box.run(*command, cwd=PROJECT, timeout_s=300)
    text = product.carryover(aider.box, "handoff", cwd=PROJECT)
    [session] = recorded.sessions(aider.box)

    row.shown(f"ends with {[end.reason for end in session.all(TurnEnd)]}")
    assert [end.reason for end in session.all(TurnEnd)] == ["limit"]
    assert TASK in text


def test_what_is_appended_reaches_the_handoff_without_being_asked_for(aider: AiderBox, row: Row) -> None:
    """The watcher sees the history; Aider has no hooks."""
    begin(aider)
    aider.script("First.")
    aider.message(TASK, "pricing.py")
    product.carryover(aider.box, "handoff", cwd=PROJECT)
    aider.script("Second answer.")
    aider.message(MORE, "pricing.py")
    waited_s = wait_until(lambda: MORE in handoffs.read(aider.box, PROJECT))

    row.shown(f"in the handoff {waited_s:.1f} s after the client ended")
    assert waited_s < 3
