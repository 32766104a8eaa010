from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from carryover.distill.digest import FOLD_VERSION
from carryover.distill.stored_digest import DigestReducer
from carryover.ledger.store import Ledger
from carryover.model import AssistantMessage
from carryover.publish.project_view import project_view
from support.scribe import Scribe

Reading = Callable[[], sqlite3.Connection]


async def conversation(scribe: Scribe, turns: int) -> None:
    for n in range(turns):
        await scribe.tell(
            scribe.event(f"Please write module {n}. Never use global variables in it, always write tests."),
            scribe.event(AssistantMessage(text=f"Module {n} is written and its tests pass.", final=True)),
            scribe.event("What does a sub-agent say?", subagent_id="a1"),
        )


async def test_a_digest_of_an_older_fold_is_made_again_before_new_events_are_folded_on(
    scribe: Scribe, reading: Reading, ledger_path: Path, tmp_path: Path, scribe_of: type[Scribe]
) -> None:
    straight = await Ledger.open(tmp_path / "straight.sqlite", DigestReducer())
    await conversation(scribe_of(straight), turns=6)
    await straight.close()

    await conversation(scribe, turns=5)
    with closing(sqlite3.connect(ledger_path)) as db, db:
        db.execute("UPDATE thread SET fold_version = ?, digest = 'old'", (FOLD_VERSION - 1,))
    await conversation(scribe, turns=0)
    last = scribe_of(scribe.ledger, written=15)
    await last.tell(
        last.event("Please write module 5. Never use global variables in it, always write tests."),
        last.event(AssistantMessage(text="Module 5 is written and its tests pass.", final=True)),
        last.event("What does a sub-agent say?", subagent_id="a1"),
    )

    with closing(sqlite3.connect(tmp_path / "straight.sqlite")) as db:
        expected = project_view(db, 1)
    assert project_view(reading(), 1) == expected


async def test_a_thread_longer_than_one_read_is_made_again_whole(
    ledger: Ledger, scribe: Scribe, reading: Reading, ledger_path: Path
) -> None:
    await scribe.tell(*(scribe.event(f"prompt {n}") for n in range(1_200)))
    before = project_view(reading(), 1)
    with closing(sqlite3.connect(ledger_path)) as db, db:
        db.execute("UPDATE thread SET fold_version = ?, digest = 'old'", (FOLD_VERSION - 1,))

    assert await ledger.rebuild_outdated()

    assert project_view(reading(), 1) == before
    assert before.sessions[0].digest.prompts == 1_200
