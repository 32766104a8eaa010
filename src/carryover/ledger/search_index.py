"""The full-text index of `carryover search`, updated in the transactions that change the events: by the commit that
inserts some, by triggers afterwards.

It stores tokens and no text (2.7 MB for a ledger of 47 MB), and with them the hashes of `long_prompts`. Events up to
the id `pending_to` are not in it yet: they are indexed in small transactions, newest first. Without positions it would
find neither phrases nor Chinese text.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final

from carryover.errors import UserError
from carryover.ledger.codec import decode_body
from carryover.ledger.long_prompts import prompt_hashes
from carryover.ledger.search_text import INDEX_VERSION, KINDS, index_text, searchable
from carryover.ledger.transaction import transaction
from carryover.model import AnyBody

EVENTS_PER_STEP: Final = 500
"""Events per transaction of `index_more`: about 10 ms."""

# No content: a hit's text is in its event. Without prefix indexes, which would double the size for few milliseconds.
# Writing to the view fills the index and the entries, except with events that are left to `index_more`.
_CREATE: Final = (
    "DROP TRIGGER IF EXISTS search_add",
    "DROP TABLE IF EXISTS search",
    "DELETE FROM search_entry",
    "DELETE FROM long_prompt",
    "DELETE FROM prompt_line",
    """CREATE VIRTUAL TABLE search USING
        fts5(tokens, content='', tokenize='unicode61 remove_diacritics 2')""",
    """CREATE TRIGGER search_add INSTEAD OF INSERT ON search_input
        WHEN NEW.id > (SELECT pending_to FROM search_state) BEGIN
        INSERT INTO search (rowid, tokens) VALUES (NEW.id, NEW.tokens);
        INSERT INTO search_entry (id, thread_id, at_ms, kind) VALUES (NEW.id, NEW.thread_id, NEW.at_ms, NEW.kind);
        INSERT INTO long_prompt (id, thread_id, at_ms, text)
            SELECT NEW.id, NEW.thread_id, NEW.at_ms, value FROM json_each(NEW.hashes) WHERE key = 0;
        INSERT OR IGNORE INTO prompt_line (line, text)
            SELECT value, json_extract(NEW.hashes, '$[0]') FROM json_each(NEW.hashes) WHERE key > 0;
        END""",
)
_PUT: Final = "INSERT INTO search_input (id, thread_id, at_ms, kind, tokens, hashes)"
_PUT_TOKENS: Final = "INSERT INTO search (rowid, tokens) VALUES (?, ?)"
_PUT_ENTRY: Final = "INSERT INTO search_entry (id, thread_id, at_ms, kind) VALUES (?, ?, ?, ?)"
_ADD: Final = f"""{_PUT} SELECT {{0}}id, {{0}}thread_id, {{0}}at_ms,
    search_kind({{0}}body), search_tokens({{0}}body), prompt_hashes({{0}}body)"""
_ADD_AGAIN: Final = f"{_ADD.format('NEW.')} WHERE search_kind(NEW.body) IS NOT NULL;"
_REMOVE_OLD: Final = """INSERT INTO search (search, rowid, tokens)
        SELECT 'delete', id, search_tokens(OLD.body) FROM search_entry WHERE id = OLD.id;
    DELETE FROM search_entry WHERE id = OLD.id;"""
_IS_LONG: Final = "WHEN EXISTS (SELECT 1 FROM long_prompt WHERE id = OLD.id)"
_REMOVE_HASHES: Final = """DELETE FROM long_prompt WHERE id = OLD.id;
    DELETE FROM prompt_line WHERE line IN (SELECT value FROM json_each(prompt_hashes(OLD.body)) WHERE key > 0)
        AND text = json_extract(prompt_hashes(OLD.body), '$[0]')
        AND NOT EXISTS (SELECT 1 FROM long_prompt WHERE long_prompt.text = prompt_line.text);"""
INDEX_TRIGGERS: Final = tuple(
    f"CREATE TEMP TRIGGER IF NOT EXISTS search_{name} {when} BEGIN {what} END"
    for name, when, what in (
        ("outdated", "BEFORE UPDATE OF body, retracted ON event", _REMOVE_OLD),
        ("outdated_hashes", f"BEFORE UPDATE OF body, retracted ON event {_IS_LONG}", _REMOVE_HASHES),
        ("changed", "AFTER UPDATE OF body, retracted ON event WHEN NEW.retracted = 0", _ADD_AGAIN),
        ("removed", "BEFORE DELETE ON event", _REMOVE_OLD),
        ("removed_hashes", f"BEFORE DELETE ON event {_IS_LONG}", _REMOVE_HASHES),
    )
)
"""Temporary triggers by which the index follows each event that a connection with these `functions` changes or
removes."""
_HAS_FTS5: Final = "SELECT EXISTS (SELECT 1 FROM pragma_module_list WHERE name = 'fts5')"
_STATE: Final = "SELECT pending_to FROM search_state"
_RESTART: Final = """INSERT OR REPLACE INTO search_state (id, version, pending_to)
    VALUES (1, ?, (SELECT coalesce(max(id), 0) FROM event))"""
# In the order of their ids, as FTS5 writes its buffer to the disk whenever an id is lower than the one before it.
_INDEX: Final = f"""{_ADD.format("")} FROM event WHERE id > ? AND id <= ? AND retracted = 0
    AND search_kind(body) IS NOT NULL ORDER BY id"""

Entry = tuple[int, str, str | None]
"""The number of an event's kind, its tokens, and the hashes of a long prompt."""


