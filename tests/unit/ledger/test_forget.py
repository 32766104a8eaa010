from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from carryover.adapter.contract import Reemitted, Source
from carryover.distill.stored_digest import DigestReducer
from carryover.ledger.connect import LedgerUnavailable, StaleRead, erase_mark, prepare_file
from carryover.ledger.queries import Selection, project_by_root, selected_sessions, sessions
from carryover.ledger.sessions import know_project, move_project
from carryover.ledger.store import Ledger
from carryover.ledger.tombstones import Tombstones, forgotten_file, kept_copy, short_key
from carryover.model import SessionInfo, ToolResult, session_in_other_cwd
from carryover.past.from_disk import tombstones_of
from carryover.paths import StateDir
from carryover.publish.project_view import project_view
from support.scribe import AGENT, Scribe, compressed, compressed_with, writing

SECRET = "the zebra merger"
NOW_MS = 1_000_000
OF_S1 = Selection(agent=AGENT, conversation="s1")


def stored(path: Path) -> bytes:
    """Every byte in the ledger's folder, and the text of what is compressed in it."""
    found = b"".join(file.read_bytes() for file in path.parent.iterdir() if file.is_file())
    return found + b"".join(compressed(path).values())


async def test_nothing_of_a_forgotten_session_is_left_in_any_file(scribe: Scribe, ledger_path: Path) -> None:
    output = ToolResult(call_id="c", name="Bash", op="shell", status="ok", output=f"{SECRET} " * 100)
    secret = [
        scribe.event(SessionInfo(title=f"Plan {SECRET}")),
        scribe.event(f"Never tell anyone about {SECRET}."),
        scribe.event(output),
        scribe.event(f"Check {SECRET}", subagent_id="a1"),
    ]
    prepared = scribe.prepared(*secret, context=f'{{"session":"s1","command":"{SECRET}"}}'.encode())
    await scribe.commit(prepared)
    await scribe.tell(scribe.event("Add a parser", session="s2"), path="/t/two.jsonl")
    for name in ("ledger.before-7.sqlite", "ledger.corrupt-20261120T000000.0Z.sqlite-wal", "ledger.salvaged.sqlite"):
        ledger_path.with_name(name).write_text(SECRET)
    assert SECRET.encode() in stored(ledger_path)
    traces = compressed_with(ledger_path, SECRET)
    assert [trace for trace in traces if trace in stored(ledger_path)] == traces != []

    forgotten = await scribe.ledger.forget(OF_S1, now_ms=NOW_MS)
    await scribe.ledger.erase()

    assert (forgotten.sessions, forgotten.conversations) == (1, ((AGENT, "s1"),))
    assert SECRET.encode() not in stored(ledger_path)
    assert [trace for trace in traces if trace in stored(ledger_path)] == []
    assert {file.name[13:] for file in ledger_path.parent.iterdir()} == {"", "-wal", "-shm", ".forgotten"}
    assert stat.S_IMODE(forgotten_file(ledger_path).stat().st_mode) == 0o600
    assert scribe.prompts("s2") == ["Add a parser"]
    assert [view.session for view in project_view(scribe.db, forgotten.changed[0]).sessions] == ["s2"]


async def test_what_was_said_of_a_forgotten_conversation_in_another_folder_goes_with_it(scribe: Scribe) -> None:
    for name in ("s1", session_in_other_cwd("s1", "of-other"), "s10"):
        await scribe.tell(scribe.event("Add a parser", session=name), path=f"/t/{name}.jsonl")

    await scribe.ledger.forget(OF_S1, now_ms=NOW_MS)

    assert [row.native_id for row in sessions(scribe.db, limit=9)] == ["s10"]


async def test_a_record_without_a_time_is_known_by_its_key(ledger: Ledger, scribe: Scribe) -> None:
    """Read again, it gets the time at which its source was written, which may be after the session was forgotten."""
    await scribe.tell(scribe.event("Add a parser", key="k"))
    await ledger.forget(OF_S1, now_ms=NOW_MS)

    await scribe.tell(scribe.event("Add a parser", key="k", at_ms=NOW_MS + 5_000))
    await scribe.tell(scribe.event("Add a parser", key="k", session="fork", at_ms=NOW_MS + 5_000), path="/t/fork.jsonl")

    assert sessions(scribe.db, limit=9) == []


