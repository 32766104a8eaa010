"""How far a conversation was given out whose messages may change or vanish. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, Literal

import msgspec

from carryover.adapter.contract import Stamp
from carryover.agents.cursor.talk.record import Gone

MAX_UNDONE: Final = 1000
ID_CHARS: Final = 16
"""How much of an id stands for it: a quarter of a SHA-256 is unlike any other in a conversation."""

_ID_BYTES: Final = ID_CHARS // 2
_KNOWN_BYTES: Final = _ID_BYTES + 1


class Known(msgspec.Struct, frozen=True, array_like=True):
    """A message given out: the beginning of its id, how many parts it has (at most 127), whether a user typed it."""

    id: str
    blocks: int
    typed: bool = False


class Position(msgspec.Struct, frozen=True, array_like=True):
    """The messages given out in their order, nine bytes each, and what was told of the conversation.

    `root` is the root they are of, None while some of it were not given out yet. `undone` holds ids that the user took
    back: one that comes back is another occurrence.
    """

    root: str | None = None
    given: bytes = b""
    undone: bytes = b""
    workspace: str | None = None
    """The workspace that the last root named."""
    told: bytes = b""
    """The facts of the conversation as they were last given out."""
    refused: str = ""
    """What could not be understood, which is counted once."""
    number: int = 0
    """Records given out so far."""
    seen: Stamp = Stamp(-1, 0)


def decoded(cursor: bytes | None) -> Position | None:
    """The position in a cursor (the beginning where there is none); None where it is of another form."""
    if cursor is None:
        return Position()
    try:
        return msgspec.msgpack.decode(cursor, type=Position)
    except msgspec.MsgspecError:
        return None


def given_in(position: Position) -> list[Known]:
    given = position.given
    return [
        Known(given[at : at + _ID_BYTES].hex(), given[at + _ID_BYTES] & 127, given[at + _ID_BYTES] > 127)
        for at in range(0, len(given) - _ID_BYTES, _KNOWN_BYTES)
    ]


def undone_in(position: Position) -> list[str]:
    return [position.undone[at : at + _ID_BYTES].hex() for at in range(0, len(position.undone), _ID_BYTES)]


def after(position: Position, *, root: str | None, given: Iterable[Known], undone: Sequence[str]) -> Position:
    """`position` with these messages given out, and these ids taken back."""
    return msgspec.structs.replace(
        position,
        root=root,
        given=b"".join(bytes.fromhex(one.id) + bytes((one.blocks | one.typed << 7,)) for one in given),
        undone=b"".join(bytes.fromhex(ident) for ident in undone[-MAX_UNDONE:]),
        refused="",
    )


def in_common(former: Sequence[Known], shorts: Sequence[str]) -> int:
    """How many messages both begin with in common."""
    for place, (known, short) in enumerate(zip(former, shorts, strict=False)):
        if known.id != short:
            return place
    return min(len(former), len(shorts))


def occurrences(known: Iterable[Known], undone: Iterable[str]) -> list[Gone]:
    """Each message with how often it came before it."""
    before = Counter(undone)
    found = []
    for one in known:
        found.append(Gone(one.id, before[one.id], one.blocks))
        before[one.id] += 1
    return found


Follower = Literal["nothing", "typed", "answer", "other"]
"""The first new message where others vanished: none, a prompt that a user typed, the model's or a tool's, or a text
of the client's."""


def taken_back(lost: Sequence[Known], kept: Counter[str], follower: Follower) -> list[bool]:
    """Which of the messages that stand no longer where they stood no longer count; `kept` are those still there.

    A user who goes back leaves nothing of what came after, or types something else. A message that is written anew has
    an answer in its place. A compaction makes messages vanish too, prompts among them, but puts a text of the client's
    in their place: what was said then stays true.
    """
    there = kept.copy()
    gone = []
    for one in lost:
        gone.append(there[one.id] == 0)
        there[one.id] -= there[one.id] > 0
    if kept.total() == 0 and follower in ("nothing", "typed"):
        return gone
    if follower == "answer" and not any(one.typed for one, is_gone in zip(lost, gone, strict=True) if is_gone):
        return gone
    return [False] * len(lost)
