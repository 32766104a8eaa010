"""What Continue leaves when it is stopped in a terminal. A run without one writes nothing then."""

from collections.abc import Callable
from typing import Final

import pytest

from carryover.model import UserPrompt
from real_agents.continue_dev.client import TOOL
from real_agents.lab import handoffs, recorded, shop
from real_agents.lab.box import Gate, Terminal, wait_until
from real_agents.lab.rows import Row, newest
from real_agents.lab.shop import PROJECT, TASK
from real_agents.lab.tool import Tool
from real_agents.test_sessions import UNFINISHED, assert_left

NEWEST: Final = newest(TOOL.id)


def kill(tool: Tool, terminal: Terminal) -> None:
    tool.box.must("kill", "-KILL", terminal.pid())


def press_escape(tool: Tool, terminal: Terminal) -> None:
    terminal.key("Escape")


@NEWEST
@pytest.mark.parametrize("stop", [kill, press_escape])
def test_a_command_that_was_stopped_leaves_what_was_asked(
    tool: Tool, row: Row, stop: Callable[[Tool, Terminal], None]
) -> None:
    """After Escape the command runs on, and no record says that the turn was stopped (1.5.47)."""
    shop.begin(tool)
    gate, known = Gate(tool.box, "never"), set(tool.transcripts())
    with tool.terminal(PROJECT) as terminal:
        tool.script(*shop.edited(tool), tool.shell(gate.command))
        terminal.enter(TASK)
        gate.wait_reached()
        tool.wait_recorded(tool.new_session(known), gate.command)
        stop(tool, terminal)
        gate.open()
        assert_left(tool, row, UNFINISHED)
    [session] = recorded.sessions(tool.box)
    assert [(prompt.actor, prompt.text) for prompt in session.all(UserPrompt)] == [("human", TASK)]


@NEWEST
def test_a_limit_leaves_what_was_asked(tool: Tool, row: Row) -> None:
    """The screen alone says why the turn ended (1.5.47)."""
    shop.begin(tool)
    with tool.terminal(PROJECT) as terminal:
        tool.script(*shop.edited(tool), tool.LIMIT)
        terminal.enter(TASK)
        terminal.wait("402")
        wait_until(lambda: "prices.py" in handoffs.read(tool.box, PROJECT))
        assert_left(tool, row, UNFINISHED)
