"""What a new message costs in a session that is rewritten with each: calls of functions for each message before it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from carryover.agents import adapters
from carryover.transcript.sources import sources_of
from matrix.tool import Tool, tools
from support.calls import calls

CALLS: Final = {"cline": 41, "gptme": 3, "mistral-vibe": 103, "roo-code": 150}
"""For each turn before."""
BEGAN: Final = datetime(2026, 11, 20, 9, tzinfo=UTC)
TURNS: Final = 40


@pytest.mark.parametrize("tool", [tool for tool in tools() if tool.id in CALLS], ids=lambda tool: tool.id)
def test_a_message_takes_few_calls_for_each_turn_before(tool: Tool, tmp_path: Path) -> None:
    agent, home = adapters()[tool.agent], tmp_path / "home"
    played = tool.play(home, tmp_path / "shop", BEGAN)
    cursor = None

    def read() -> None:
        nonlocal cursor
        [source] = [each for root in agent.spec.roots(home, {}) for each in sources_of(agent, root)]
        cursor = agent.reader.read(Path(source.path), cursor).cursor

    def after(turns: int) -> int:
        for number in range(turns):
            played.prompt(f"Make part {number}")
            played.say(f"Part {number} is made.")
        getattr(played, "settle", lambda: None)()  # Mistral Vibe 3.0.3 does when a turn ends
        read()
        played.prompt("Now the rest of it")
        return calls(read)

    few = after(TURNS)
    assert (after(2 * TURNS) - few) / (2 * TURNS) <= CALLS[tool.id]
