"""A session that ends badly: at a limit, interrupted, by `kill -9`. No hook is needed to tell of it."""

from __future__ import annotations

from typing import Final

from carryover.model import UserPrompt
from real_agents.lab import handoffs, recorded, shop
from real_agents.lab.box import Gate, wait_until
from real_agents.lab.rows import Row, each_version, newest, newest_of
from real_agents.lab.shop import LOOKING, PROJECT, TASK
from real_agents.lab.tool import Tool

BY_LIMIT: Final = "stopped at its usage limit"
BY_USER: Final = "interrupted by the user"
UNFINISHED: Final = "no answer recorded"
SILENT_ON_LIMITS: Final = {("codex", "0.125.0"): UNFINISHED, ("codex", "0.99.0"): UNFINISHED, "gemini-cli": LOOKING}
"""What the handoff says instead where a run without a terminal does not write down why a turn failed."""


@each_version("codex", "copilot", "gemini-cli", "opencode", beside=newest_of("claude-code"))
def test_a_limit_is_named_as_what_stopped_the_work(tool: Tool, row: Row) -> None:
    shop.begin(tool)
    tool.turn(PROJECT, TASK, *shop.edited(tool), tool.LIMIT, code=None)

    said_instead = SILENT_ON_LIMITS.get(tool.id, SILENT_ON_LIMITS.get((tool.id, tool.version)))
    assert_left(tool, row, said_instead or BY_LIMIT)


@newest("claude-code", "codex", "gemini-cli")
def test_a_limit_is_named_while_the_session_is_open(tool: Tool, row: Row) -> None:
    """In the terminal; Gemini CLI asks first whether to keep trying, and writes it down when the user stops."""
    shop.begin(tool)
    if tool.id == "gemini-cli":
        tool.reach_limit(PROJECT, TASK, *shop.edited(tool))
        return assert_left(tool, row, BY_LIMIT)
    with tool.terminal(PROJECT) as terminal:
        tool.script(*shop.edited(tool), tool.LIMIT)
        terminal.enter(TASK)
        wait_until(lambda: BY_LIMIT in handoffs.read(tool.box, PROJECT))
        return assert_left(tool, row, BY_LIMIT)


@each_version("claude-code", beside=newest_of("codex", "gemini-cli"))
def test_an_interrupted_turn_leaves_what_was_asked(tool: Tool, row: Row) -> None:
    shop.begin(tool)
    replies = [*shop.edited(tool), {"unfinished": "Half of a thought"}]
    with tool.terminal(PROJECT) as terminal:
        tool.script(*replies)
        terminal.enter(TASK)
        wait_until(lambda: len(tool.requests()) == len(replies))
        terminal.wait("Half of a thought|esc to interrupt|…")
        tool.interrupt(terminal)
        wait_until(lambda: BY_USER in handoffs.read(tool.box, PROJECT))
        assert_left(tool, row, BY_USER)
    [session] = recorded.sessions(tool.box)
    assert [(prompt.actor, prompt.text) for prompt in session.all(UserPrompt)] == [("human", TASK)]


@each_version("claude-code", "copilot", "opencode", beside=newest_of("codex", "gemini-cli"))
def test_kill_9_in_a_command_leaves_what_was_asked(tool: Tool, row: Row) -> None:
    """The transcript just stops; a client may write it a moment after it has acted."""
    shop.begin(tool)
    gate, known = Gate(tool.box, "never"), set(tool.transcripts())
    running = tool.start(PROJECT, TASK, *shop.edited(tool), tool.shell(gate.command))
    gate.wait_reached()
    session = tool.new_session(known)
    tool.wait_recorded(session, gate.command if tool.RECORDS_RUNNING else "NOTES.md")
    assert running.kill() == -9
    gate.open()

    assert_left(tool, row, UNFINISHED if tool.RECORDS_RUNNING else LOOKING)


def assert_left(tool: Tool, row: Row, ending: str) -> None:
    """The handoff says that, and what was asked and done until then."""
    handoff = shop.left_by(tool)
    said, standing = handoffs.sections(handoff), handoffs.lines_of(handoff, "Where it stands", "Next action")
    row.shown(f"where it stands: {standing}")
    assert ending in standing
    assert TASK in said["Task"][0]
    assert "prices.py" in " ".join(said["Recent files"])
