"""Reads from the ledger what other machines have not been sent yet. A position is a place in its change log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from carryover.config import load_config, project_settings
from carryover.ledger.codec import DamagedBody, decode_body
from carryover.ledger.connect import connect_read_only
from carryover.ledger.machines import OwnChange, log_id, own_changes
from carryover.ledger.queries import whereabouts
from carryover.ledger.rows import RETRACTED, SUPERSEDED
from carryover.paths import StateDir
from carryover.sync.payload import LARGEST_BODY, PIECE_BYTES, Payload, SyncedEvent, SyncedSession

_MOST_EVENTS: Final = 10_000
"""Events of one piece, which the other machine stores in one transaction."""
_LONGEST_ID: Final = 1_000
_LONGEST_ROOT: Final = 4_096


class LedgerOutgoing:
    """Reads from this machine's ledger what is to be sent. Every method blocks."""

    def __init__(self, state: StateDir) -> None:
        self._state = state

    def sent_projects(self) -> frozenset[int]:
        """Returns the projects that are sent to other machines: those that are folders here and are not excluded."""
        config = load_config(self._state.config)
        with closing(connect_read_only(self._state.ledger)) as db:
            known = whereabouts(db)
        return frozenset(
            row.id
            for row in known
            if row.root.startswith("/")
            and len(row.root) <= _LONGEST_ROOT
            and project_settings(Path(row.root), config).excluded is None
        )

    def pieces(self, after: int) -> Iterator[tuple[Payload, int]]:
        """Yields what is new after number `after` of the log in bounded pieces, each with its last number; nothing
        while Carryover is paused. Only this machine's own rows, and only of projects that are sent."""
        with closing(connect_read_only(self._state.ledger)) as db:
            if log_id(db) is None or self._state.paused.exists():
                return
            rows: list[tuple[OwnChange, bytes]] = []
            size = 0
            for row in own_changes(db, after):
                rows.append((row, _body(row)))
                size += len(rows[-1][1])
                if size >= PIECE_BYTES or len(rows) >= _MOST_EVENTS:
                    yield _payload(rows), row.seq
                    rows = []
                    size = 0
            if rows:
                yield _payload(rows), row.seq

    def forgets(self) -> str:
        """Returns a text that changes as soon as more is forgotten, or the log of the ledger is another one."""
        with closing(connect_read_only(self._state.ledger)) as db:
            rules, newest = db.execute("SELECT count(*), coalesce(max(id), 0) FROM forgotten").fetchone()
            (keys,) = db.execute("SELECT count(*) FROM forgotten_event").fetchone()
            return f"{log_id(db)} {rules} {newest} {keys}"


def _body(row: OwnChange) -> bytes:
    """Returns the body of an event as it is sent; empty if it is not sent."""
    if row.retracted >= SUPERSEDED or max(len(row.session), len(row.subagent_id)) > _LONGEST_ID:
        return b""
    try:
        body = msgspec.json.encode(decode_body(row.body))
    except DamagedBody:  # the ledger is being mended; the mended event is a change again
        return b""
    return body if len(body) <= LARGEST_BODY else b""


def _payload(rows: list[tuple[OwnChange, bytes]]) -> Payload:
    roots = {(row.agent, row.session): row.root for row, _ in rows}  # the last one, if a session moved meanwhile
    rows.sort(key=lambda one: one[0].event_id)
    numbers: dict[tuple[str, str], int] = {}
    events = tuple(
        SyncedEvent(
            session=numbers.setdefault((row.agent, row.session), len(numbers)),
            key=row.key,
            at_ms=row.at_ms,
            body=body,
            secondary_key=row.secondary_key,
            subagent_id=row.subagent_id or None,
            retracted=row.retracted == RETRACTED,
        )
        for row, body in rows
        if body
    )
    return Payload(
        sessions=tuple(SyncedSession(*name, roots[name]) for name in numbers),
        events=events,
        replaced=tuple(row.key for row, _ in rows if row.retracted >= SUPERSEDED),
    )
