"""What an appended line costs: rows written to the ledger, bytes read from the transcript."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import pytest

from carryover.adapter.contract import Source
from carryover.agents import adapters
from carryover.config import Config
from carryover.distill.stored_digest import DigestReducer
from carryover.facts import ProjectRoot
from carryover.ingest.pipeline import ingest, ingest_provisional
from carryover.ledger.connect import connect_read_only
from carryover.ledger.store import Ledger
from carryover.model import AssistantMessage, Event
from carryover.publish.make import made_handoff
from support.claude_session import ClaudeSession

ROWS: Final = {"an appended line": 13, "no new line": 0, "what a hook reports": 3}
"""Added, changed and removed, those of the search index too."""

LENGTH: Final = 2_000_000
MOST_BYTES: Final = 100_000
"""Of a transcript of that length, and of the ledger, for a line that was appended or for none."""

GROWING: Final = ("event", "thread", "session", "search_entry", "provisional")
"""Tables that grow with the history."""
KINDS: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
STATEMENTS: list[str] = []
"""What connections that `connections` notes were asked to run."""

PROCESS_IO: Final = Path("/proc/self/io")
AGENT: Final = adapters()["claude-code"]


def now_ms() -> int:
    return int(time.time() * 1000)


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[sqlite3.Connection]:
    """What is opened from now on; the ledger's writer is the last."""
    opened: list[sqlite3.Connection] = []
    connect = sqlite3.connect

    def noted(*given: Any, **settings: Any) -> sqlite3.Connection:
        opened.append(connect(*given, **settings))
        opened[-1].set_trace_callback(STATEMENTS.append)
        return opened[-1]

    STATEMENTS.clear()

    monkeypatch.setattr(sqlite3, "connect", noted)
    return opened


@pytest.fixture
async def ledger(tmp_path: Path, connections: list[sqlite3.Connection]) -> AsyncIterator[Ledger]:
    opened = await Ledger.open(tmp_path / "ledger.sqlite", DigestReducer())
    yield opened
    await opened.close()


@pytest.fixture
def session(tmp_path: Path) -> ClaudeSession:
    session = ClaudeSession(tmp_path / "projects", tmp_path / "shop")
    session.prompt("Make the export")
    session.append(session.result_line("toolu_long", "x" * LENGTH))
    return session


@pytest.fixture
def source(session: ClaudeSession) -> Source:
    return Source(agent="claude-code", path=str(session.path), session=session.session)


@pytest.mark.skipif(not PROCESS_IO.exists(), reason="counts in /proc")
async def test_of_a_long_transcript_only_what_is_new_is_read(
    ledger: Ledger, session: ClaudeSession, source: Source
) -> None:
    async def read() -> int:
        before = bytes_read()
        await ingest(ledger, AGENT, source, root_of=ProjectRoot, now_ms=now_ms)
        return bytes_read() - before

    assert await read() > LENGTH
    nothing_new = await read()
    session.prompt("Now the part of the export that is left")
    a_line = await read()

    assert max(nothing_new, a_line) < MOST_BYTES


def bytes_read() -> int:
    """How many bytes this process has read from files so far."""
    return int(dict(line.split(": ") for line in PROCESS_IO.read_text().splitlines())["rchar"])


async def test_a_line_writes_few_rows(
    ledger: Ledger, connections: list[sqlite3.Connection], session: ClaudeSession, source: Source
) -> None:
    async def read() -> None:
        await ingest(ledger, AGENT, source, root_of=ProjectRoot, now_ms=now_ms)

    def rows() -> int:
        return connections[-1].total_changes

    await read()
    counted: dict[str, int] = {}
    before = rows()
    await read()
    counted["no new line"], before = rows() - before, rows()
    session.prompt("Now the part of the export that is left")
    await read()
    counted["an appended line"], before = rows() - before, rows()
    said = Event(key="1", session=session.session, at_ms=now_ms(), body=AssistantMessage("Done."), cwd=str(session.cwd))
    await ingest_provisional(ledger, "claude-code", [said], root_of=ProjectRoot, now_ms=now_ms)
    counted["what a hook reports"] = rows() - before

    assert counted["an appended line"] > 0
    assert {what: n for what, n in counted.items() if n > ROWS[what]} == {}


async def test_no_statement_goes_through_a_table_that_grows_with_the_history(
    ledger: Ledger, connections: list[sqlite3.Connection], session: ClaudeSession, source: Source, tmp_path: Path
) -> None:
    path = tmp_path / "ledger.sqlite"
    await ingest(ledger, AGENT, source, root_of=ProjectRoot, now_ms=now_ms)
    STATEMENTS.clear()

    session.prompt("Now the part of the export that is left")
    result = await ingest(ledger, AGENT, source, root_of=ProjectRoot, now_ms=now_ms)
    said = Event(key="1", session=session.session, at_ms=now_ms(), body=AssistantMessage("Done."), cwd=str(session.cwd))
    await ingest_provisional(ledger, "claude-code", [said], root_of=ProjectRoot, now_ms=now_ms)
    (project,) = result.projects
    with closing(connect_read_only(path)) as db:
        made = made_handoff(db, project, Config(), now_ms=now_ms())
    await ledger.set_published(project, made.sha, now_ms(), None)

    asked = [each for each in dict.fromkeys(STATEMENTS) if each.split()[0] in KINDS]
    scanned = re.compile(rf"SCAN ({'|'.join(GROWING)})\b")
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TEMP TABLE touched (thread_id INTEGER PRIMARY KEY)")
        plans = {each: str(db.execute(f"EXPLAIN QUERY PLAN {each}").fetchall()) for each in asked}
    assert {each.split()[0] for each in plans} >= {"SELECT", "INSERT", "UPDATE"}
    assert {each: plan for each, plan in plans.items() if scanned.search(plan)} == {}
