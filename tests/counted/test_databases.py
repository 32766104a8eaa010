"""What a database with all projects' sessions costs to read, first and with a new message: queries, and calls of
functions."""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from carryover.adapter.contract import Batch
from carryover.agents import adapters
from carryover.transcript import rewritten, sqlite
from carryover.transcript.sources import sources_of
from matrix.tool import Played, Tool, tools
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
        self.emitted: list[bytes] = []

    def read(self) -> int:
        """How many records are new."""
        return sum(map(self._read, self._paths()))

    def begin(self) -> None:
        """Read one batch of each source."""
        batches = [self._next(path) for path in self._paths()]
        assert all(batch.more for batch in batches)

    def _paths(self) -> list[str]:
        roots = self._agent.spec.roots(self._home, {})
        return [source.path for root in roots for source in sources_of(self._agent, root)]

    def _read(self, path: str) -> int:
        new, batch = 0, None
        while batch is None or batch.more:
            batch = self._next(path)
            new += len(batch.records)
        return new

    def _next(self, path: str) -> Batch:
        batch = self._agent.reader.read(Path(path), self._cursors.get(path))
        self._cursors[path] = batch.cursor
        self.emitted += [record.data for record in batch.records]
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


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The queries for lists of messages, where a batch holds few records."""
    found: list[object] = []
    query = sqlite.messages_of

    def noted(db: sqlite.Connection, *asked: Any) -> list[tuple[Any, ...]]:
        found.append(asked)
        return query(db, *asked)

    monkeypatch.setattr(sqlite, "messages_of", noted)
    monkeypatch.setattr(rewritten, "READ_RECORDS", 10)
    return found


def _played(tool: Tool, folder: Path) -> Played:
    """A session that takes many batches, last written to long ago."""
    played = tool.play(folder / "home", folder / "shop", BEGAN)
    for number in range(20):
        played.prompt(f"Make part {number}")
        played.say(f"Part {number} is made.")
    for path in (folder / "home").rglob("*"):
        os.utime(path, (BEGAN.timestamp(), BEGAN.timestamp()))
    return played


@pytest.mark.parametrize("tool", IN_DATABASES, ids=lambda tool: tool.id)
def test_the_messages_of_a_session_are_listed_once_for_all_its_batches(
    tool: Tool, tmp_path: Path, listed: list[object]
) -> None:
    _played(tool, tmp_path)
    assert Reader(tool, tmp_path / "home").read() > 30
    assert len(listed) == len(set(listed))


@pytest.mark.parametrize("tool", IN_DATABASES, ids=lambda tool: tool.id)
@pytest.mark.usefixtures("listed")
def test_what_is_written_between_two_batches_is_read(tool: Tool, tmp_path: Path) -> None:
    played = _played(tool, tmp_path)
    reader = Reader(tool, tmp_path / "home")
    reader.begin()
    for word in ("first", "second"):  # the second right after a write
        played.prompt(f"Now the {word} rest")
        played.say(f"The {word} rest is made.")
        reader.begin()
    reader.read()

    afterwards = Reader(tool, tmp_path / "home")
    afterwards.read()
    assert {each for each in afterwards.emitted if b'"message"' in each} <= set(reader.emitted)


def _note_queries(asked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect

    def noted(*given: Any, **settings: Any) -> sqlite3.Connection:
        db: sqlite3.Connection = connect(*given, **settings)
        if "readonly" in str(given) or "mode=ro" in str(given):
            db.set_trace_callback(asked.append)
        return db

    monkeypatch.setattr(sqlite3, "connect", noted)
