"""A thread that is told again: in the end the ledger has what was told last, whatever was told before."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from carryover.adapter.contract import Reemitted
from carryover.distill.digest import Digest
from carryover.distill.stored_digest import DigestReducer
from carryover.ledger.batch import Commit
from carryover.ledger.events import session_events
from carryover.ledger.queries import connect_read_only, session_by_prefix
from carryover.ledger.store import Ledger
from carryover.model import Event, UserPrompt
from carryover.publish.project_view import project_view
from support.scribe import Scribe

Reading = Callable[[], sqlite3.Connection]
WHOLE = Reemitted(session="s1")


def standing(db: sqlite3.Connection, session: str = "s1") -> list[str]:
    """The prompts of a session that count, in the order of their rows."""
    events = session_events(db, session_by_prefix(db, session))
    return [event.body.text for event in events if isinstance(event.body, UserPrompt) and not event.retracted]


async def reemitted(scribe: Scribe, *keys: str, how: Reemitted = WHOLE, rank: int = 0) -> Commit:
    """Tell prompts again, `key` or `key=text`, each at a time of its own."""
    events = []
    for number, each in enumerate(keys, 1):
        key, _, text = each.partition("=")
        events.append(
            scribe.event(text or key, key=key, at_ms=1_000 * number, session=how.session, subagent_id=how.subagent_id)
        )
    return await scribe.commit(scribe.prepared(*events, reemitted=(how,)), rank=rank)


async def test_what_is_the_same_costs_nothing(scribe: Scribe, reading: Reading) -> None:
    first = await reemitted(scribe, "a", "b", "c")
    before = reading().execute("SELECT id, key, body, at_ms FROM event").fetchall()
    again = await reemitted(scribe, "a", "b", "c")

    assert (first.new_events, first.projects) == (3, (1,))
    assert again == Commit()
    assert reading().execute("SELECT id, key, body, at_ms FROM event").fetchall() == before


async def test_what_an_earlier_version_stored_otherwise_is_the_same(
    scribe: Scribe, reading: Reading, ledger_path: Path
) -> None:
    await reemitted(scribe, "a", "b=Never use tabs.")
    plain = b'{"kind":"user_prompt","text":"Never use tabs."}'
    with closing(sqlite3.connect(ledger_path)) as db, db:
        db.execute("UPDATE event SET body = ? WHERE id = 2", (zlib.compress(plain),))

    assert await reemitted(scribe, "a", "b=Never use tabs.") == Commit()
    assert standing(reading()) == ["a", "Never use tabs."]


async def test_what_changed_is_replaced_and_keeps_its_place_and_its_time(scribe: Scribe, reading: Reading) -> None:
    await reemitted(scribe, "a", "b=Never use tabs.", "c")
    changed = await reemitted(scribe, "a", "b=Never use spaces.", "c")

    assert (changed.new_events, changed.projects) == (0, (1,))
    assert standing(reading()) == ["a", "Never use spaces.", "c"]
    (session,) = project_view(reading(), 1).sessions
    assert session.digest.prompts == 3
    assert "Never use tabs" not in repr(session.digest)


async def test_a_thread_may_be_reported_in_several_commits(scribe: Scribe, reading: Reading) -> None:
    await reemitted(scribe, "a", "b", "c", "d", "e")
    assert await reemitted(scribe, "a", "b", how=Reemitted(session="s1", more=True)) == Commit()
    assert await reemitted(scribe, "c", how=Reemitted(session="s1", after="b", more=True)) == Commit()
    assert standing(reading()) == ["a", "b", "c", "d", "e"]

    await reemitted(scribe, "d=other", how=Reemitted(session="s1", after="c"))
    assert standing(reading()) == ["a", "b", "c", "other"]


async def test_without_the_event_that_it_comes_after_nothing_is_taken_back(scribe: Scribe, reading: Reading) -> None:
    """Should a salvaged ledger have lost it."""
    await reemitted(scribe, "a", "b")
    await reemitted(scribe, "c", how=Reemitted(session="s1", after="lost"))

    assert standing(reading()) == ["a", "b", "c"]


async def test_an_event_that_moves_to_another_thread_is_gone_from_the_former(scribe: Scribe, reading: Reading) -> None:
    """A sub-agent whose conversation becomes known later."""
    await reemitted(scribe, "a", "b", how=Reemitted(session="child", subagent_id="child"))
    await reemitted(scribe, "a", "b", how=Reemitted(session="s1", subagent_id="child"))

    assert standing(reading()) == ["a", "b"]
    assert [view.session for view in project_view(reading(), 1).sessions] == ["s1"]


async def test_a_lesser_source_takes_nothing_back(scribe: Scribe, reading: Reading) -> None:
    await reemitted(scribe, "a", "b", rank=2)

    assert await reemitted(scribe, rank=1) == Commit()
    assert await reemitted(scribe, "c", rank=1) == Commit()
    assert standing(reading()) == ["a", "b"]


_texts = st.sampled_from(["go on", "Never push to main.", "Add a parser."])


@settings(max_examples=15, deadline=None)
@given(states=st.lists(st.lists(st.tuples(st.sampled_from("abcdef"), _texts), max_size=6), min_size=1, max_size=5))
def test_it_is_as_if_only_the_last_had_been_reported(
    scribe_of: type[Scribe], states: list[list[tuple[str, str]]]
) -> None:
    async def reported(path: Path, *states: list[tuple[str, str]]) -> tuple[list[str], Digest]:
        ledger = await Ledger.open(path, DigestReducer())
        scribe = scribe_of(ledger)
        # The session and its project are there in both; the time of what is told is that of its key.
        await scribe.commit(scribe.prepared(scribe.event("first", key="0", at_ms=1)))
        for state in states:
            events: list[Event] = [
                scribe.event(text, key=key, at_ms=1_000 + ord(key)) for key, text in dict(state).items()
            ]
            await scribe.commit(scribe.prepared(*events, reemitted=(Reemitted(session="s1", after="0"),)))
        await ledger.close()
        with closing(connect_read_only(path)) as db:
            (view,) = project_view(db, 1).sessions
            return standing(db), view.digest

    with tempfile.TemporaryDirectory() as folder:
        each = asyncio.run(reported(Path(folder, "each.sqlite"), *states))
        last = asyncio.run(reported(Path(folder, "last.sqlite"), states[-1]))

    assert each == last
