from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING

from carryover.adapter.contract import Source
from carryover.ledger.coverage import AgentRow, agents_seen, gone_sources
from carryover.ledger.store import Ledger

if TYPE_CHECKING:
    from unit.ledger.conftest import Scribe

Reading = Callable[[], sqlite3.Connection]


async def test_a_handoff_counts_for_the_agent_that_worked_last_in_its_project(
    scribe: Scribe, ledger: Ledger, reading: Reading
) -> None:
    await scribe.tell(scribe.event("a", session="s1", cwd="/srv/app"), path="/t/1")
    await scribe.tell(scribe.event("b", session="s2", cwd="/srv/app"), path="/t/2")
    await ledger.set_published(1, "sha", 9_000, None)

    [row] = agents_seen(reading())

    assert row == AgentRow(agent=row.agent, sessions=2, last_event_ms=2_000, last_handoff_ms=9_000)


async def test_without_a_session_no_agent_was_seen(ledger: Ledger, reading: Reading) -> None:
    assert agents_seen(reading()) == []


async def test_transcripts_that_went_are_counted(scribe: Scribe, ledger: Ledger, reading: Reading) -> None:
    await scribe.tell(scribe.event("a", session="s1", cwd="/srv/app"), path="/t/1")
    assert gone_sources(reading()) == 0

    await ledger.mark_gone(Source(agent=agents_seen(reading())[0].agent, path="/t/1"))

    assert gone_sources(reading()) == 1
