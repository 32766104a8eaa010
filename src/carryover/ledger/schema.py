"""The ledger's tables, as numbered migrations. `PRAGMA user_version` is the last one applied.

A released migration is not edited, except that one that is not needed any more becomes empty (`_NO_LONGER`).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from carryover.errors import ExitCode, UserError
from carryover.ledger.transaction import transaction

Migration = Sequence[str]

# Times are UTC milliseconds, 0 if unknown. Bodies are as `carryover.ledger.codec` makes them, with their `kind`
# inside: nothing looks for events by kind, so it is not a column.
_PROJECTS: Final = (
    # `changed_ms` is when a commit last touched a project, by the clock and not by its events: not before
    # `published_ms`, and that commit still has to be published. `git` is what git said at the last publication, as
    # JSON. `moved_to` is the project that this one's folder is now, `not_moved` is 1 where the user said that it was
    # not moved, and `identity` tells its folder from others (`carryover.projects.moved_folders`). Nothing uses
    # `first_ms`.
    """CREATE TABLE project (
        id INTEGER PRIMARY KEY,
        root TEXT NOT NULL UNIQUE,
        main_root TEXT,
        first_ms INTEGER NOT NULL DEFAULT 0,
        last_event_ms INTEGER NOT NULL DEFAULT 0,
        changed_ms INTEGER NOT NULL DEFAULT 0,
        published_sha TEXT,
        published_ms INTEGER,
        refusal TEXT,
        git TEXT,
        moved_to INTEGER REFERENCES project,
        not_moved INTEGER NOT NULL DEFAULT 0,
        identity TEXT
    )""",
    "CREATE INDEX project_worktree ON project (main_root, last_event_ms) WHERE main_root IS NOT NULL",
    "CREATE INDEX project_moved ON project (moved_to) WHERE moved_to IS NOT NULL",
)
_SESSIONS: Final = (
    # `project_final`: decided by the main conversation. A sub-agent, which may work in a folder of its own, decides
    # only until then. `rank` is that of the best kind of source that has told the session. `recorded_project_id` is
    # the project of the session's own folder where that was moved, else NULL. `machine` is '' for what was read here,
    # else the name of another machine, from which it was synchronised.
    """CREATE TABLE session (
        id INTEGER PRIMARY KEY,
        agent TEXT NOT NULL,
        native_id TEXT NOT NULL,
        project_id INTEGER REFERENCES project,
        project_final INTEGER NOT NULL DEFAULT 0,
        parent TEXT,
        title TEXT,
        agent_version TEXT,
        model TEXT,
        branch TEXT,
        started_ms INTEGER NOT NULL DEFAULT 0,
        last_ms INTEGER NOT NULL DEFAULT 0,
        rank INTEGER NOT NULL DEFAULT 0,
        recorded_project_id INTEGER REFERENCES project,
        machine TEXT NOT NULL DEFAULT '',
        UNIQUE (agent, native_id)
    )""",
    "CREATE INDEX session_of_project ON session (project_id, last_ms)",
    "CREATE INDEX session_moved ON session (recorded_project_id) WHERE recorded_project_id IS NOT NULL",
    # `machine.id` is that machine's own; its name is what the others are told by, so no two have the same. What sync
    # needs besides is made when it is switched on (`carryover.ledger.machines`).
    "CREATE TABLE machine (id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE) WITHOUT ROWID",
    # `subagent_id` is '' for the main conversation.
    """CREATE TABLE thread (
        id INTEGER PRIMARY KEY,
        session_id INTEGER NOT NULL REFERENCES session,
        subagent_id TEXT NOT NULL,
        last_ms INTEGER NOT NULL DEFAULT 0,
        fold_version INTEGER NOT NULL,
        digest BLOB NOT NULL,
        UNIQUE (session_id, subagent_id)
    )""",
    "CREATE INDEX thread_recent ON thread (session_id, last_ms)",
    "CREATE INDEX thread_by_fold ON thread (fold_version)",
)
_EVENTS: Final = (
    # A key lies beside its event rather than in a table of its own so that every row that can be read from a damaged
    # file still knows which record it came from. `secondary_key` identifies events of agents that write old records
    # again under new ids. `retracted` is 0 for what counts, else why it does not (`carryover.ledger.rows`); its index
    # is there to count those few without looking at all the others.
    """CREATE TABLE event (
        id INTEGER PRIMARY KEY,
        key BLOB NOT NULL UNIQUE,
        secondary_key BLOB,
        thread_id INTEGER NOT NULL REFERENCES thread,
        at_ms INTEGER NOT NULL,
        body NOT NULL,
        retracted INTEGER NOT NULL DEFAULT 0
    )""",
    "CREATE UNIQUE INDEX event_secondary_key ON event (secondary_key) WHERE secondary_key IS NOT NULL",
    "CREATE INDEX event_of_thread ON event (thread_id)",
    "CREATE INDEX event_retracted ON event (retracted) WHERE retracted != 0",
    # What an agent said before its transcript had it; it stands beside the events, never among them, until the
    # transcript's own record comes. `fingerprint` is 16 bytes that stand for who speaks and what, by which that record
    # is known.
    """CREATE TABLE provisional (
        id INTEGER PRIMARY KEY,
        session_id INTEGER NOT NULL REFERENCES session,
        subagent_id TEXT NOT NULL,
        fingerprint BLOB NOT NULL,
        at_ms INTEGER NOT NULL,
        body NOT NULL,
        UNIQUE (session_id, subagent_id, fingerprint)
    )""",
    "CREATE INDEX provisional_of_session ON provisional (session_id, at_ms)",
)
_READING: Final = (
    """CREATE TABLE source (
        id INTEGER PRIMARY KEY,
        agent TEXT NOT NULL,
        path NOT NULL,
        rev INTEGER NOT NULL DEFAULT 0,
        cursor BLOB,
        context BLOB NOT NULL DEFAULT x'',
        size INTEGER NOT NULL DEFAULT 0,
        mtime_ns INTEGER NOT NULL DEFAULT 0,
        state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'gone', 'broken')),
        error TEXT,
        failures INTEGER NOT NULL DEFAULT 0,
        retry_ms INTEGER NOT NULL DEFAULT 0,
        UNIQUE (agent, path)
    )""",
    "CREATE INDEX source_broken ON source (state) WHERE state = 'broken'",
    """CREATE TABLE skipped (
        agent TEXT NOT NULL,
        agent_version TEXT NOT NULL,
        record_type TEXT NOT NULL,
        reason TEXT NOT NULL,
        n INTEGER NOT NULL,
        last_ms INTEGER NOT NULL,
        PRIMARY KEY (agent, agent_version, record_type, reason)
    ) WITHOUT ROWID""",
    "CREATE TABLE counter (name TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE incident (id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, text TEXT NOT NULL)",
)
_FORGETTING: Final = (
    # `scope` is 16 bytes that stand for a session, a conversation, a project or everything
    # (`carryover.ledger.tombstones`); nothing of it with a time from `from_ms` to before `until_ms` is stored, and
    # nothing at all of sources below `rank`. `forgotten_event.id` is the beginning of a removed event's key.
    """CREATE TABLE forgotten (
        id INTEGER PRIMARY KEY,
        scope BLOB NOT NULL,
        from_ms INTEGER NOT NULL,
        until_ms INTEGER NOT NULL,
        rank INTEGER NOT NULL DEFAULT 0,
        UNIQUE (scope, from_ms, until_ms, rank)
    )""",
    "CREATE TABLE forgotten_event (id INTEGER PRIMARY KEY)",
)
_SEARCH: Final = (
    # `id` is that of the event, `kind` a position in `carryover.ledger.search_text.KINDS`. `search_state` has one row:
    # the version of the index, 0 if SQLite has no full-text search, and the highest id of an event that is still to be
    # indexed. The index, and the trigger by which what is written to `search_input` gets there, are made by
    # `carryover.ledger.search_index`, which recreates them when the version changes.
    """CREATE TABLE search_entry (
        id INTEGER PRIMARY KEY,
        thread_id INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        kind INTEGER NOT NULL
    )""",
    """CREATE TABLE search_state (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        version INTEGER NOT NULL,
        pending_to INTEGER NOT NULL
    )""",
    """CREATE VIEW search_input AS SELECT NULL AS id, NULL AS thread_id, NULL AS at_ms, NULL AS kind, NULL AS tokens,
        NULL AS hashes WHERE 0""",
    # Hashes that `carryover.ledger.long_prompts` describes, filled and emptied like the search index. `long_prompt.id`
    # is that of the event; `text` stands for the whole prompt.
    """CREATE TABLE long_prompt (
        id INTEGER PRIMARY KEY,
        thread_id INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        text INTEGER NOT NULL
    )""",
    "CREATE INDEX long_prompt_of_thread ON long_prompt (thread_id)",
    "CREATE INDEX long_prompt_by_text ON long_prompt (text)",
    """CREATE TABLE prompt_line (
        line INTEGER NOT NULL,
        text INTEGER NOT NULL,
        PRIMARY KEY (line, text)
    ) WITHOUT ROWID""",
)
_FIRST_TABLES: Final = (*_PROJECTS, *_SESSIONS, *_EVENTS, *_READING, *_FORGETTING, *_SEARCH)
_TOKENS: Final = (
    # Of answers that were taken back or forked, too: they were used all the same. `key` is 16 bytes, by which copies of
    # a record are known; `model` is '' if it is unknown.
    """CREATE TABLE tokens (
        id INTEGER PRIMARY KEY,
        key BLOB NOT NULL UNIQUE,
        session_id INTEGER NOT NULL REFERENCES session ON DELETE CASCADE,
        at_ms INTEGER NOT NULL,
        model TEXT NOT NULL,
        input INTEGER NOT NULL,
        output INTEGER NOT NULL,
        cache_read INTEGER NOT NULL,
        cache_write INTEGER NOT NULL
    )""",
    "CREATE INDEX tokens_by_time ON tokens (at_ms)",
    "CREATE INDEX tokens_of_session ON tokens (session_id)",
    """CREATE TABLE limit_window (
        agent TEXT NOT NULL,
        name TEXT NOT NULL,
        at_ms INTEGER NOT NULL,
        used_percent REAL NOT NULL,
        minutes INTEGER,
        resets_ms INTEGER,
        PRIMARY KEY (agent, name)
    ) WITHOUT ROWID""",
)
_NO_LONGER: Final[Migration] = ()
"""One of a step that is not needed any more. Its number stays, since ledgers have it."""
_WITHOUT_UNUSED: Final = (
    "DROP TABLE IF EXISTS to_count",
    "CREATE TEMP TABLE told_by_hooks AS SELECT session_id FROM provisional",
    "DROP TABLE provisional",
    # A session of which no transcript came.
    """DELETE FROM session WHERE id IN (SELECT session_id FROM told_by_hooks)
        AND id NOT IN (SELECT session_id FROM thread)""",
    "DROP TABLE told_by_hooks",
    "DELETE FROM counter WHERE name LIKE 'dropped_over:%'",
)

_SOME_OF_ALL_SESSIONS: Final = (
    # The newest of all projects, and the neighbours of an id, without a look at all the others.
    "CREATE INDEX session_recent ON session (last_ms)",
    "CREATE INDEX session_by_id ON session (native_id)",
)

MIGRATIONS: Final[tuple[Migration, ...]] = (
    *(_FIRST_TABLES, _TOKENS, _NO_LONGER, _NO_LONGER, _WITHOUT_UNUSED),
    _SOME_OF_ALL_SESSIONS,
)

FIRST: Final = 12
"""The version after the first migration. Ledgers with lower numbers are refused."""


def newest(migrations: Sequence[Migration] = MIGRATIONS) -> int:
    """Returns the version of a ledger to which all of `migrations` were applied."""
    return FIRST + len(migrations) - 1


def version_of(db: sqlite3.Connection) -> int:
    """Returns the number of the last migration applied; 0 for an empty file."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    return int(version)


