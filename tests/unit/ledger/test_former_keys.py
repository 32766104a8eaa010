"""Events whose key is another one than an earlier version gave them count once, and keep counting once."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import msgspec
import pytest

from carryover.ledger.queries import session_by_prefix, session_events
from carryover.ledger.selection import Selection
from carryover.ledger.store import Ledger
from carryover.model import AnyBody, Event, Retracted, ToolCall, ToolResult, UserPrompt
from support.scribe import AGENT, Scribe

Reading = Callable[[], sqlite3.Connection]

PROMPT = UserPrompt(text="Add a parser")
CALL = ToolCall(call_id="s1/4", name="run", op="shell", subject="make")
RESULT = ToolResult(call_id="s1/4", name="run", op="shell", status="ok", output="long " * 500)


def before(scribe: Scribe, body: AnyBody, key: str = "s1/4") -> Event:
    return msgspec.structs.replace(scribe.event(body), key=key)


def after(event: Event, key: str = "s1/digest", **changes: object) -> Event:
    """The same event as this version reports it."""
    return msgspec.structs.replace(event, key=key, former_key=event.key, **changes)


def stored(db: sqlite3.Connection) -> list[AnyBody]:
    return [event.body for event in session_events(db, session_by_prefix(db, "s1"))]


@pytest.mark.parametrize(
    ("former", "now"),
    [
        (PROMPT, PROMPT),
        (CALL, msgspec.structs.replace(CALL, call_id="s1/digest")),
        (RESULT, msgspec.structs.replace(RESULT, call_id="s1/digest")),
        (Retracted(keys=("s1/1",)), Retracted(keys=("s1/other",))),
    ],
)
async def test_an_event_that_is_stored_under_its_former_key_gets_the_new_one(
    scribe: Scribe, reading: Reading, former: AnyBody, now: AnyBody
) -> None:
    event = before(scribe, former)
    await scribe.tell(event)

    first = await scribe.commit(scribe.prepared(after(event, body=now)))
    moved = after(before(scribe, now, key="s1/9"))
    again = await scribe.commit(scribe.prepared(moved))

    assert (first.new_events, again.new_events) == (0, 0)
    assert stored(reading()) == [former]


async def test_what_only_has_the_former_key_of_another_event_is_new(scribe: Scribe, reading: Reading) -> None:
    """The history was cut: what follows has the numbers of what is gone."""
    event = before(scribe, PROMPT)
    await scribe.tell(event)

    other = UserPrompt(text="Paint it")
    await scribe.tell(after(event, body=other))

    assert stored(reading()) == [PROMPT, other]


async def test_what_was_forgotten_under_its_former_key_stays_forgotten(ledger: Ledger, scribe: Scribe) -> None:
    event = before(scribe, PROMPT)
    await scribe.tell(event)
    await ledger.forget(Selection(agent=AGENT, conversation="s1"), now_ms=event.at_ms + 1)

    later = after(event, at_ms=event.at_ms + 60_000)
    found = await scribe.commit(scribe.prepared(later))

    assert found.new_events == 0
