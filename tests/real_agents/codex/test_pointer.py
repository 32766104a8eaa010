"""Without hooks the pointer in AGENTS.md leads to the handoff."""

from __future__ import annotations

from typing import Final

import pytest

from real_agents.codex import hooked, work
from real_agents.codex.client import EACH_VERSION, PROJECT, CodexBox
from real_agents.codex.requests import said_by, told
from real_agents.codex.work import FILES, TASK
from real_agents.lab import handoffs, product
from real_agents.lab.handoffs import POINTER
from real_agents.lab.rows import Row

pytestmark = pytest.mark.real_agents

RULES: Final = "# Rules\nAGENTS-OF-ROOT\n"
LOOK: Final = {"shell": "cat .carryover/handoff.md"}


@EACH_VERSION
def test_with_hooks_off_the_pointer_arrives_and_what_it_points_to_can_be_read(codex: CodexBox, row: Row) -> None:
    """The user's own text of AGENTS.md arrives as before; the handoff comes with the model's next request."""
    codex.make_project({**FILES, "AGENTS.md": RULES})
    product.start_daemon(codex.box)
    work.do_the_work(codex)
    product.settle(codex.box)
    left = handoffs.read(codex.box, PROJECT)
    before = len(codex.requests())
    codex.script(LOOK)
    codex.exec("Hello", "-c", "features.hooks=false")
    first, second = codex.requests()[before:]
    instructions = [text for text in said_by(first, "user") if POINTER in text]

    counts = {text: told(first).count(text) for text in ("AGENTS-OF-ROOT", POINTER)}
    row.shown(f"in the first request: {list(counts.values())} times the user's rules and the pointer")
    row.shown(f"in the second: {len(handoffs.injected(told(second)))} handoff, as the tool's output")
    assert counts == {"AGENTS-OF-ROOT": 1, POINTER: 1}
    assert len(instructions) == 1 and "AGENTS-OF-ROOT" in instructions[0]
    assert handoffs.injected(told(first)) == []
    assert [handoffs.sections(text) for text in handoffs.injected(told(second))] == [handoffs.sections(left)]
    assert TASK in left


def test_the_pointer_and_the_hook_do_not_double_the_handoff(codex: CodexBox, row: Row) -> None:
    """With both in place each arrives once."""
    hooked.start(codex)
    work.do_the_work(codex)
    product.settle(codex.box)
    request = hooked.first_request(codex, "Hello")

    row.shown(f"pointer {request.count(POINTER)} times, handoff {len(handoffs.injected(request))} times")
    assert request.count(POINTER) == 1
    assert len(handoffs.injected(request)) == 1
