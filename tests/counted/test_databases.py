"""What a message costs that is added to a database with all projects' sessions: queries, and calls of functions."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from carryover.adapter.contract import Batch
from carryover.agents import adapters
from carryover.transcript.sources import sources_of
from matrix.tool import Tool, tools
from support.calls import calls

IN_DATABASES: Final = [tool for tool in tools() if tool.agent in ("opencode", "kilo", "hermes", "goose", "cursor")]
CALLS: Final = 30
"""Of functions, for each other session in the database: its row is read, and its mark compared."""
BEGAN: Final = datetime(2026, 11, 20, 9, tzinfo=UTC)
COMPARED: Final = 110
"""More sessions than have their last messages compared, too."""


class Reader:
    """Reads an agent's sources and continues where it stopped."""

    def __init__(self, tool: Tool, home: Path) -> None:
        self._agent, self._home = adapters()[tool.agent], home
        self._cursors: dict[str, bytes] = {}

    def read(self) -> int:
        """How many records are new."""
        found = [source for root in self._agent.spec.roots(self._home, {}) for source in sources_of(self._agent, root)]
        return sum(self._read(source.path) for source in found)

    def _read(self, path: str) -> int:
        new, batch = 0, None
        while batch is None or batch.more:
            batch = self._next(path)
            new += len(batch.records)
        return new

    def _next(self, path: str) -> Batch:
        batch = self._agent.reader.read(Path(path), self._cursors.get(path))
        self._cursors[path] = batch.cursor
        return batch


@pytest.mark.parametrize("tool", IN_DATABASES, ids=lambda tool: tool.id)
def test_a_message_takes_as_many_queries_in_a_long_session(
    tool: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    _note_queries(asked, monkeypatch)
    played = tool.play(tmp_path / "home", tmp_path / "shop", BEGAN)
    reader = Reader(tool, tmp_path / "home")

    def queries(turns: int) -> int:
        for number in range(turns):
            played.prompt(f"Make part {number}")
            played.say(f"Part {number} is made.")
        reader.read()
        played.prompt("Now the rest of it")
        asked.clear()
        assert reader.read()
        return len(asked)

    queries(5)
    assert queries(5) == queries(40)


@pytest.mark.parametrize("tool", IN_DATABASES, ids=lambda tool: tool.id)
def test_a_message_takes_few_calls_for_each_other_session(tool: Tool, tmp_path: Path) -> None:
    home, sessions = tmp_path / "home", 0

    def with_others(others: int) -> int:
        nonlocal sessions
        for _ in range(others):
            sessions += 1
            played = tool.play(home, tmp_path / "shop", BEGAN + timedelta(hours=sessions))
            played.prompt("Make the export")
            played.say("It is made.")
        reader = Reader(tool, home)
        reader.read()
        played.prompt("Now the rest of it")
        return calls(reader.read)

    few = with_others(COMPARED)
    assert (with_others(100) - few) / 100 <= CALLS


def _note_queries(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect

    def noted(*given: Any, **settings: Any) -> sqlite3.Connection:
        db: sqlite3.Connection = connect(*given, **settings)
        if "readonly" in str(given) or "mode=ro" in str(given):
            db.set_trace_callback(asked.append)
        return db

    monkeypatch.setattr(sqlite3, "connect", noted)