def migrate(db: sqlite3.Connection, path: Path, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Brings the open database at `path` up to date, each step in a transaction, after a backup beside it.

    Raises UserError (REFUSED, nothing changed) for the ledger of a newer Carryover or of one that was never released,
    and for a database that is not a ledger.
    """
    version = version_of(db)
    refuse_unknown(path, version, newest(migrations))
    if version == 0 and db.execute("SELECT count(*) FROM sqlite_master").fetchone() != (0,):
        raise UserError(
            f"{path} is a database, but not one of Carryover's. It was left as it is. "
            "Move it away, or set CARRYOVER_HOME to another folder.",
            ExitCode.REFUSED,
        )
    if 0 < version < newest(migrations):
        _copy(db, _copy_before(path, version + 1))
    for number, migration in enumerate(migrations, start=FIRST):
        if number > version:
            _apply(db, migration, number)


def refuse_unknown(path: Path, version: int, known: int) -> None:
    """Raises UserError (REFUSED) for a ledger of a newer Carryover, or of one that was never released."""
    if version > known:
        raise _newer_than_program(path, version, known)
    if 0 < version < FIRST:
        raise UserError(
            f"{path} was written by a trial version of Carryover (ledger version {version}), and can't be taken over. "
            "It was left as it is. Move it away: what your agents' transcripts hold is read again.",
            ExitCode.REFUSED,
        )


def _newer_than_program(path: Path, version: int, known: int) -> UserError:
    """Returns the error for a ledger that a newer Carryover wrote. It names the copy from before, if that exists."""
    copy = _copy_before(path, known + 1)
    back = f" To go back, move it away and rename {copy.name} to {path.name}; that copy lacks what was read since then."
    return UserError(
        f"{path} was written by a newer Carryover (ledger version {version}; this one knows {known}). "
        "It was left as it is. Install that newer version again, or set CARRYOVER_HOME to another folder."
        + (back if copy.exists() else ""),
        ExitCode.REFUSED,
    )


def _copy(db: sqlite3.Connection, copy: Path) -> None:
    """Copies the database. The copy gets its name once it is whole; a disk that is full gets its room back."""
    begun = copy.with_name(f"{copy.name}.part")
    begun.unlink(missing_ok=True)
    try:
        # VACUUM INTO takes an empty file that exists, which is how the copy gets its mode before it has content.
        os.close(os.open(begun, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        db.execute("VACUUM INTO ?", (str(begun),))
        begun.replace(copy)
    except BaseException:
        for left in (begun, begun.with_name(f"{begun.name}-journal")):
            left.unlink(missing_ok=True)
        raise


def _copy_before(path: Path, number: int) -> Path:
    """The copy of the ledger at `path` from before migration `number`."""
    return path.with_name(f"{path.stem}.before-{number}{path.suffix}")


def _apply(db: sqlite3.Connection, migration: Migration, number: int) -> None:
    with transaction(db):
        if version_of(db) < number:  # another process may have been first
            for step in migration:
                db.execute(step)
            db.execute(f"PRAGMA user_version = {number}")
