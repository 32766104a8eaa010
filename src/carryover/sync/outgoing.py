"""Reads from the ledger what other machines have not been sent yet. A position is a place in its change log."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path
from sqlite3 import Connection
from typing import Final, NamedTuple

import msgspec

from carryover.config import load_config, project_settings
from carryover.ledger.codec import DamagedBody, decode_body
from carryover.ledger.connect import connect_read_only
from carryover.ledger.machines import (
    OwnChange,
    log_id,
    own_changes,
)
from carryover.ledger.queries import whereabouts
from carryover.ledger.rows import RETRACTED, SUPERSEDED
from carryover.paths import StateDir
from carryover.sync.payload import (
    LARGEST_BODY,
    LARGEST_PAYLOAD,
    PIECE_BYTES,
    Payload,
    SyncedEvent,
    SyncedSession,
)

_ROWS: Final = 500
_MOST_EVENTS: Final = 10_000
"""Events of one piece, which the other machine stores in one transaction."""
_MOST_BYTES: Final = LARGEST_PAYLOAD // 2
"""Bytes of the bodies of one piece, as they are sent."""
_LONGEST_ID: Final = 1_000
_LONGEST_ROOT: Final = 4_096


class LedgerOutgoing:
    """Reads from this machine's ledger what is to be sent. Every method blocks."""

    def __init__(self, state: StateDir) -> None:
        self._state = state

    def told(self) -> frozenset[int]:
        """Returns the projects that others may be told of."""
        return self._roots.allowed

    @cached_property
    def _roots(self) -> _Roots:
        """The projects; others may be told of those that are not excluded, and folders here. Known once for a
        sync: one whose disk hangs in between would be skipped, and never be told of later."""
        config = load_config(self._state.config)
        with closing(connect_read_only(self._state.ledger)) as db:
            of = {row.id: row.root for row in whereabouts(db)}
        shared = {
            project
            for project, root in of.items()
            if root.startswith("/")
            and len(root) <= _LONGEST_ROOT
            and project_settings(Path(root), config).excluded is None
        }
        return _Roots(of, frozenset(shared), of.keys() - shared)

    def pieces(self, after: int) -> Iterator[tuple[Payload, int]]:
        """Yields what is new after number `after` of the log in bounded pieces, each with its last number; nothing
        while Carryover is paused. Only this machine's own rows, and only of projects that are sent."""
        with closing(connect_read_only(self._state.ledger)) as db:
            if log_id(db) is not None and not self._state.paused.exists():
                for batch in _batches(db, after):
                    yield from _pieces(batch, self._roots)

    def forgets(self) -> str:
        """Returns a text that changes as soon as more is forgotten, or the log of the ledger is another one."""
        with closing(connect_read_only(self._state.ledger)) as db:
            rules, newest = db.execute("SELECT count(*), coalesce(max(id), 0) FROM forgotten").fetchone()
            (keys,) = db.execute("SELECT count(*) FROM forgotten_event").fetchone()
            return f"{log_id(db)} {rules} {newest} {keys}"


class _Roots(NamedTuple):
    of: Mapping[int, str]
    allowed: frozenset[int]
    excluded: Collection[int]

    def allows(self, change: OwnChange) -> bool:
        """Whether others may be told of its project, and of that in which it was recorded if that was another."""
        return change.project_id in self.allowed and change.recorded_project_id not in self.excluded


def _batches(db: Connection, after: int) -> Iterator[list[OwnChange]]:
    batch: list[OwnChange] = []
    size = 0
    while rows := own_changes(db, after, limit=_ROWS):
        for row in rows:
            batch.append(row)
            size += len(row.body)
            if size >= PIECE_BYTES // 4 or len(batch) >= _MOST_EVENTS:  # what is stored may be compressed
                yield batch
                batch = []
                size = 0
        after = rows[-1].seq
    if batch:
        yield batch


def _pieces(rows: Sequence[OwnChange], roots: _Roots) -> Iterator[tuple[Payload, int]]:
    """Yields the payload of `rows` with their last number, or those of their halves: text that repeats itself is stored
    in a thousandth of its size."""
    payload = _payload(rows, roots)
    if len(rows) == 1 or sum(len(event.body) for event in payload.events) <= _MOST_BYTES:
        yield payload, rows[-1].seq
        return
    for half in (rows[: len(rows) // 2], rows[len(rows) // 2 :]):
        yield from _pieces(half, roots)


def _payload(rows: Sequence[OwnChange], roots: _Roots) -> Payload:
    sessions: dict[tuple[str, str], SyncedSession] = {}
    numbers: dict[tuple[str, str], int] = {}
    events: list[SyncedEvent] = []
    replaced: list[bytes] = []
    for row in sorted(filter(roots.allows, rows), key=lambda one: one.event_id):
        if max(len(row.session), len(row.subagent_id)) > _LONGEST_ID:
            continue
        if row.retracted >= SUPERSEDED:
            replaced.append(row.key)
            continue
        try:
            body = msgspec.json.encode(decode_body(row.body))
        except DamagedBody:  # the ledger is being mended; the mended event is a change again
            continue
        if len(body) > LARGEST_BODY:
            continue
        name = (row.agent, row.session)
        sessions[name] = SyncedSession(agent=row.agent, native_id=row.session, root=roots.of[row.project_id])
        event = SyncedEvent(
            session=numbers.setdefault(name, len(numbers)),
            key=row.key,
            at_ms=row.at_ms,
            body=body,
            secondary_key=row.secondary_key,
            subagent_id=row.subagent_id or None,
            retracted=row.retracted == RETRACTED,
        )
        events.append(event)
    return Payload(
        sessions=tuple(sessions.values()),
        events=tuple(events),
        replaced=tuple(replaced),
    )