async def test_what_a_lesser_source_has_without_times_does_not_come_back(ledger: Ledger, scribe: Scribe) -> None:
    """Only its better source was ever stored, so no keys are known of it (a file beside Cursor's database)."""
    await scribe.tell("Add a parser", rank=2)
    await ledger.forget(OF_S1, now_ms=NOW_MS)

    await scribe.tell(scribe.event("Add a parser", at_ms=NOW_MS + 5_000), path="/t/beside.jsonl", rank=1)
    assert sessions(scribe.db, limit=9) == []

    await scribe.tell(scribe.event("Then test it", at_ms=NOW_MS + 6_000), rank=2)
    assert scribe.prompts() == ["Then test it"]


async def test_a_time_span_is_removed_from_every_session_and_the_rest_stays(scribe: Scribe, ledger_path: Path) -> None:
    recorded = [
        scribe.event(SessionInfo(title="A parser"), at_ms=100),
        scribe.event("Add a parser", at_ms=100),
        scribe.event(SessionInfo(title=SECRET), at_ms=200),
        scribe.event(f"Never mention {SECRET}", at_ms=200),
        scribe.event("Then test it", at_ms=300),
    ]
    await scribe.tell(*recorded)
    await scribe.tell(scribe.event(SECRET, session="s2", at_ms=250), path="/t/two.jsonl")
    span = Selection(since_ms=200, until_ms=300)
    assert {row.native_id for row in selected_sessions(scribe.db, span, now_ms=NOW_MS)} == {"s1", "s2"}

    forgotten = await scribe.ledger.forget(span, now_ms=NOW_MS)
    await scribe.ledger.erase()
    again = await scribe.tell(*recorded)
    late = await scribe.tell(scribe.event("Unread until now", session="s3", at_ms=299), path="/t/three.jsonl")

    assert (forgotten.sessions, again.new_events, late.new_events) == (2, 0, 0)
    assert SECRET.encode() not in stored(ledger_path)
    (row,) = sessions(scribe.db, limit=9)
    assert scribe.prompts() == ["Add a parser", "Then test it"]
    assert (row.title, row.started_ms, row.last_ms) == ("A parser", 100, 300)
    assert SECRET not in repr(project_view(scribe.db, 1))


async def test_an_event_that_was_kept_stays_even_if_it_is_read_again_with_another_time(scribe: Scribe) -> None:
    await scribe.tell(scribe.event("Add a parser", key="k", at_ms=100), scribe.event("Test it", at_ms=250))
    await scribe.ledger.forget(Selection(since_ms=200, until_ms=300), now_ms=NOW_MS)

    whole = Reemitted(session="s1", after=None, more=False)
    await scribe.commit(scribe.prepared(scribe.event("Add a parser", key="k", at_ms=250), reemitted=(whole,)))

    assert scribe.prompts() == ["Add a parser"]


async def test_a_forgotten_project_is_gone_with_the_record_of_where_it_was(scribe: Scribe, ledger_path: Path) -> None:
    await scribe.tell(scribe.event("Add a parser", cwd="/old"))
    await scribe.tell(scribe.event("Bake a cake", cwd="/other", session="s2"), path="/t/two.jsonl")
    old = project_by_root(scribe.db, "/old")
    assert old is not None
    new = await scribe.ledger.write(know_project, "/new", None)
    await scribe.ledger.write(move_project, old.id, new)

    forgotten = await scribe.ledger.forget(Selection(root="/new"), now_ms=NOW_MS)
    await scribe.ledger.erase()
    unread = [scribe.event("Unread", session="s3", cwd=cwd, at_ms=9) for cwd in ("/old", "/new")]
    unread.append(scribe.event("Unread, without a folder", session="s3", cwd=None, at_ms=10))
    for number, event in enumerate(unread):
        await scribe.tell(event, path=f"/t/{number}.jsonl")

    assert (set(forgotten.gone), forgotten.changed) == ({old.id, new}, ())
    assert b"/new" not in stored(ledger_path)
    assert [(row.native_id, row.root) for row in sessions(scribe.db, limit=9)] == [("s2", "/other")]


