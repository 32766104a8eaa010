"""Where reading the editor's database stands: its cursor. Bounded, whatever the database holds."""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

MAX_RECENT: Final = 40
MAX_MARKS: Final = 6_000
"""Of all recent conversations together, 16 bytes each."""
MAX_MARKS_EACH: Final = 2_000
MAX_WAITING: Final = 300
MAX_OPEN: Final = 30
MAX_CHILDREN: Final = 300
MARK_BYTES: Final = 16
MANY_ROWS: Final = 2_000
"""So many rows may be looked at once more after a restart."""


class Seen(msgspec.Struct, array_like=True, frozen=True):
    """What was given out of one conversation.

    `marks` are the ids of bubbles, 16 bytes each, in the order they were given out, after the first `before` bubbles of
    the conversation. `takes` counts how often a bubble was given out and taken back, `loose` are those given out before
    they were final. `told` is a digest of what was last said of the conversation as a whole, `moved_ms` when its rows
    were last seen to be written. `beginning` is a digest of the first `before` bubbles. `late` are digests of the
    bubbles given out last, `stale` those of them that have changed since.
    """

    id: str
    updated_ms: int = 0
    before: int = 0
    marks: bytes = b""
    takes: dict[bytes, int] = {}
    loose: tuple[bytes, ...] = ()
    last_ms: int = 0
    told: int = 0
    moved_ms: int = 0
    beginning: bytes = b""
    late: dict[bytes, bytes] = {}
    stale: tuple[bytes, ...] = ()

    def given(self) -> list[bytes]:
        return [self.marks[at : at + MARK_BYTES] for at in range(0, len(self.marks), MARK_BYTES)]


class Place(msgspec.Struct, array_like=True, frozen=True):
    """How far the first read has come: it goes from what was written last to what was written first."""

    updated_ms: int
    rowid: int
    id: str


class State(msgspec.Struct, array_like=True, frozen=True):
    """`records`: how many were given out. `watermark_ms`: newest change of a conversation that was noticed. `rowid` and
    `last`: the last row that was looked at, and a digest of it. `begun` and `behind`: whether the first read has begun,
    and where it stands (None: done). `waiting`: conversations that changed and were not read to their end yet, `open`:
    those that are still written to. `children`: sub-agents and the conversation they belong to. `schema`: SQLite's
    count of changes to the schema, which goes up too when rows are numbered anew. `complete`: history was once read to
    its end."""

    records: int = 0
    watermark_ms: int = 0
    rowid: int = 0
    last: int = 0
    begun: bool = False
    behind: Place | None = None
    waiting: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    recent: tuple[Seen, ...] = ()
    children: dict[str, str] = {}
    schema: int = 0
    complete: bool = False


def worth_storing(stored: State, after: State) -> bool:
    """`after` knows more than `stored` that a restart should not have to find out again."""
    return not 0 <= after.rowid - stored.rowid < MANY_ROWS or _lasting(stored) != _lasting(after)


def _lasting(state: State) -> State:
    """A state without what is different after each look while somebody writes."""
    seen = (msgspec.structs.replace(seen, updated_ms=0, moved_ms=0) for seen in state.recent)
    recent = tuple(sorted(seen, key=lambda seen: seen.id))
    return msgspec.structs.replace(state, rowid=0, last=0, watermark_ms=0, recent=recent)


def decoded(cursor: bytes | None) -> State | None:
    """The state in a cursor, None where there is none or it is not ours."""
    if cursor is None:
        return None
    try:
        return msgspec.msgpack.decode(cursor, type=State)
    except msgspec.MsgspecError:
        return None


def encoded(state: State) -> bytes:
    return msgspec.msgpack.encode(state)


def kept(recent: list[Seen], current: str | None) -> tuple[Seen, ...]:
    """The conversations to remember: the newest, as many as fit, and the one that is being read."""
    newest = sorted(recent, key=lambda seen: (seen.id == current, seen.updated_ms, seen.id), reverse=True)
    found: list[Seen] = []
    room = MAX_MARKS
    for seen in newest[:MAX_RECENT]:
        room -= len(seen.marks) // MARK_BYTES + len(seen.takes)
        if room >= 0:
            found.append(seen)
    return tuple(found)


def trimmed(seen: Seen, order: list[bytes]) -> Seen:
    """`seen` with no more marks than may be kept. `order` is the conversation as it is now: of its beginning, where all
    was given out, the number is enough."""
    marks = seen.given()
    seen = msgspec.structs.replace(seen, beginning=beginning_of(order, seen.before))
    if len(marks) <= MAX_MARKS_EACH:
        return seen
    given = set(marks)
    before = seen.before
    while before < len(order) and order[before] in given and len(given) > MAX_MARKS_EACH // 2:
        given.discard(order[before])
        before += 1
    rest = b"".join(mark for mark in marks if mark in given)
    return msgspec.structs.replace(
        seen,
        before=before,
        marks=rest[-MAX_MARKS_EACH * MARK_BYTES :],
        beginning=beginning_of(order, before),
    )


def beginning_of(order: list[bytes], before: int) -> bytes:
    """A digest of a conversation's first bubbles."""
    return hashlib.blake2b(b"".join(order[:before]), digest_size=8).digest() if before else b""
