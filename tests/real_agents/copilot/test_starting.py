"""`carryover handoff --to copilot --exec`: Copilot begins with a prompt that leads to the handoff."""

from __future__ import annotations

from typing import Any, Final

import pytest

from carryover.distill.own_text import go_on_prompt
from real_agents.copilot import hooked, work
from real_agents.copilot.client import PROJECT, TRUST, CopilotBox
from real_agents.copilot.requests import said_by, told
from real_agents.copilot.work import FILES, TASK
from real_agents.lab import handoffs, product
from real_agents.lab.rows import Row
from real_agents.lab.terminal import Terminal

pytestmark = pytest.mark.real_agents

PROMPT: Final = go_on_prompt(".carryover/handoff.md")
COMMAND: Final = (product.CARRYOVER, "handoff", "--to", "copilot", "--exec")
LOOK: Final = {"call": "view", "arguments": {"path": str(PROJECT / ".carryover/handoff.md")}}
GOING_ON: Final = "So I go on with the pear."


def test_without_hooks_the_prompt_leads_to_the_handoff(copilot: CopilotBox, row: Row) -> None:
    """No hook is installed and no daemon runs. A model that does what the prompt says has the handoff."""
    copilot.make_project(FILES)
    work.do_the_work(copilot)
    first, second = started(copilot, LOOK, GOING_ON)
    found = handoffs.injected(told(second))

    row.shown(f"in the first request {len(handoffs.injected(told(first)))} handoffs, in the second {len(found)}")
    assert PROMPT in said_by(first, "user")[-1]
    assert handoffs.injected(told(first)) == []
    assert TASK in told(second) and TASK not in PROMPT


def test_with_hooks_the_handoff_comes_with_the_prompt(copilot: CopilotBox, row: Row) -> None:
    """The hook has it in the first request already; the prompt that only points at it is no task."""
    hooked.start(copilot)
    work.do_the_work(copilot)
    product.settle(copilot.box)
    [request] = started(copilot, GOING_ON)
    found = handoffs.injected(told(request))
    product.settle(copilot.box)
    left = handoffs.read(copilot.box, PROJECT)

    row.shown(f"in the first request {len(found)} handoff")
    row.shown(f"task afterwards: {' / '.join(handoffs.sections(left)['Task'])}")
    [handoff] = found
    assert TASK in handoffs.sections(handoff)["Task"][0]
    assert TASK in handoffs.sections(left)["Task"][0]
    assert PROMPT not in left


def started(copilot: CopilotBox, *replies: Any) -> list[dict[str, Any]]:
    """The command, run in a terminal; the requests of the client that it became. The last reply ends the turn."""
    before = len(copilot.requests())
    copilot.script(*replies)
    with Terminal(copilot.box, *COMMAND, cwd=PROJECT) as terminal:
        terminal.wait(TRUST)
        terminal.key("Enter")
        terminal.wait(GOING_ON)
    return copilot.requests()[before:]
