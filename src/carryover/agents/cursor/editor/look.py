"""One look into the editor's database: what is to be read, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Record
from carryover.agents.cursor.editor import state as editor_state
from carryover.agents.cursor.editor.conversation import Reading
from carryover.agents.cursor.editor.facts import conversation_of, identifiers_of, parent_of, updated_ms
from carryover.agents.cursor.editor.folders import Workspaces
from carryover.agents.cursor.editor.given import give_out
from carryover.agents.cursor.editor.records import (
    AnyRecord,
    PassedByRecord,
    encoded,
)
from carryover.agents.cursor.editor.state import Place, Seen, State
from carryover.agents.cursor.editor.store import Store
from carryover.agents.cursor.editor.wire import (
    Composer,
    Head,
    names_of,
    struct_of,
)
from carryover.readers.sqlite import TooLarge

READ_BYTES: Final = 1 << 20
READ_RECORDS: Final = 500
SETTLED_MS: Final = 60_000
"""A conversation that was not written to for that long is taken as it is."""

_TOP: Final = Place(updated_ms=1 << 62, rowid=0, id="")
_DAY_MS: Final = 86_400_000


@dataclass(slots=True)
class Look:
    """`storage`: the folder of the workspaces. `changed_ms`: when the database was last written to."""

    store: Store
    storage: Path
    workspaces: Workspaces
    before: State
    now_ms: int
    changed_ms: int
    records: list[Record] = field(default_factory=list)
    oversized: int = 0
    is_anew: bool = False
    """History is read from its end again, so an older plan no longer holds."""
    behind: Place | None = field(init=False)
    _waiting: list[str] = field(init=False)
    _open: list[str] = field(default_factory=list)
    _recent: dict[str, Seen] = field(init=False)
    _children: dict[str, str] = field(init=False)
    _row: tuple[int, int] = (0, 0)
    _watermark_ms: int = field(init=False)
    _written: dict[str, frozenset[str]] = field(default_factory=dict)
    _schema: int = 0
    _used_bytes: int = 0
    _current: str | None = None
    _due_ms: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.behind = self.before.behind
        self._waiting = list(self.before.waiting)
        self._recent = {seen.id: seen for seen in self.before.recent}
        self._children = dict(self.before.children)
        self._watermark_ms = self.before.watermark_ms
        self._row = (self.before.rowid, self.before.last)

    @property
    def is_full(self) -> bool:
        return self._used_bytes >= READ_BYTES or len(self.records) >= READ_RECORDS

    @property
    def look_again_s(self) -> float | None:
        """When the first of what is not final yet is taken as it is."""
        return max(1.0, (min(self._due_ms) - self.now_ms) / 1000 + 1.0) if self._due_ms else None

    def state(self) -> State:
        """Where reading stands after this look."""
        return State(
            records=self.before.records + len(self.records),
            watermark_ms=self._watermark_ms,
            rowid=self._row[0],
            last=self._row[1],
            begun=self.before.begun or self.store.has_values,
            behind=self.behind,
            waiting=tuple(self._waiting),
            open=tuple(dict.fromkeys(self._open))[-editor_state.MAX_OPEN :],
            recent=editor_state.kept(list(self._recent.values()), self._current),
            children=dict(list(self._children.items())[-editor_state.MAX_CHILDREN :]),
            schema=self._schema,
            complete=self.before.complete or (self.store.has_values and self.behind is None),
        )

    def notice(self) -> None:
        """Which conversations changed since the last look, and whether history is still to be read."""
        row, last = self.store.newest_row()
        listed = self._listed(self._watermark_ms)
        self._schema = self.store.schema()
        if not self.before.begun or row < self.before.rowid or self._schema != self.before.schema:
            self._begin_anew()
        else:
            changed = [ident for ident, at in listed.items() if self._is_news(ident, at)]
            changed.sort(key=lambda ident: -listed[ident])
            if (row, last) != (self.before.rowid, self.before.last):
                self._written = self.store.written_since(self.before.rowid, row)
                changed = [*self._written, *changed]
            self._wait_for([*changed, *self._waiting])
        self._row = (row, last)
        self._watermark_ms = max(self._watermark_ms, *listed.values()) if listed else self._watermark_ms

    def read_waiting(self) -> None:
        """Read what changed, newest first, and what is still being written to."""
        self._wait_for([*self._waiting, *self.before.open])
        for ident in list(self._waiting):
            if self.is_full or not self._read(ident):
                return
            self._waiting.remove(ident)

    def plan(self) -> tuple[Place, ...]:
        """Every conversation, what changed last first. Where no list says when, the newest row is."""
        updated = self._listed(0)
        places = [Place(updated.get(ident, 0), rowid, ident) for rowid, ident in self.store.composers()]
        return tuple(sorted(places, key=_order, reverse=True))

    def read_behind(self, plan: tuple[Place, ...]) -> None:
        """Go on reading history."""
        for place in plan:
            if self.behind is None or _order(place) >= _order(self.behind):
                continue
            if self.is_full or not self._read(place.id):
                return
            self.behind = place
        self.behind = None

    def _begin_anew(self) -> None:
        self.behind = _TOP
        self.is_anew = True

    def _listed(self, since_ms: int) -> dict[str, int]:
        """When listed conversations changed, without times that lie ahead."""
        updated = self.store.updated(since_ms)
        if not updated and not self.store.has_list:
            updated = self.workspaces.updated(self.storage)
        return {ident: at for ident, at in updated.items() if since_ms <= at <= self.now_ms + _DAY_MS}

    def _is_news(self, ident: str, at_ms: int) -> bool:
        seen = self._recent.get(ident)
        return at_ms > self.before.watermark_ms or (seen is not None and at_ms > seen.updated_ms)

    def _wait_for(self, idents: list[str]) -> None:
        self._waiting = list(dict.fromkeys(idents))
        if len(self._waiting) > editor_state.MAX_WAITING:
            del self._waiting[editor_state.MAX_WAITING :]
            self._begin_anew()

    def _read(self, ident: str) -> bool:
        """Read one conversation; False where it was left before its end."""
        try:
            data = self.store.composer(ident)
        except TooLarge:
            self.oversized += 1
            return True
        if data is None:
            return True
        composer = struct_of(data, Composer)
        seen = self._recent.get(ident, Seen(ident))
        if composer is None:
            self._pass_by(seen, PassedByRecord(what="conversation", why="not JSON"))
            return True
        head = self.store.head(ident) or Head()
        seen = msgspec.structs.replace(
            seen,
            updated_ms=max(seen.updated_ms, updated_ms(composer, head)),
            moved_ms=self.now_ms if ident in self._written else seen.moved_ms,
        )
        for child in names_of(composer.subagent_composer_ids):
            self._children[child] = ident
        return self._read_on(seen, composer, head, size=len(data))

    def _read_on(self, seen: Seen, composer: Composer, head: Head, *, size: int) -> bool:
        reading = Reading(composer, lambda bubble_id: self._load(seen.id, bubble_id))
        told_ms = seen.updated_ms if 0 < seen.updated_ms <= self.now_ms else min(self.changed_ms, self.now_ms)
        moved_ms = max(told_ms, min(seen.moved_ms, self.now_ms))
        settled = self.now_ms - moved_ms > SETTLED_MS
        parent = parent_of(seen.id, composer, head, self._children)
        if parent == seen.id and not settled:
            self._keep_open(seen, moved_ms, waits=True)
            return True
        folders = self.workspaces.folders_of(self.storage, seen.id, identifiers_of(composer, head))
        if folders.remote:
            self._pass_by(seen, PassedByRecord(what="conversation", why="remote workspace"))
            return True
        conversation = conversation_of(seen.id, composer, head, parent=parent, folders=folders)
        self._current = seen.id
        given = give_out(
            reading,
            conversation,
            seen,
            settled=settled,
            moved_ms=moved_ms,
            rewritten=self._written.get(seen.id, frozenset()),
            ghosts=lambda: self.store.bubble_ids(seen.id),
            may_be_forgotten=self.before.complete,
            take=self._takes,
        )
        self.oversized += given.oversized
        self._recent[seen.id] = given.seen
        if given.left_before_end:
            return False
        self._used_bytes += size
        self._current = None
        if given.waits or (reading.is_generating and not settled):
            self._keep_open(given.seen, moved_ms, waits=given.waits)
        return True

    def _takes(self, record: AnyRecord | None) -> bool:
        """Take a record, and say whether there is no more room."""
        if record is not None:
            self.records.append(Record(number=self.before.records + len(self.records) + 1, data=encoded(record)))
        return self.is_full

    def _load(self, ident: str, bubble_id: str) -> bytes | None:
        data = self.store.bubble(ident, bubble_id)
        self._used_bytes += len(data or b"")
        return data

    def _pass_by(self, seen: Seen, record: PassedByRecord) -> None:
        """Say once that a conversation is not read."""
        mark = -1 if record.why == "not JSON" else -2
        if seen.told != mark:
            self._takes(record)
        self._recent[seen.id] = msgspec.structs.replace(seen, told=mark)

    def _keep_open(self, seen: Seen, moved_ms: int, *, waits: bool) -> None:
        self._recent[seen.id] = seen
        self._open.append(seen.id)
        if waits:
            self._due_ms.append(moved_ms + SETTLED_MS)


def _order(place: Place) -> tuple[int, int, str]:
    return place.updated_ms, place.rowid, place.id
