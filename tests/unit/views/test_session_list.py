from __future__ import annotations

import sqlite3
from collections.abc import Callable

from carryover.ledger.queries import sessions
from carryover.ledger.selection import Selection
from carryover.views.session_list import session_entries
from support.scribe import AGENT, Scribe


async def test_a_session_that_is_dropped_while_it_is_listed_is_left_out(
    scribe: Scribe, reading: Callable[[], sqlite3.Connection]
) -> None:
    await scribe.tell(scribe.event("Add a cart", session="s1"))
    await scribe.tell(scribe.event("Write the docs", session="s2"), path="/t/2")
    ledger = reading()
    rows = sessions(ledger, limit=9)

    await scribe.ledger.forget(Selection(agent=AGENT, session="s1"), now_ms=1_000_000)

    assert [entry["id"] for entry in session_entries(ledger, rows)] == ["s2"]
