"""If events change while a long source is read, their digest is made again once, at the end, and is right meanwhile."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from carryover.adapter.contract import Source
from carryover.distill.digest import Digest
from carryover.distill.stored_digest import DigestReducer
from carryover.ledger.queries import Selection
from carryover.ledger.store import Ledger
from carryover.model import Event, Retracted
from carryover.publish.project_view import project_view
from support.scribe import AGENT, Scribe, execute, writing

BATCHES = 12


class Counting(DigestReducer):
    """Counts the events that are folded."""

    folded = 0

    def reduce(self, state: bytes, events: Iterable[Event]) -> bytes:
        given = list(events)
        self.folded += len(given)
        return super().reduce(state, given)


@pytest.fixture
def reducer() -> Counting:
    return Counting()


@asynccontextmanager
async def counted(path: Path, reducer: Counting) -> AsyncIterator[Scribe]:
    scribe = Scribe(await Ledger.open(path, reducer))
    try:
        yield scribe
    finally:
        scribe.db.close()
        await scribe.ledger.close()


@pytest.fixture
async def scribe(ledger_path: Path, reducer: Counting) -> AsyncIterator[Scribe]:
    async with counted(ledger_path, reducer) as scribe:
        yield scribe


async def read(scribe: Scribe, batches: Iterable[int], *, path: str = "/t/one.jsonl", session: str = "s1") -> None:
    """Reads batches of a source of `BATCHES`. Each retracts the last prompt of the one before; the last batch is
    empty."""
    for number in batches:
        prompts = [
            scribe.event(f"Write module {number}-{n}.", key=f"{path}{number}-{n}", session=session, at_ms=number + 1)
            for n in range(10)
        ]
        back = scribe.event(Retracted(keys=(f"{path}{number - 1}-9",)), key=f"{path}{number}", session=session, at_ms=1)
        is_last = number == BATCHES - 1
        batch = scribe.prepared(*([] if is_last else [*prompts, back]))
        await scribe.commit(msgspec.structs.replace(batch, more=not is_last), path=path)


def digest(scribe: Scribe) -> Digest:
    return project_view(scribe.db, 1).sessions[0].digest


async def expected(path: Path, batches: Iterable[int]) -> Digest:
    """The digest after `batches`, folded at the end of each."""
    async with writing(path) as scribe:
        for number in batches:
            await read(scribe, [number])
            await scribe.tell()
        return digest(scribe)


async def test_events_are_folded_again_once_however_many_prompts_are_retracted(
    scribe: Scribe, reducer: Counting, tmp_path: Path
) -> None:
    await read(scribe, range(BATCHES))

    assert reducer.folded <= 1.3 * scribe.written
    assert execute(scribe.ledger.path, "SELECT fold_version FROM thread") == [(reducer.version,)]
    assert digest(scribe) == await expected(tmp_path / "other.sqlite", range(BATCHES))


async def test_a_query_in_the_middle_gets_what_has_been_read_so_far(scribe: Scribe, tmp_path: Path) -> None:
    await read(scribe, range(4))

    assert digest(scribe) == await expected(tmp_path / "other.sqlite", range(4))


async def test_rebuilding_outdated_digests_leaves_a_source_that_is_being_read(scribe: Scribe) -> None:
    await read(scribe, range(4))

    assert not await scribe.ledger.rebuild_outdated()


async def test_the_end_of_another_source_does_not_settle_this_one(scribe: Scribe, reducer: Counting) -> None:
    await read(scribe, range(BATCHES - 1))
    before = reducer.folded
    await scribe.tell(scribe.event("Add a parser", session="s2"), path="/t/two.jsonl")

    assert reducer.folded == before + 1


@pytest.mark.parametrize("is_gone", [True, False])
async def test_a_source_that_cannot_be_read_to_its_end_is_settled_at_once(
    scribe: Scribe, reducer: Counting, tmp_path: Path, is_gone: bool
) -> None:
    await read(scribe, range(4))
    source = Source(agent=AGENT, path="/t/one.jsonl")
    await (scribe.ledger.mark_gone(source) if is_gone else scribe.ledger.mark_broken(source, "EIO", 0))

    assert execute(scribe.ledger.path, "SELECT fold_version FROM thread") == [(reducer.version,)]
    assert digest(scribe) == await expected(tmp_path / "other.sqlite", range(4))


async def test_after_a_crash_in_the_middle_the_next_start_makes_the_digest(
    scribe: Scribe, ledger_path: Path, tmp_path: Path
) -> None:
    await read(scribe, range(4))
    copy = tmp_path / "copy.sqlite"
    execute(ledger_path, f"VACUUM INTO '{copy}'")

    async with writing(copy) as again:
        assert digest(again) == digest(scribe)
        assert await again.ledger.rebuild_outdated()
        assert not await again.ledger.rebuild_outdated()
        assert digest(again) == digest(scribe)


async def test_after_a_crash_in_the_middle_reading_goes_on_without_more_folds(
    scribe: Scribe, reducer: Counting, ledger_path: Path, tmp_path: Path
) -> None:
    await read(scribe, range(4))
    copy = tmp_path / "copy.sqlite"
    execute(ledger_path, f"VACUUM INTO '{copy}'")
    reducer.folded = 0

    async with counted(copy, reducer) as again:
        await read(again, range(4, BATCHES))

        assert reducer.folded <= 1.3 * (scribe.written + again.written)
        assert digest(again) == await expected(tmp_path / "other.sqlite", range(BATCHES))


async def test_a_session_that_is_forgotten_in_the_middle_is_gone(scribe: Scribe) -> None:
    await read(scribe, range(4))
    await scribe.ledger.forget(Selection(agent=AGENT, conversation="s1"), now_ms=1_000_000)

    assert execute(scribe.ledger.path, "SELECT count(*) FROM thread") == [(0,)]
    await read(scribe, [BATCHES - 1])
    assert execute(scribe.ledger.path, "SELECT count(*) FROM session") == [(0,)]


async def test_why_nothing_can_be_erased_is_said_while_a_digest_waits(scribe: Scribe) -> None:
    await read(scribe, range(4))
    await scribe.ledger.write(lambda db: db.set_authorizer(_refuse_temporary_files))

    with pytest.raises(sqlite3.DatabaseError, match="not authorized"):
        await scribe.ledger.erase()


def _refuse_temporary_files(_action: int, name: str | None, value: str | None, *_: str | None) -> int:
    return sqlite3.SQLITE_DENY if (name, value) == ("temp_store", "FILE") else sqlite3.SQLITE_OK


async def test_erasing_in_the_middle_does_not_leave_a_digest_waiting(scribe: Scribe, reducer: Counting) -> None:
    await read(scribe, range(4))
    await scribe.ledger.erase()
    await read(scribe, [BATCHES - 1])

    assert execute(scribe.ledger.path, "SELECT fold_version FROM thread") == [(reducer.version,)]
