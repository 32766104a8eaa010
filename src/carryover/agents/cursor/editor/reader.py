"""Reads the editor's global database: what changed since the last look first, then further back into history.

The editor rewrites rows in place, so nothing here goes by position. A bubble is given out once, when nothing will be
written to it any more; where the editor was killed in the middle of one, when nothing was for a minute. A bubble that
the conversation no longer lists is taken back.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from carryover.adapter.contract import Batch, Stamp
from carryover.agents.cursor.editor import state as editor_state
from carryover.agents.cursor.editor.folders import Workspaces
from carryover.agents.cursor.editor.look import Look
from carryover.agents.cursor.editor.state import State
from carryover.agents.cursor.editor.store import Store
from carryover.readers import sqlite
from carryover.readers.clock import utc_now_ms


class Held(msgspec.Struct, frozen=True):
    """What a look found out that brought nothing and is not worth storing: the ledger keeps the cursor it has."""

    cursor: bytes
    state: State


class EditorReader:
    """See `carryover.adapter.contract.Reader`."""

    def __init__(self, now_ms: Callable[[], int] = utc_now_ms) -> None:
        self._now_ms = now_ms
        self._workspaces = Workspaces()
        self._plans: dict[Path, tuple[editor_state.Place, ...]] = {}
        self._held: dict[Path, Held] = {}

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """The next records, about 1 MiB of them. Raises as `readers.sqlite.reading` does."""
        stored = editor_state.decoded(cursor)
        held = self._held.get(path)
        state = held.state if held is not None and held.cursor == cursor else stored
        changed_ms = sqlite.stamp(path).mtime_ns // 1_000_000
        look = sqlite.look_into(path, lambda db: self._look(db, path, state or State(), changed_ms))
        after = look.state()
        more = bool(after.waiting) or after.behind is not None
        return Batch(
            records=tuple(look.records),
            cursor=self._hold(path, cursor, stored, after, news=more or bool(look.records) or look.oversized > 0),
            restarted=cursor is not None and stored is None,
            more=more,
            oversized=look.oversized,
            look_again_s=look.look_again_s,
        )

    def _hold(self, path: Path, cursor: bytes | None, stored: State | None, after: State, *, news: bool) -> bytes:
        """The cursor to store: that which is stored while an answer is streamed, for it may have 200 KB."""
        if news or cursor is None or stored is None or editor_state.worth_storing(stored, after):
            self._held.pop(path, None)
            return editor_state.encoded(after)
        self._held[path] = Held(cursor, after)
        return cursor

    def stamp(self, path: Path) -> Stamp:
        """Size and time of the database and its WAL."""
        return sqlite.stamp(path)

    def _look(self, db: sqlite.Connection, path: Path, state: State, changed_ms: int) -> Look:
        look = Look(
            store=Store(db),
            storage=path.parent.parent / "workspaceStorage",
            workspaces=self._workspaces,
            before=state,
            now_ms=self._now_ms(),
            changed_ms=changed_ms,
        )
        if look.store.has_values:
            look.notice()
            look.read_waiting()
            if look.behind is not None:
                self._go_back(look, path)
        return look

    def _go_back(self, look: Look, path: Path) -> None:
        """Read history. The plan is kept while that lasts: it costs a walk through all keys."""
        if look.is_anew or path not in self._plans:
            self._plans[path] = look.plan()
        look.read_behind(self._plans[path])
        if look.behind is None:
            del self._plans[path]
