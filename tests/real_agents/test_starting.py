"""`carryover to AGENT`: the client begins with a prompt that leads to the handoff."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from carryover.distill.own_text import go_on_prompt
from real_agents.lab import handoffs, product, shop
from real_agents.lab.rows import Row, newest
from real_agents.lab.shop import PROJECT, TASK
from real_agents.lab.terminal import Terminal
from real_agents.lab.tool import Tool

PROMPT: Final = go_on_prompt(".carryover/handoff.md")
GOING_ON: Final = "So I go on with the pear."


@pytest.mark.parametrize("cwd", [PROJECT, PROJECT / "sub"], ids=["root", "subfolder"])
@newest("codex", "copilot")
def test_without_hooks_the_prompt_leads_to_the_handoff(tool: Tool, row: Row, cwd: Path) -> None:
    """No hook is installed and no daemon runs. A model that does what the prompt says has the handoff."""
    shop.make_project(tool.box)
    shop.do_the_work(tool)
    first, second = started(tool, tool.read(handoffs.path_in(PROJECT)), GOING_ON, cwd=cwd)
    found = handoffs.injected(tool.without_line_prefixes(second))

    row.shown(f"in the first request {len(handoffs.injected(first))} handoffs, in the second {len(found)}")
    assert PROMPT in first
    assert handoffs.injected(first) == []
    assert TASK in second and TASK not in PROMPT


@newest("codex", "copilot")
def test_with_hooks_the_handoff_comes_with_the_prompt(tool: Tool, row: Row) -> None:
    """The hook has it in the first request already; the prompt that only points at it is no task."""
    shop.begin_worked(tool)
    product.settle(tool.box)
    [request] = started(tool, GOING_ON, cwd=PROJECT)
    [handoff] = handoffs.injected(request)
    left = shop.left_by(tool)

    row.shown(f"task afterwards: {' / '.join(handoffs.sections(left)['Task'])}")
    assert PROMPT in request
    assert TASK in handoffs.sections(handoff)["Task"][0]
    assert TASK in handoffs.sections(left)["Task"][0]
    assert PROMPT not in left


def started(tool: Tool, *replies: Any, cwd: Path) -> list[str]:
    """The command, run in a terminal; the requests of the client that it became. The last reply ends the turn."""
    before = len(tool.requests())
    tool.script(*replies)
    command = (product.CARRYOVER, "to", tool.id)
    with Terminal(tool.box, *command, cwd=cwd, env=tool.environment) as terminal:
        terminal.wait(GOING_ON)
    return tool.requests()[before:]