@pytest.mark.parametrize(
    ("path", "context", "kept"),
    [
        ("/t/other.jsonl", b'{"session":"s2","command":"make"}', True),
        ("/t/all.db", b'{"reported":{"s2":1,"s1":2}}', False),
        ("/t/s1/agent.jsonl", b'{"command":"make"}', False),
        (b"/t/s1/\xff.jsonl", b'{"command":"make"}', False),
    ],
    ids=["another session", "one of several", "named by its path", "named by a path that is not UTF-8"],
)
async def test_only_a_source_that_names_the_session_is_read_again_from_its_beginning(
    scribe: Scribe, path: str | bytes, context: bytes, kept: bool
) -> None:
    await scribe.tell("Add a parser")
    prepared = scribe.prepared(scribe.event("Other work", session="s2"), context=context)
    await scribe.commit(prepared, path=os.fsdecode(path))

    await scribe.ledger.forget(OF_S1, now_ms=NOW_MS)

    state = await scribe.state(os.fsdecode(path))
    assert (state.cursor is not None, state.context) == ((True, context) if kept else (False, b""))


async def test_a_read_that_was_under_way_is_done_again(scribe: Scribe) -> None:
    """Its context is that of before."""
    await scribe.tell("Add a parser")
    await scribe.ledger.forget(OF_S1, now_ms=NOW_MS)

    with pytest.raises(StaleRead):
        source = Source(agent=AGENT, path="/t/one.jsonl")
        await scribe.ledger.commit(source, scribe.prepared(scribe.event("More")), seen_rev=1)


async def test_a_copy_that_cannot_be_removed_is_reported_and_keeps_no_ledger_from_opening(
    scribe: Scribe, ledger_path: Path
) -> None:
    await scribe.tell(SECRET)
    copy = ledger_path.with_name("ledger.before-7.sqlite")
    copy.mkdir()
    await scribe.ledger.forget(OF_S1, now_ms=NOW_MS)

    with pytest.raises(LedgerUnavailable, match=r"ledger.before-7.sqlite cannot be changed"):
        await scribe.ledger.erase()
    await (await Ledger.open(ledger_path, DigestReducer())).close()

    assert erase_mark(ledger_path).exists()


async def test_a_new_ledger_knows_what_was_forgotten(ledger_path: Path) -> None:
    """Here its beginning was overwritten, after which no row of it can be read."""
    async with writing(ledger_path) as scribe:
        timeless = scribe.event("Add a parser", key="k")
        await scribe.tell(timeless, scribe.event(f"Then {SECRET}", at_ms=2_000))
        await scribe.ledger.forget(OF_S1, now_ms=NOW_MS)
        await scribe.ledger.erase()
    with ledger_path.open("r+b") as file:
        file.write(b"\xff" * 8192)

    async with writing(ledger_path) as scribe:
        later = scribe.event("Go on", key="new", at_ms=NOW_MS + 1)
        await scribe.tell(scribe.event(f"Then {SECRET}", at_ms=2_000), later)
        again = scribe.event("Add a parser", key="k", session="fork", at_ms=NOW_MS + 5_000)
        await scribe.tell(again, path="/t/fork.jsonl")
        assert scribe.prompts() == ["Go on"]
        assert [row.native_id for row in sessions(scribe.db, limit=9)] == ["s1"]


async def test_a_ledger_that_was_deleted_leaves_what_was_forgotten(ledger_path: Path) -> None:
    async with writing(ledger_path) as scribe:
        await scribe.tell(SECRET)
        await scribe.ledger.forget(Selection(), now_ms=NOW_MS)
        await scribe.ledger.erase()
    ledger_path.unlink()
    assert tombstones_of(StateDir(ledger_path.parent)) == kept_copy(ledger_path) != Tombstones()

    async with writing(ledger_path) as scribe:
        assert (await scribe.tell(SECRET)).forgotten == 1


async def test_a_backup_takes_in_what_was_forgotten_after_it(ledger_path: Path) -> None:
    async with writing(ledger_path) as scribe:
        await scribe.tell("Add a parser")
        await scribe.ledger.forget(OF_S1, now_ms=NOW_MS)
        await scribe.ledger.erase()
        backup = ledger_path.read_bytes()
        await scribe.tell(scribe.event(SECRET, session="s2"), path="/t/two.jsonl")
        await scribe.ledger.forget(Selection(agent=AGENT, conversation="s2"), now_ms=NOW_MS)
        await scribe.ledger.erase()
        noted = kept_copy(ledger_path)
    ledger_path.write_bytes(backup)

    async with writing(ledger_path) as scribe:
        assert tombstones_of(StateDir(ledger_path.parent)) == noted
        await scribe.ledger.forget(OF_S1, now_ms=NOW_MS)
        assert kept_copy(ledger_path) == noted


