"""What reading a source costs: statements, transactions and rows in the ledger, bytes from the disk.

The tables hold today's numbers. `pytest tests/counted/test_ingest.py -rP` prints them; a smaller one goes into the
table.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from carryover.adapter.contract import Agent, Source
from carryover.agents import adapters
from carryover.distill.stored_digest import DigestReducer
from carryover.facts import ProjectRoot
from carryover.ingest.catch_up import compare_with_disk
from carryover.ingest.pipeline import ingest, ingest_provisional
from carryover.ingest.prepare import Step, prepare
from carryover.ingest.scan import TranscriptRoot, find_sources
from carryover.ledger.batch import READ_IN_PART, SourceState
from carryover.ledger.store import Ledger
from carryover.model import AssistantMessage, Event
from counted.bounds import exceeding
from counted.history import written_session
from support.claude_session import ClaudeSession

COLUMNS: Final = ("statements", "transactions", "rows")
"""A row that is inserted counts as a statement. Rows are those added, changed and removed, of the search index too."""

MOST: Final = {
    "a first batch of 60 lines": (125, 1, 435),
    "a first batch of 480 lines": (823, 1, 3700),
    "an appended line": (16, 1, 13),
    "no new line": (1, 0, 0),
    "what a hook reports": (10, 1, 3),
    "a rescan with nothing new": (1, 0, 0),
}

BYTES: Final = {
    "an appended line": 2_512,
    "no new line": 2_512,
    "a rescan with nothing new": 0,
}
"""Read from the disk at most, of a transcript of 2 MB. With a line come the file's head and what is before the line, to
recognise the file: once before it is read, and once after."""

THREAD_IO: Final = Path("/proc/thread-self/io")


class Statements:
    """Counts on all connections that are opened through it."""

    def __init__(self) -> None:
        self._rows: dict[sqlite3.Connection, int] = {}
        self._seen: list[str] = []

    def watch(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        connection.set_trace_callback(self._note)
        self._rows[connection] = 0
        return connection

    def taken(self) -> dict[str, int]:
        """The numbers of `COLUMNS` since the last time."""
        rows = 0
        for connection, before in self._rows.items():
            with suppress(sqlite3.ProgrammingError):  # it is closed, as the one that migrates
                self._rows[connection] = connection.total_changes
            rows += self._rows[connection] - before
        begun = sum(text.startswith("BEGIN") for text in self._seen)
        counts = (len(self._seen), begun, rows)
        self._seen = []
        return dict(zip(COLUMNS, counts, strict=True))

    def _note(self, text: str) -> None:
        # SQLite also gives the statements of its own index, as comments, and an INSERT again for each trigger.
        if not text.startswith("--") and not (self._seen[-1:] == [text] and text.startswith("INSERT")):
            self._seen.append(text)


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Statements:
    """What this process asks of databases that it opens from now on."""
    counter = Statements()
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **settings: counter.watch(connect(*given, **settings)))
    return counter


@pytest.fixture
async def ledger(tmp_path: Path, statements: Statements) -> AsyncIterator[Ledger]:
    opened = await Ledger.open(tmp_path / "ledger.sqlite", DigestReducer())
    yield opened
    await opened.close()


@pytest.fixture
def agent() -> Agent:
    return adapters()["claude-code"]


def root_of(cwd: str) -> ProjectRoot:
    return ProjectRoot(cwd)


def now_ms() -> int:
    return int(time.time() * 1000)


def source_of(session: ClaudeSession) -> Source:
    return Source(agent="claude-code", path=str(session.path), session=session.session)


@pytest.mark.skipif(not THREAD_IO.exists(), reason="counts in /proc")
def test_of_a_long_transcript_only_what_is_new_is_read(agent: Agent, tmp_path: Path) -> None:
    folder = tmp_path / "projects"
    session = written_session(folder, tmp_path / "shop", turns=4, seed=1)
    source = source_of(session)
    session.append(session.result_line("toolu_long", "x" * 2_000_000))
    state = None
    while state is None or state.size == READ_IN_PART:
        state = state_after(prepare(agent, source, state, root_of, now_ms))

    counted = {"no new line": bytes_read(lambda: prepare(agent, source, state, root_of, now_ms))}
    line = session.prompt_line("Now the part of the export that is left")
    session.append(line)
    counted["an appended line"] = bytes_read(lambda: prepare(agent, source, state, root_of, now_ms)) - len(line)
    roots = [TranscriptRoot("claude-code", folder)]
    counted["a rescan with nothing new"] = bytes_read(lambda: find_sources({"claude-code": agent}, roots))

    kind = "bytes read"
    assert (
        exceeding({what: {kind: n} for what, n in counted.items()}, {what: {kind: n} for what, n in BYTES.items()})
        == []
    )


def state_after(step: Step) -> SourceState:
    """The source's state in the ledger once the step is committed."""
    of = step.prepared
    assert of is not None
    return SourceState(rev=1, cursor=of.cursor, context=of.context, size=of.size, mtime_ns=of.mtime_ns, state="active")


def bytes_read(act: Callable[[], object]) -> int:
    """How many bytes this thread has read from files while `act` was called."""

    def so_far() -> int:
        counts = dict(line.split(": ") for line in THREAD_IO.read_text().splitlines())
        return int(counts["rchar"])

    cost_of_asking = -so_far() + so_far()
    before = so_far()
    act()
    return so_far() - before - cost_of_asking


async def test_what_a_source_costs_the_ledger(
    ledger: Ledger, statements: Statements, agent: Agent, tmp_path: Path
) -> None:
    folder, cwd = tmp_path / "projects", tmp_path / "shop"

    async def read(session: ClaudeSession) -> dict[str, int]:
        await ingest(ledger, agent, source_of(session), root_of=root_of, now_ms=now_ms)
        return statements.taken()

    short, long = (written_session(folder, cwd, turns=turns, seed=turns) for turns in (10, 80))
    statements.taken()
    counted = {"a first batch of 60 lines": await read(short), "a first batch of 480 lines": await read(long)}
    long.prompt("Now the part of the export that is left")
    counted["an appended line"] = await read(long)
    counted["no new line"] = await read(long)
    said = Event(key="1", session=long.session, at_ms=now_ms(), body=AssistantMessage("Done."), cwd=str(cwd))
    await ingest_provisional(ledger, "claude-code", [said], root_of=root_of, now_ms=now_ms)
    counted["what a hook reports"] = statements.taken()
    found = await compare_with_disk(
        ledger, {"claude-code": agent}, [TranscriptRoot("claude-code", folder)], now_ms=now_ms() + 60_000
    )
    counted["a rescan with nothing new"] = statements.taken()

    assert (len(found.seen), found.outdated) == (2, [])
    assert exceeding(counted, {what: dict(zip(COLUMNS, row, strict=True)) for what, row in MOST.items()}) == []
