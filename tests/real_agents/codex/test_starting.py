"""`carryover handoff --to codex --exec`: Codex begins with a prompt that leads to the handoff."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from carryover.distill.own_text import go_on_prompt
from real_agents.codex import hooked, work
from real_agents.codex.client import PROJECT, CodexBox
from real_agents.codex.requests import said_by, told
from real_agents.codex.work import FILES, TASK
from real_agents.lab import handoffs, product
from real_agents.lab.rows import Row
from real_agents.lab.terminal import Terminal

pytestmark = pytest.mark.real_agents

PROMPT: Final = go_on_prompt(".carryover/handoff.md")
COMMAND: Final = (product.CARRYOVER, "handoff", "--to", "codex", "--exec")
LOOK: Final = {"shell": "cat .carryover/handoff.md"}
GOING_ON: Final = "So I go on with the pear."


@pytest.mark.parametrize("cwd", [PROJECT, PROJECT / "sub"], ids=["root", "subfolder"])
def test_without_hooks_the_prompt_leads_to_the_handoff(codex: CodexBox, row: Row, cwd: Path) -> None:
    """No hook is installed and no daemon runs. A model that does what the prompt says has the handoff."""
    codex.make_project(FILES)
    work.do_the_work(codex)
    first, second = started(codex, LOOK, GOING_ON, cwd=cwd)
    found = handoffs.injected(told(second))

    row.shown(f"the prompt: {said_by(first, 'user')[-1]}")
    row.shown(f"in the first request {len(handoffs.injected(told(first)))} handoffs, in the second {len(found)}")
    assert said_by(first, "user")[-1] == PROMPT
    assert handoffs.injected(told(first)) == []
    [handoff] = found
    assert TASK in handoffs.sections(handoff)["Task"][0]
    assert TASK not in PROMPT


def test_with_hooks_the_handoff_comes_with_the_prompt(codex: CodexBox, row: Row) -> None:
    """The hook has it in the first request already; the prompt that only points at it is no task."""
    hooked.start(codex)
    work.do_the_work(codex)
    product.settle(codex.box)
    [request] = started(codex, GOING_ON, cwd=PROJECT)
    found = handoffs.injected(told(request))
    product.settle(codex.box)
    left = handoffs.read(codex.box, PROJECT)

    row.shown(f"in the first request {len(found)} handoff, {len(said_by(request, 'user'))} messages of the user's role")
    row.shown(f"task afterwards: {' / '.join(handoffs.sections(left)['Task'])}")
    assert said_by(request, "user")[-1] == PROMPT
    [handoff] = found
    assert TASK in handoffs.sections(handoff)["Task"][0]
    assert TASK in handoffs.sections(left)["Task"][0]
    assert PROMPT not in left


def started(codex: CodexBox, *replies: Any, cwd: Path) -> list[dict[str, Any]]:
    """The command, run in a terminal; the requests of the client that it became. The last reply ends the turn."""
    before = len(codex.requests())
    codex.script(*replies)
    with Terminal(codex.box, *COMMAND, cwd=cwd) as terminal:
        terminal.wait(GOING_ON)
    return codex.requests()[before:]
