"""What an appended line costs: rows written to the ledger, bytes read from the transcript."""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from carryover.agents import adapters
from carryover.config import Config
from carryover.distill.stored_digest import DigestReducer
from carryover.facts import ProjectRoot
from carryover.ingest.pipeline import IngestResult, ingest
from carryover.ledger.connect import connect_read_only
from carryover.ledger.store import Ledger
from carryover.ledger.threads import THREAD_TRIGGERS
from carryover.publish.make import made_handoff
from carryover.transcript.sources import sources_of
from matrix.tool import Tool, tools
from support.claude_session import ClaudeSession

ROWS: Final = {"an appended line": 13, "no new line": 0}
"""Added, changed and removed, those of the search index too."""

LENGTH: Final = 2_000_000
MOST_BYTES: Final = 100_000
"""Of a transcript of that length, and of the ledger, for a line that was appended or for none."""
GROWING: Final = ("event", "thread", "session", "search_entry")
"""Tables that grow with the history."""
KINDS: Final = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")
STATEMENTS: list[str] = []
"""What connections that `connections` notes were asked to run."""

PROCESS_IO: Final = Path("/proc/self/io")
AGENT: Final = adapters()["claude-code"]
IN_PLACES: Final = [tool for tool in tools() if tool.agent not in ("aider", "windsurf")]
"""Those whose transcripts are in a place of the agent's: not in the project, nor what hooks hand over."""


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


class Steps:
    """What may happen to a ledger."""

    def __init__(self, ledger: Ledger, session: ClaudeSession) -> None:
        self._ledger = ledger
        self._session = session

    async def read(self) -> IngestResult:
        return await ingest(self._ledger, AGENT, self._session.source, root_of=ProjectRoot, now_ms=now_ms)

    async def read_a_line(self) -> IngestResult:
        self._session.prompt("Now the part of the export that is left")
        return await self.read()


@pytest.fixture
async def steps(ledger: Ledger, session: ClaudeSession) -> Steps:
    """The transcript was read."""
    steps = Steps(ledger, session)
    await steps.read()
    return steps


@pytest.mark.skipif(not PROCESS_IO.exists(), reason="counts in /proc")
async def test_of_a_long_transcript_only_what_is_new_is_read(steps: Steps) -> None:
    for step in (steps.read, steps.read_a_line):
        before = bytes_read()
        await step()
        assert bytes_read() - before < MOST_BYTES


def bytes_read() -> int:
    """How many bytes this process has read from files so far."""
    return int(dict(line.split(": ") for line in PROCESS_IO.read_text().splitlines())["rchar"])


async def test_a_line_writes_few_rows(steps: Steps, connections: list[sqlite3.Connection]) -> None:
    counted: dict[str, int] = {}
    for what, step in zip(ROWS, (steps.read_a_line, steps.read), strict=True):
        before = connections[-1].total_changes
        await step()
        counted[what] = connections[-1].total_changes - before

    assert counted["an appended line"] > 0
    assert {what: n for what, n in counted.items() if n > ROWS[what]} == {}


async def test_no_statement_goes_through_a_table_that_grows_with_the_history(
    ledger: Ledger, steps: Steps, tmp_path: Path
) -> None:
    path = tmp_path / "ledger.sqlite"
    STATEMENTS.clear()

    (project,) = (await steps.read_a_line()).projects
    with closing(connect_read_only(path)) as db:
        made = made_handoff(db, project, Config(), now_ms=now_ms())
    await ledger.set_published(project, made.sha, now_ms(), None)

    asked = [each for each in dict.fromkeys(STATEMENTS) if each.split()[0] in KINDS]
    scanned = re.compile(rf"SCAN ({'|'.join(GROWING)})\b")
    with closing(sqlite3.connect(path)) as db:
        db.execute(THREAD_TRIGGERS[0])
        plans = {each: str(db.execute(f"EXPLAIN QUERY PLAN {each}").fetchall()) for each in asked}
    assert {each.split()[0] for each in plans} >= {"SELECT", "INSERT", "UPDATE"}
    assert {each: plan for each, plan in plans.items() if scanned.search(plan)} == {}


@pytest.mark.parametrize("tool", IN_PLACES, ids=lambda tool: tool.id)
@pytest.mark.usefixtures("connections")
async def test_what_an_agent_adds_has_nothing_before_it_folded_again(
    tool: Tool, ledger: Ledger, tmp_path: Path
) -> None:
    agent = adapters()[tool.agent]
    home, folder = tmp_path / "home", tmp_path / "shop"
    folder.mkdir()
    played = tool.play(home, folder, datetime.now(UTC) - timedelta(hours=1))
    new = 0

    async def read() -> int:
        found = [source for root in agent.spec.roots(home, {}) for source in sources_of(agent, root)]
        return sum(
            [(await ingest(ledger, agent, each, root_of=ProjectRoot, now_ms=now_ms)).new_events for each in found]
        )

    played.prompt("Make the export")
    played.say("It is made.")
    await read()
    STATEMENTS.clear()
    for number in range(3):
        played.prompt(f"Now part {number} of it")
        played.run("make export", "done\n", 0)
        played.say(f"Part {number} is made.")
        new += await read()

    assert new > 0
    assert [each for each in STATEMENTS if each.startswith("SELECT id, at_ms, body FROM event")] == []
