"""Codex's extension and app write to the same store: nothing but `originator` and `source` tells them apart."""

from __future__ import annotations

from typing import Literal

import pytest

from agents.codex.rollout import Rollout
from carryover.model import AssistantMessage, UserPrompt

IN_THE_EDITOR = "# Context from my IDE setup:\n\n## Open tabs:\n- cart.py\n\n## My request for Codex:\nAdd a discount"


@pytest.mark.parametrize("family", ["legacy", "paginated"])
@pytest.mark.parametrize(
    ("originator", "source"),
    [("codex_vscode", "vscode"), ("Codex Desktop", "vscode"), ("codex_exec", "exec"), ("new one", {"kind": "desktop"})],
)
def test_a_session_of_any_of_them_is_read(
    family: Literal["legacy", "paginated"], originator: str, source: object
) -> None:
    rollout = Rollout(family=family, version="0.131.0", originator=originator, source=source, thread_source="user")
    rollout.turn()
    rollout.asks(IN_THE_EDITOR)
    rollout.says("Done.", "final_answer")

    assert rollout.bodies == [UserPrompt(text="Add a discount"), AssistantMessage(text="Done.", final=True)]
    assert rollout.skipped == []
