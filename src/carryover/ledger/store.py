"""The ledger's one writer. Everyone else reads through `queries`, on read-only connections."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Concatenate, Final, ParamSpec, TypeVar

import aiosqlite
import msgspec

from carryover.adapter.contract import FileStat, Source
from carryover.errors import os_reason
from carryover.facts import GitFacts
from carryover.ledger import connect, search_index, threads
from carryover.ledger.batch import READ_IN_PART, Committed, LastRead, PreparedBatch, SourceState
from carryover.ledger.codec import DamagedBody
from carryover.ledger.commit import run_commit
from carryover.ledger.connect import LedgerDamaged, LedgerUnavailable
from carryover.ledger.forget import Forgotten, forget
from carryover.ledger.machines import continue_log
from carryover.ledger.queries import Selection
from carryover.ledger.rows import locator, records
from carryover.ledger.tombstones import keep_copy
from carryover.ledger.transaction import transaction

_STATE: Final = f"SELECT {', '.join(SourceState.__struct_fields__)} FROM source WHERE agent = ? AND path = ?"
# Without cursor and context: of thousands of sources those would be most of the ledger that a comparison reads.
_LAST_READS: Final = f"SELECT agent, path, {', '.join(LastRead.__struct_fields__)} FROM source"
_GONE: Final = "UPDATE source SET state = 'gone', error = NULL, retry_ms = 0 WHERE agent = ? AND path = ?"
_BROKEN: Final = """INSERT INTO source (agent, path, state, error, failures, retry_ms, size, mtime_ns)
    VALUES (?, ?, 'broken', ?, 1, ?, ?, ?)
    ON CONFLICT (agent, path) DO UPDATE SET state = 'broken', error = excluded.error, failures = failures + 1,
    retry_ms = excluded.retry_ms, size = excluded.size, mtime_ns = excluded.mtime_ns"""
_GIVE_UP: Final = "UPDATE source SET cursor = NULL, context = x'', rev = rev + 1 WHERE agent = ? AND path = ?"
_PUBLISHED: Final = "UPDATE project SET published_sha = ?, published_ms = ?, refusal = ?, git = ? WHERE id = ?"
_FOLLOW: Final = "; ".join((*search_index.INDEX_TRIGGERS, *threads.THREAD_TRIGGERS))

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Ledger:
    """Everything that was read, and how far. Only one instance writes a file; each write is one transaction.

    Every method raises LedgerUnavailable when the disk is full or the database locked, and LedgerDamaged when pages of
    it cannot be read; neither loses anything. Each step runs on the ledger's thread to its end, in the order of the
    calls. A call that is cancelled before its step begins does nothing; afterwards that only ends the waiting for it,
    and a later call sees what it did.
    """

    def __init__(self, db: aiosqlite.Connection, path: Path, reducer: threads.Reducer) -> None:
        self._db = db
        self.path = path
        self.reducer = reducer
        """Makes the digests; for functions that `write` runs and that change events."""
        self.revision = 0
        """Grows after each transaction that was committed."""
        self._damage: asyncio.Future[LedgerDamaged] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(cls, path: Path, reducer: threads.Reducer) -> Ledger:
        """Opens the ledger at `path`, creating, migrating or salvaging it if necessary; `reducer` makes its digests.

        Raises UserError if the file must be left alone: written by a newer Carryover, or not a ledger.
        """
        await asyncio.to_thread(connect.prepare_file, path)
        db = await aiosqlite.connect(path, isolation_level=None)
        ledger = cls(db, path, reducer)
        try:
            await ledger._run(_set_up)
            with suppress(LedgerUnavailable):  # as on a full disk
                await ledger.write(continue_log)
            if connect.erase_mark(path).exists():
                with suppress(LedgerUnavailable):  # as on a full disk; the mark stays for the next time
                    await ledger.erase()
        except BaseException:
            await db.close()
            raise
        return ledger

    async def close(self) -> None:
        """Writes everything from the log into the database file and closes it."""
        try:
            await self._run(_empty_log)
        finally:
            await self._db.close()

    async def source_state(self, source: Source) -> SourceState | None:
        """Returns how far `source` has been read; None if it never was."""
        return await self._run(_source_state, source)

    async def last_reads(self) -> Mapping[tuple[str, str], LastRead]:
        """Returns the state of each known source when it was last read, by agent and path."""
        return await self._run(_last_reads)

    async def commit(self, source: Source, prepared: PreparedBatch, *, seen_rev: int) -> Committed:
        """Stores what was read of `source` together with the position after it.

        Raises StaleRead, and stores nothing, if the source's `rev` is no longer `seen_rev` (0: never read).
        """
        committed = await self.write(run_commit, self.reducer, source, prepared, seen_rev)
        if source.forgotten_too:
            await self._run(_keep_forgotten, self.path)
        return committed

    async def write(
        self, work: Callable[Concatenate[sqlite3.Connection, _P], _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        """Runs `work`, a function of this package or made of some, in one transaction, on the ledger's thread."""

        def run(db: sqlite3.Connection) -> _T:
            with transaction(db):
                result = work(db, *args, **kwargs)
            self.revision += 1
            return result

        return await self._run(run)

    async def give_up_position(self, source: Source) -> None:
        """Makes the next read of a source start from its beginning."""
        await self.write(_change, _GIVE_UP, (source.agent, locator(source.path)))

    async def mark_gone(self, source: Source) -> None:
        """Marks a source as gone. Its events stay."""
        await self.write(_mark, self.reducer, source, _GONE, (source.agent, locator(source.path)))

    async def mark_broken(self, source: Source, error: str, retry_ms: int, seen: FileStat | None = None) -> None:
        """Marks a source as unreadable until `retry_ms` (UTC ms), or, if it was `seen`, for as long as it is like that.

        `error` must not quote content.
        """
        stat = seen if seen is not None else FileStat(READ_IN_PART, 0)
        values = (source.agent, locator(source.path), error, retry_ms, stat.size, stat.mtime_ns)
        await self.write(_mark, self.reducer, source, _BROKEN, values)

    async def forget(self, selection: Selection, *, now_ms: int) -> Forgotten:
        """Removes what `selection` names; `erase` makes sure that the data is overwritten."""
        forgotten = await self.write(_forget, self.path, self.reducer, selection, now_ms=now_ms)
        with suppress(LedgerUnavailable):  # as on a full disk; `erase` tries it again
            await self._run(_keep_forgotten, self.path)
        return forgotten

    async def erase(self) -> None:
        """Overwrites deleted data, empties the log, and removes the copies of migrations and of damaged ledgers. What
        was forgotten is noted beside the ledger.

        Takes a while for a large ledger and needs its size again on disk; reads continue meanwhile. If it fails or is
        interrupted, the next `open` repeats it. Raises LedgerUnavailable also while a reader keeps the log in use.
        """
        await self._run(_erase, self.path)

    async def set_published(
        self, project_id: int, sha: str | None, at_ms: int, refusal: str | None, git: GitFacts | None = None
    ) -> None:
        """Records the fingerprint of the handoff just published, made from what the ledger held before `at_ms` (UTC
        ms), or why none may be published."""
        facts = msgspec.json.encode(git).decode() if git is not None else None
        await self.write(_change, _PUBLISHED, (sha, at_ms, refusal, facts, project_id))

    async def rebuild_outdated(self) -> bool:
        """Rebuilds the newest digest that another version of the reducer made; returns False if there is none."""
        return await self.write(threads.rebuild_outdated, self.reducer)

    async def report(self, error: Exception) -> None:
        """Raises LedgerDamaged, and has the next start repair the ledger, if an error that a reader met means
        damage."""
        if isinstance(error, LedgerDamaged):
            raise error

        def raise_again() -> None:
            with self._reporting():
                raise error

        is_ours = isinstance(error, sqlite3.Error | DamagedBody)
        if is_ours and isinstance(connect.ledger_error(error, self.path), LedgerDamaged):
            await asyncio.to_thread(raise_again)

    async def wait_for_damage(self) -> None:
        """Waits until any call finds damage, then raises LedgerDamaged."""
        raise await asyncio.shield(self._damage)

    def require_sound(self) -> None:
        """Raises LedgerDamaged if any call has found damage."""
        if self._damage.done():
            raise self._damage.result()

    async def _run(
        self, work: Callable[Concatenate[sqlite3.Connection, _P], _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        """Runs `work` on the ledger's thread, after all that was called before, and without anything in between.

        aiosqlite has no public way to run more than one statement there. So this one place uses the two members by
        which its own methods do; they are the same in all versions that pyproject.toml allows.
        """
        is_awaited = True

        def run(db: sqlite3.Connection) -> _T:
            if not is_awaited:  # it would have to wait for a lock before those that someone waits for
                raise asyncio.CancelledError
            with self._reporting():
                return work(db, *args, **kwargs)

        try:
            result: _T = await self._db._execute(run, self._db._conn)  # type: ignore[no-untyped-call]
        except asyncio.CancelledError:
            is_awaited = False
            raise
        return result

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """Explains an error of SQLite. Reports damage in the thread that meets it: the caller may have been cancelled.
        Blocks."""
        try:
            yield
        except (sqlite3.Error, DamagedBody, UnicodeDecodeError) as error:
            trouble = connect.ledger_error(error, self.path)
            if trouble is None:
                raise
            if isinstance(trouble, LedgerDamaged):
                connect.mark_damaged(self.path, error)
                self._damage.get_loop().call_soon_threadsafe(self._note_damage, trouble)
            raise trouble from error

    def _note_damage(self, damage: LedgerDamaged) -> None:
        if not self._damage.done():
            self._damage.set_result(damage)


def _set_up(db: sqlite3.Connection) -> None:
    connect.use_settings(db)
    for name, function in search_index.functions().items():
        db.create_function(name, 1, function, deterministic=True)
    db.executescript(_FOLLOW)


def _empty_log(db: sqlite3.Connection) -> bool:
    """Moves what is in the log to the database file; returns whether a reader keeps the log in use."""
    ((is_busy, *_),) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return bool(is_busy)


def _source_state(db: sqlite3.Connection, source: Source) -> SourceState | None:
    return next(records(SourceState, db, _STATE, (source.agent, locator(source.path))), None)


def _last_reads(db: sqlite3.Connection) -> Mapping[tuple[str, str], LastRead]:
    return {(agent, os.fsdecode(path)): LastRead(*last) for agent, path, *last in db.execute(_LAST_READS)}


def _change(db: sqlite3.Connection, statement: str, values: tuple[object, ...]) -> None:
    db.execute(statement, values)


def _mark(
    db: sqlite3.Connection, reducer: threads.Reducer, source: Source, statement: str, values: tuple[object, ...]
) -> None:
    """Marks a source by `statement`. No more is read of it, so that its digests can be made."""
    db.execute(statement, values)
    threads.rebuild_changed(db, reducer, source)


def _forget(
    db: sqlite3.Connection, path: Path, reducer: threads.Reducer, selection: Selection, *, now_ms: int
) -> Forgotten:
    with _changing_files():
        connect.erase_mark(path).touch(0o600)
    db.execute("PRAGMA secure_delete = ON")
    return forget(db, reducer, selection, now_ms=now_ms)


def _keep_forgotten(db: sqlite3.Connection, path: Path) -> None:
    with _changing_files():
        keep_copy(db, path)


def _erase(db: sqlite3.Connection, path: Path) -> None:
    with _changing_files():
        keep_copy(db, path)
        for copy in connect.copies(path):
            copy.unlink(missing_ok=True)
    waiting = db.execute("SELECT thread_id, source_id FROM touched").fetchall()
    try:
        # In memory, the setting for everything else, it would take as much as the ledger's size.
        db.execute("PRAGMA temp_store = FILE")
        search_index.compact_index(db)
        db.execute("VACUUM")
    finally:
        db.execute("PRAGMA temp_store = MEMORY")
        # The triggers and the list of waiting threads went with the setting, unless that failed.
        db.executescript(_FOLLOW)
        db.executemany("INSERT OR IGNORE INTO touched VALUES (?, ?)", waiting)
    if _empty_log(db):
        raise LedgerUnavailable(
            f"{path.name}-wal is in use by another program, so what was forgotten may still be in it."
        )
    db.execute("PRAGMA secure_delete = FAST")
    with _changing_files():
        connect.erase_mark(path).unlink(missing_ok=True)


@contextmanager
def _changing_files() -> Iterator[None]:
    """Raises LedgerUnavailable if the block can't change a file."""
    try:
        yield
    except OSError as error:
        raise LedgerUnavailable(f"{error.filename} cannot be changed: {os_reason(error)}.") from error
