"""Tombstones keep forgotten events from coming back out of transcripts. Everything runs inside the open transaction.

A tombstone excludes a period of a session, a conversation, a project or everything, and holds no content. The keys of
removed events, shortened to 62 bits, identify copies in another session (a fork) and records without a time. A copy of
all of them is kept beside the ledger, for a new one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final

import msgspec

from carryover.facts import ProjectRoot
from carryover.fsio import atomic_replace, read_bytes_bounded
from carryover.ledger.batch import ReadyEvent, among, grouped, identity, in_parts, rank_of
from carryover.ledger.transaction import transaction
from carryover.model import TokensUsed, conversation_of

EVERYTHING: Final = identity(b"all")
"""The scope of a tombstone for all sessions."""

_RULES: Final = "SELECT scope, from_ms, until_ms, rank FROM forgotten"
_PUT: Final = "INSERT OR IGNORE INTO forgotten (scope, from_ms, until_ms, rank) VALUES (?, ?, ?, ?)"
_PUT_KEY: Final = "INSERT OR IGNORE INTO forgotten_event (id) VALUES (?)"
_MOST_BYTES: Final = 1 << 30
_Stored = Annotated[int, msgspec.Meta(le=(1 << 63) - 1)]
"""A number that SQLite can store, which one in a damaged file need not be."""
_ROOTS: Final = """SELECT root FROM session JOIN project ON project.id IN (project_id, recorded_project_id)
    WHERE agent = ? AND native_id = ?"""


class Tombstone(msgspec.Struct, frozen=True):
    """Excludes events in `scope`, a 16-byte hash, from `from_ms` to before `until_ms` (UTC ms)."""

    scope: bytes
    from_ms: _Stored
    until_ms: _Stored
    rank: _Stored = 0
    """Excludes events from sources of a lesser rank (`Source.rank`) at any time: they never counted, so their keys are
    unknown. 0 for everything but a session."""


class Tombstones(msgspec.Struct, frozen=True):
    """Everything that a ledger has forgotten. `keys` are the stored keys of removed events."""

    rules: tuple[Tombstone, ...] = ()
    keys: tuple[_Stored, ...] = ()


def session_scope(agent: str, session: str) -> bytes:
    """Returns the scope of one session."""
    return identity(b"session", agent, session)


def conversation_scope(agent: str, conversation: str) -> bytes:
    """Returns the scope of a conversation, whichever folders its turns were in."""
    return identity(b"conversation", agent, conversation)


def project_scope(root: str) -> bytes:
    """Returns the scope of the project at `root`."""
    # A path need not be UTF-8.
    return identity(b"project", root.encode("utf-8", "surrogateescape").hex())


def short_key(key: bytes) -> int:
    """Returns the stored key of a removed event: its first 62 bits, as an integer id, which salvaging can read."""
    return int.from_bytes(key[:8]) >> 2


def stored_tombstones(db: sqlite3.Connection) -> Tombstones:
    """Returns all tombstones of a ledger. Blocking."""
    rules = tuple(Tombstone(*row) for row in db.execute(_RULES))
    return Tombstones(rules, tuple(key for (key,) in db.execute("SELECT id FROM forgotten_event")))


def put_tombstones(db: sqlite3.Connection, tombstones: Tombstones) -> None:
    """Adds tombstones to the stored ones."""
    db.executemany(_PUT, map(msgspec.structs.astuple, tombstones.rules))
    db.executemany(_PUT_KEY, [(key,) for key in tombstones.keys])


def forgotten_file(ledger: Path) -> Path:
    """Returns the file with what was forgotten, as digests, for a new ledger at the same place."""
    return ledger.with_name(f"{ledger.name}.forgotten")


def keep_copy(db: sqlite3.Connection, ledger: Path) -> None:
    """Writes the tombstones of the ledger at `ledger`, which is open, beside it. Raises OSError. Blocks."""
    atomic_replace(forgotten_file(ledger), msgspec.msgpack.encode(stored_tombstones(db)), mode=0o600, follow=False)


def kept_copy(ledger: Path) -> Tombstones:
    """Returns the tombstones beside the ledger at `ledger`; none if they cannot be read. Blocks."""
    try:
        kept = read_bytes_bounded(forgotten_file(ledger), _MOST_BYTES, follow=False)
        return msgspec.msgpack.decode(kept, type=Tombstones)
    except (OSError, msgspec.MsgspecError):
        return Tombstones()


def put_copy(db: sqlite3.Connection, ledger: Path) -> None:
    """Adds the tombstones beside the ledger at `ledger` to those in `db`, which may be that of a new one. Blocks."""
    kept, there = kept_copy(ledger), stored_tombstones(db)
    if set(there.rules).issuperset(kept.rules) and set(there.keys).issuperset(kept.keys):
        return
    with transaction(db):
        put_tombstones(db, kept)


def remove_tombstones(db: sqlite3.Connection, agent: str, entries: Sequence[ReadyEvent]) -> None:
    """Removes the tombstones of `entries` and of their sessions. Tombstones of projects stay, since they also cover
    other events."""
    for marks, keys in in_parts([short_key(entry.key) for entry in entries]):
        db.execute(f"DELETE FROM forgotten_event WHERE id IN ({marks})", keys)
    for session in {entry.event.session for entry in entries}:
        scopes = session_scope(agent, session), conversation_scope(agent, conversation_of(session))
        db.execute("DELETE FROM forgotten WHERE scope IN (?, ?)", scopes)


def forgotten_ms(db: sqlite3.Connection, agent: str, sessions: Iterable[str], roots: Iterable[str]) -> int | None:
    """Returns the time (UTC ms) up to which these sessions were forgotten; None if none were or no time is known."""
    found = {EVERYTHING, *map(project_scope, roots)}
    for session in sessions:
        found |= {session_scope(agent, session), conversation_scope(agent, conversation_of(session))}
    marks = ",".join("?" * len(found))
    newest = f"SELECT max(until_ms) FROM forgotten WHERE until_ms > 0 AND scope IN ({marks})"
    ((until_ms,),) = db.execute(newest, sorted(found)).fetchall()
    return None if until_ms is None else int(until_ms)


def without_forgotten(
    db: sqlite3.Connection,
    agent: str,
    entries: Sequence[ReadyEvent],
    roots: Mapping[str, ProjectRoot],
    *,
    rank: int,
) -> list[ReadyEvent]:
    """Returns the entries that no tombstone excludes; stored events are never excluded."""
    removed = among(db, "forgotten_event", "id", [short_key(entry.key) for entry in entries])
    covered = _covered(db, agent, entries, roots, rank)
    excluded = covered - among(db, "event", "key", sorted(covered))
    return [entry for entry in entries if short_key(entry.key) not in removed and entry.key not in excluded]


def tokens_not_forgotten(db: sqlite3.Connection, agent: str, tokens: Sequence[TokensUsed]) -> list[TokensUsed]:
    """Returns those of a time that no tombstone covers. A session that is forgotten whole has no row to count for."""
    rules: dict[str, list[Tombstone]] = {}
    for session in {used.session for used in tokens}:
        roots = db.execute(_ROOTS, (agent, session))
        rules[session] = _rules(db, agent, session, {project_scope(root) for (root,) in roots})
    return [used for used in tokens if not _is_within(used.at_ms, rules[used.session])]


def _covered(
    db: sqlite3.Connection,
    agent: str,
    entries: Sequence[ReadyEvent],
    roots: Mapping[str, ProjectRoot],
    rank: int,
) -> set[bytes]:
    """Returns the keys of the entries that a tombstone covers, by its scope and by time or rank.

    Not every record names its folder, so a session that a project's tombstone covers gets its own.
    """
    covered: set[bytes] = set()
    for session, theirs in grouped(entries, lambda entry: entry.event.session).items():
        # The roots of the session's project: of the stored one, or of the one it would get.
        of_project = {root for (root,) in db.execute(_ROOTS, (agent, session))}
        known = [entry.event for entry in theirs if entry.event.cwd in roots]
        if known and not of_project:
            first = next((event for event in known if event.subagent_id is None), known[0])
            of_project = {roots[first.cwd or ""].root}
        projects = {project_scope(root) for root in of_project}
        rules = _rules(db, agent, session, projects)
        is_lesser = any(rank_of(rank, theirs) < rule.rank for rule in rules)
        found = {entry.key for entry in theirs if is_lesser or _is_within(entry.event.at_ms, rules)}
        if found:
            of_projects = (rule for rule in rules if rule.scope in projects)
            scope = session_scope(agent, session)
            narrowed = [Tombstone(scope, rule.from_ms, rule.until_ms) for rule in of_projects]
            put_tombstones(db, Tombstones(tuple(narrowed)))
        covered |= found
    return covered


def _rules(db: sqlite3.Connection, agent: str, session: str, projects: Collection[bytes]) -> list[Tombstone]:
    """Returns the tombstones that may cover a session, whose projects have these scopes."""
    of_session = session_scope(agent, session), conversation_scope(agent, conversation_of(session))
    scopes = [EVERYTHING, *of_session, *projects]
    marks = ",".join("?" * len(scopes))
    stored = db.execute(f"{_RULES} WHERE scope IN ({marks})", scopes)
    return [Tombstone(*row) for row in stored]


def _is_within(at_ms: int, rules: Iterable[Tombstone]) -> bool:
    return any(rule.from_ms <= at_ms < rule.until_ms for rule in rules)
