"""Reads from the ledger what other machines have not been sent yet. A position is a place in its change log."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from functools import cached_property
from pathlib import Path
from sqlite3 import Connection
from typing import Final, NamedTuple, Self

import msgspec

from carryover.config import load_config, project_settings
from carryover.decoders import decoder_of
from carryover.ledger.codec import DamagedBody, decode_body
from carryover.ledger.connect import connect_read_only
from carryover.ledger.machines import (
    OwnChange,
    forgettings,
    log_id,
    own_changes,
)
from carryover.ledger.queries import whereabouts
from carryover.ledger.rows import RETRACTED, SUPERSEDED
from carryover.paths import StateDir
from carryover.sync.payload import (
    LARGEST_BODY,
    PIECE_BYTES,
    Payload,
    SyncedEvent,
    SyncedSession,
    SyncedTombstone,
)

_ROWS: Final = 500
_MOST_EVENTS: Final = 10_000
"""Events of one piece, which the other machine stores in one transaction."""
_LONGEST_ID: Final = 1_000
_LONGEST_ROOT: Final = 4_096


class _Position(msgspec.Struct, frozen=True):
    """How far the log has been sent to the others: up to these numbers."""

    log: str
    done: int = 0
    forgotten: int = 0

    @classmethod
    def after(cls, text: str, log: str) -> Self:
        """Returns the position in `text`, or the beginning of `log` if `text` is damaged or about another log."""
        with suppress(msgspec.MsgspecError, UnicodeError):
            if (found := decoder_of(cls).decode(text)).log == log:
                return found
        return cls(log)

    @property
    def text(self) -> str:
        return msgspec.json.encode(self).decode()


class LedgerOutgoing:
    """Reads from this machine's ledger what is to be sent. Every method blocks."""

    def __init__(self, state: StateDir, projects: tuple[str, ...] | None) -> None:
        """`projects` are the roots that the user chose; None for all."""
        self._state = state
        self._projects = projects

    def told(self) -> frozenset[int]:
        """Returns the projects that others may be told of."""
        return self._roots.allowed

    @cached_property
    def _roots(self) -> _Roots:
        """The projects; others may be told of those that are chosen, not excluded, and folders here. Known once for a
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
        chosen = (project for project in shared if self._projects is None or of[project] in self._projects)
        return _Roots(of, frozenset(chosen), of.keys() - shared)

    def pieces(self, position: str) -> Iterator[tuple[Payload, str]]:
        """Yields what is new since `position` in bounded pieces, each with the position after it; nothing while
        Carryover is paused.

        Only this machine's own rows, and only of projects that are sent. A position is '' at first; one of another
        ledger counts as that. A piece that was not sent is yielded again for the position before it.
        """
        with closing(connect_read_only(self._state.ledger)) as db:
            log = log_id(db)
            if log is None or self._state.paused.exists():
                return
            at = _Position.after(position, log)
            for last, forgotten in forgettings(db, at.forgotten, limit=_MOST_EVENTS):
                at = msgspec.structs.replace(at, forgotten=last)
                stones = tuple(SyncedTombstone(one.scope, one.from_ms, one.until_ms) for one in forgotten.rules)
                yield Payload(tombstones=stones, forgotten_keys=forgotten.keys), at.text
            for batch in _batches(db, at.done):
                at = msgspec.structs.replace(at, done=batch[-1].seq)
                yield _payload(batch, self._roots), at.text

    def forgets(self) -> str:
        """Returns a text that changes as soon as more is forgotten, here or because another machine forgot it."""
        with closing(connect_read_only(self._state.ledger)) as db:
            rules, newest = db.execute("SELECT count(*), coalesce(max(id), 0) FROM forgotten").fetchone()
            (keys,) = db.execute("SELECT count(*) FROM forgotten_event").fetchone()
            return f"{rules} {newest} {keys}"


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
