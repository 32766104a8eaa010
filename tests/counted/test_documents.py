"""What a new message costs in a session that is read as a whole with each: calls of functions for all before it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from agents.windsurf.talks import Talk, put, spool_of
from carryover.agents import adapters
from carryover.transcript.sources import sources_of
from matrix.tool import Tool, tools
from support.calls import calls

CALLS: Final = {"cline": 27, "gptme": 3, "mistral-vibe": 65, "roo-code": 83}
"""For each turn before."""
HOOK_CALLS: Final = 60
"""For each hook call of Windsurf before."""
BEGAN: Final = datetime(2026, 11, 20, 9, tzinfo=UTC)
TURNS: Final = 40


class Reader:
    """Reads the one source of an agent below some folders, and continues where it stopped."""

    def __init__(self, agent: str, roots: Iterable[Path]) -> None:
        self._agent, self._roots = adapters()[agent], roots
        self._cursor: bytes | None = None

    def read(self) -> None:
        [source] = [source for root in self._roots for source in sources_of(self._agent, root)]
        self._cursor = self._agent.reader.read(Path(source.path), self._cursor).cursor


@pytest.mark.parametrize("tool", [tool for tool in tools() if tool.id in CALLS], ids=lambda tool: tool.id)
def test_a_message_takes_few_calls_for_each_turn_before(tool: Tool, tmp_path: Path) -> None:
    home = tmp_path / "home"
    played = tool.play(home, tmp_path / "shop", BEGAN)
    reader = Reader(tool.agent, adapters()[tool.agent].spec.roots(home, {}))

    def after(turns: int) -> int:
        for number in range(turns):
            played.prompt(f"Make part {number}")
            played.say(f"Part {number} is made.")
        getattr(played, "settle", lambda: None)()  # Mistral Vibe 3.0.3 does when a turn ends
        reader.read()
        played.prompt("Now the rest of it")
        return calls(reader.read)

    few = after(TURNS)
    assert (after(2 * TURNS) - few) / (2 * TURNS) <= CALLS[tool.id]


def test_a_hook_call_takes_few_calls_for_each_before(tmp_path: Path) -> None:
    reader, talk = Reader("windsurf", [spool_of(tmp_path)]), Talk()

    def after(number: int) -> int:
        for _ in range(number):
            talk.run("make test", "", 0)
        put(spool_of(tmp_path) / f"{talk.id}.jsonl", talk.spooled())
        return calls(reader.read)

    few = after(TURNS)
    assert (after(2 * TURNS) - few) / (2 * TURNS) <= HOOK_CALLS