async def test_what_an_earlier_version_had_forgotten_is_noted_at_the_next_start(ledger_path: Path) -> None:
    async with writing(ledger_path) as scribe:
        await scribe.tell(SECRET)
        await scribe.ledger.forget(OF_S1, now_ms=NOW_MS)
    forgotten_file(ledger_path).unlink()

    await (await Ledger.open(ledger_path, DigestReducer())).close()

    assert len(kept_copy(ledger_path).keys) == 1


async def test_what_is_imported_again_is_no_longer_noted_as_forgotten(scribe: Scribe, ledger_path: Path) -> None:
    await scribe.tell(SECRET)
    await scribe.ledger.forget(OF_S1, now_ms=NOW_MS)
    await scribe.ledger.erase()
    assert kept_copy(ledger_path).rules != ()

    source = Source(agent=AGENT, path="/t/export.json", forgotten_too=True)
    await scribe.ledger.commit(source, scribe.prepared(scribe.event(SECRET, key="k1")), seen_rev=0)

    assert kept_copy(ledger_path) == Tombstones()


@pytest.mark.parametrize("notes", [b"\xc1", msgspec.msgpack.encode({"keys": [1 << 63]})])
def test_notes_that_are_damaged_keep_no_ledger_from_being_made(ledger_path: Path, notes: bytes) -> None:
    ledger_path.parent.mkdir()
    forgotten_file(ledger_path).write_bytes(notes)

    prepare_file(ledger_path)

    assert kept_copy(ledger_path) == Tombstones()


def waits_for_nobody(db: sqlite3.Connection) -> None:
    db.execute("PRAGMA busy_timeout = 1")


async def test_what_is_forgotten_beside_an_erasure_is_erased_by_it_or_still_to_be_erased(ledger_path: Path) -> None:
    async with writing(ledger_path) as scribe:
        await scribe.tell(f"Never tell anyone about {SECRET}.")
        traces = compressed_with(ledger_path, SECRET)

        await asyncio.gather(scribe.ledger.forget(OF_S1, now_ms=NOW_MS), scribe.ledger.erase())
        assert erase_mark(ledger_path).exists() or not any(trace in stored(ledger_path) for trace in traces)

        await asyncio.gather(scribe.ledger.erase(), scribe.ledger.forget(OF_S1, now_ms=NOW_MS))
        assert erase_mark(ledger_path).exists()


async def test_a_full_disk_in_the_middle_of_forgetting_is_what_is_reported(
    ledger_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("carryover.ledger.forget._KEYS_AT_ONCE", 400)
    with pytest.raises(LedgerUnavailable, match="is full"):
        async with writing(ledger_path) as scribe:  # closed while the error is raised, as in a command
            await scribe.tell(*(f"{SECRET} {n}" for n in range(1_000)))
            await scribe.ledger.write(lambda db: db.execute("PRAGMA max_page_count = 1").fetchall())
            await scribe.ledger.forget(OF_S1, now_ms=NOW_MS)


async def test_what_could_not_be_erased_is_erased_at_the_next_start(ledger_path: Path) -> None:
    scribe = Scribe(await Ledger.open(ledger_path, DigestReducer()))
    await scribe.ledger.write(waits_for_nobody)
    await scribe.tell(f"Never tell anyone about {SECRET}.")
    traces = compressed_with(ledger_path, SECRET)
    with closing(sqlite3.connect(ledger_path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM event").fetchone()
        await scribe.ledger.forget(OF_S1, now_ms=NOW_MS)
        with pytest.raises(LedgerUnavailable, match=r"ledger.sqlite-wal is in use"):
            await scribe.ledger.erase()
        assert erase_mark(ledger_path).exists()
        assert any(trace in stored(ledger_path) for trace in traces)
    await scribe.ledger.close()
    ledger_path.with_name("ledger.before-7.sqlite").write_text(SECRET)

    await (await Ledger.open(ledger_path, DigestReducer())).close()

    assert not erase_mark(ledger_path).exists()
    assert not any(trace in stored(ledger_path) for trace in (SECRET.encode(), *traces))


def test_what_an_earlier_version_has_forgotten_has_the_same_key() -> None:
    """Else all of it would come back after an upgrade."""
    assert short_key(bytes(range(1, 33))) == 0x0102030405060708 // 4