def prepare_index(db: sqlite3.Connection, *, afresh: bool) -> None:
    """Makes sure that there is an index of this version, and empties it if `afresh` or if it was of another one.
    Blocks. Raises UserError without FTS5."""
    if db.execute(_HAS_FTS5).fetchone() != (1,):
        raise UserError(
            "This Python's SQLite has no full-text search (FTS5), which Carryover needs. Nothing was read or changed. "
            "Install Carryover with another Python."
        )
    if not afresh and db.execute("SELECT version FROM search_state").fetchone() == (INDEX_VERSION,):
        return
    with transaction(db):
        for statement in _CREATE:
            db.execute(statement)
        db.execute(_RESTART, (INDEX_VERSION,))


def clear_index(db: sqlite3.Connection) -> None:
    """Empties the index, so that `index_more` indexes every event again."""
    db.execute("INSERT INTO search (search) VALUES ('delete-all')")
    for table in ("search_entry", "long_prompt", "prompt_line"):
        db.execute(f"DELETE FROM {table}")
    db.execute(_RESTART, (INDEX_VERSION,))


def index_more(db: sqlite3.Connection) -> bool:
    """Indexes the newest events that are not indexed yet, at most `EVENTS_PER_STEP`; returns whether there were any."""
    ((pending_to,),) = db.execute(_STATE)
    if not pending_to:
        return False
    step = "SELECT coalesce(min(id), 1) - 1 FROM (SELECT id FROM event WHERE id <= ? ORDER BY id DESC LIMIT ?)"
    ((before,),) = db.execute(step, (pending_to, EVENTS_PER_STEP))
    db.execute("UPDATE search_state SET pending_to = ?", (before,))
    db.execute(_INDEX, (before, pending_to))
    return True


def compact_index(db: sqlite3.Connection) -> None:
    """Rewrites the index as one piece, which is what actually removes the tokens of removed events."""
    db.execute("INSERT INTO search (search) VALUES ('optimize')")


def index_new(db: sqlite3.Connection, events: Iterable[tuple[int, int, int, AnyBody]]) -> None:
    """Indexes events that were just inserted: id, thread, time and body of each."""
    ((pending_to,),) = db.execute(_STATE)
    tokens: list[tuple[int, str]] = []
    plain: list[tuple[int, int, int, int]] = []
    others: list[tuple[int, int, int, int, str, str | None]] = []
    for event_id, thread_id, at_ms, body in events:
        if (entry := index_entry(body)) is None:
            continue
        kind, found, hashes = entry
        if hashes is None and event_id > pending_to:
            tokens.append((event_id, found))
            plain.append((event_id, thread_id, at_ms, kind))
        else:
            others.append((event_id, thread_id, at_ms, *entry))
    # Only what needs it goes through the view: FTS5 writes its buffer to the disk whenever a trigger adds a row, which
    # takes three times as long.
    db.executemany(_PUT_TOKENS, tokens)
    db.executemany(_PUT_ENTRY, plain)
    db.executemany(f"{_PUT} VALUES (?, ?, ?, ?, ?, ?)", others)


def index_entry(body: AnyBody) -> Entry | None:
    """Returns what the index holds of an event; None if it is not searched."""
    if (found := searchable(body)) is None:
        return None
    kind, text = found
    tokens = index_text(text)
    return (KINDS.index(kind), tokens, prompt_hashes(body)) if tokens else None


def functions() -> dict[str, Callable[[str | bytes], int | str | None]]:
    """Returns what the triggers call. To delete an event's tokens, FTS5 needs the same ones again."""

    @lru_cache(maxsize=1)
    def entry_of(stored: str | bytes) -> Entry | None:
        return index_entry(decode_body(stored))

    def part(number: int) -> Callable[[str | bytes], int | str | None]:
        def of(stored: str | bytes) -> int | str | None:
            entry = entry_of(stored)
            return entry[number] if entry is not None else None

        return of

    return {name: part(number) for number, name in enumerate(("search_kind", "search_tokens", "prompt_hashes"))}
