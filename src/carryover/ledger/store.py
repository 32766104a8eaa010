"""The ledger's one writer. Everyone else reads through `queries`, on read-only connections."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
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
from carryover.ledger.connect import SETTINGS, LedgerDamaged, LedgerUnavailable
from carryover.ledger.forget import Forgotten, forget
from carryover.ledger.machines import continue_log
from carryover.ledger.queries import Selection
from carryover.ledger.rows import as_record, locator

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
    it cannot be read; neither loses anything. Cancelling a call leaves the ledger as before it or as after it.
    """

    def __init__(self, db: aiosqlite.Connection, path: Path, reducer: threads.Reducer) -> None:
        self._db = db
        self.path = path
        self.reducer = reducer
        """Makes the digests; for functions that `write` runs and that change events."""
        self._lock = asyncio.Lock()
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
            async with ledger._reporting():
                for setting in SETTINGS:
                    await db.execute_fetchall(setting)
                for name, function in search_index.functions().items():
                    await db.create_function(name, 1, function, deterministic=True)
                await db.executescript(_FOLLOW)
            with suppress(LedgerUnavailable):  # as on a full disk
                async with ledger._transaction():
                    await continue_log(db)
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
            async with self._reading() as db:
                await db.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            await self._db.close()

    async def source_state(self, source: Source) -> SourceState | None:
        """Returns how far `source` has been read; None if it never was."""
        async with self._reading() as db:
            rows = await db.execute_fetchall(_STATE, (source.agent, locator(source.path)))
        return next((as_record(SourceState, row) for row in rows), None)

    async def last_reads(self) -> Mapping[tuple[str, str], LastRead]:
        """Returns the state of each known source when it was last read, by agent and path."""
        async with self._reading() as db:
            rows = await db.execute_fetchall(_LAST_READS)
        return {(agent, os.fsdecode(path)): LastRead(*last) for agent, path, *last in rows}

    async def commit(self, source: Source, prepared: PreparedBatch, *, seen_rev: int) -> Committed:
        """Stores what was read of `source` together with the position after it.

        Raises StaleRead, and stores nothing, if the source's `rev` is no longer `seen_rev` (0: never read).
        """
        async with self._transaction() as db:
            committed = await run_commit(db, self.reducer, source, prepared, seen_rev)
        if source.forgotten_too:
            await self._keep_forgotten()
        return committed

    async def write(
        self, work: Callable[Concatenate[aiosqlite.Connection, _P], Awaitable[_T]], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        """Runs `work`, a function of this package that needs an open transaction, in a transaction."""
        async with self._transaction() as db:
            return await work(db, *args, **kwargs)

    async def give_up_position(self, source: Source) -> None:
        """Makes the next read of a source start from its beginning."""
        async with self._transaction() as db:
            await db.execute_fetchall(_GIVE_UP, (source.agent, locator(source.path)))

    async def mark_gone(self, source: Source) -> None:
        """Marks a source as gone. Its events stay."""
        async with self._transaction() as db:
            await db.execute_fetchall(_GONE, (source.agent, locator(source.path)))
            await threads.settle(db, self.reducer, source)

    async def mark_broken(self, source: Source, error: str, retry_ms: int, seen: FileStat | None = None) -> None:
        """Marks a source as unreadable until `retry_ms` (UTC ms), or, if it was `seen`, for as long as it is like that.

        `error` must not quote content.
        """
        stat = seen if seen is not None else FileStat(READ_IN_PART, 0)
        async with self._transaction() as db:
            values = (source.agent, locator(source.path), error, retry_ms, stat.size, stat.mtime_ns)
            await db.execute_fetchall(_BROKEN, values)
            await threads.settle(db, self.reducer, source)

    async def forget(self, selection: Selection, *, now_ms: int) -> Forgotten:
        """Removes what `selection` names; `erase` makes sure that the data is overwritten."""
        await _change(lambda mark: mark.touch(0o600), connect.erase_mark(self.path))
        async with self._transaction() as db:
            await db.execute_fetchall("PRAGMA secure_delete = ON")
            forgotten = await forget(db, self.reducer, selection, now_ms=now_ms)
        with suppress(LedgerUnavailable):  # as on a full disk; `erase` tries it again
            await self._keep_forgotten()
        return forgotten

    async def erase(self) -> None:
        """Overwrites deleted data, empties the log, and removes the copies of migrations and of damaged ledgers. What
        was forgotten is noted beside the ledger.

        Takes a while for a large ledger and needs its size again on disk; reads continue meanwhile. If it fails or is
        interrupted, the next `open` repeats it. Raises LedgerUnavailable also while a reader keeps the log in use.
        """
        await self._keep_forgotten()
        await _change(lambda path: path.unlink(missing_ok=True), *connect.copies(self.path))
        async with self._reading() as db:
            again = await threads.touched_again(db)
            try:
                # In memory, the setting for everything else, it would take as much as the ledger's size.
                await db.execute_fetchall("PRAGMA temp_store = FILE")
                await search_index.compact_index(db)
                await db.execute_fetchall("VACUUM")
            finally:
                # The triggers go with the setting; as one script, they are in the connection's queue even if cancelled.
                await db.executescript(f"PRAGMA temp_store = MEMORY; {_FOLLOW}; {again}")
            ((is_busy, *_),) = await db.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
            if is_busy:
                raise LedgerUnavailable(
                    f"{self.path.name}-wal is in use by another program, so what was forgotten may still be in it. "
                    "It is erased when carryoverd starts the next time."
                )
            await db.execute_fetchall("PRAGMA secure_delete = FAST")
        await _change(lambda path: path.unlink(missing_ok=True), connect.erase_mark(self.path))

    async def _keep_forgotten(self) -> None:
        """Nothing else is written meanwhile: of two copies the older one could come last."""
        async with self._reading():
            await _change(connect.keep_forgotten, self.path)

    async def set_published(
        self, project_id: int, sha: str | None, at_ms: int, refusal: str | None, git: GitFacts | None = None
    ) -> None:
        """Records the fingerprint of the handoff just published, made from what the ledger held before `at_ms` (UTC
        ms), or why none may be published."""
        facts = msgspec.json.encode(git).decode() if git is not None else None
        async with self._transaction() as db:
            await db.execute_fetchall(_PUBLISHED, (sha, at_ms, refusal, facts, project_id))

    async def rebuild_outdated(self) -> bool:
        """Rebuilds the newest digest that another version of the reducer made; returns False if there is none."""
        async with self._transaction() as db:
            return await threads.rebuild_outdated(db, self.reducer)

    async def report(self, error: Exception) -> None:
        """Raises LedgerDamaged, and has the next start repair the ledger, if an error that a reader met means
        damage."""
        if isinstance(error, LedgerDamaged):
            raise error
        async with self._reporting():
            is_ours = isinstance(error, sqlite3.Error | DamagedBody)
            if is_ours and isinstance(connect.ledger_error(error, self.path), LedgerDamaged):
                raise error

    async def wait_for_damage(self) -> None:
        """Waits until any call finds damage, then raises LedgerDamaged."""
        raise await asyncio.shield(self._damage)

    def require_sound(self) -> None:
        """Raises LedgerDamaged if any call has found damage."""
        if self._damage.done():
            raise self._damage.result()

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[aiosqlite.Connection]:
        async with self._reading() as db:
            try:
                await db.execute_fetchall("BEGIN IMMEDIATE")
                yield db
                await db.commit()
                self.revision += 1
            except BaseException:
                # If cancelled again here, the rollback is in the connection's queue anyway.
                await db.rollback()
                raise

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[aiosqlite.Connection]:
        """Yields the connection while no other transaction is open on it."""
        async with self._lock, self._reporting():
            # A predecessor was cancelled in its rollback; what it left in the connection's queue runs first.
            if self._db.in_transaction:
                await self._db.rollback()
            yield self._db

    @asynccontextmanager
    async def _reporting(self) -> AsyncIterator[None]:
        try:
            yield
        except (sqlite3.Error, DamagedBody, UnicodeDecodeError) as error:
            trouble = connect.ledger_error(error, self.path)
            if trouble is None:
                raise
            if isinstance(trouble, LedgerDamaged):
                await asyncio.to_thread(connect.mark_damaged, self.path, error)
                if not self._damage.done():
                    self._damage.set_result(trouble)
            raise trouble from error


async def _change(change: Callable[[Path], object], *paths: Path) -> None:
    """Calls `change` with each path in a thread. Raises LedgerUnavailable if one cannot be changed."""
    try:
        for path in paths:
            await asyncio.to_thread(change, path)
    except OSError as error:
        raise LedgerUnavailable(f"{error.filename} cannot be changed: {os_reason(error)}. Check its rights.") from error
