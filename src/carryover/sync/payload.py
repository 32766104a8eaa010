"""The data that machines exchange. A payload is one bounded piece of a machine's ledger.

It is decoded strictly and within bounds, since it comes from outside; `incoming` judges whether its texts make sense.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec

PIECE_BYTES: Final = 2 << 20
"""About how many bytes of bodies a piece may hold. One event may be larger, since prompts are never cut."""
LARGEST_PAYLOAD: Final = 96 << 20
"""Bytes that a payload may have."""
LARGEST_BODY: Final = 16 << 20
"""Bytes of the body of one event; a larger one stays on its machine."""
_MOST: Final = 20_000
"""How many sessions and events a payload may have."""

MachineId = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{16}$")]
MachineName = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{1,32}\Z")]
Key = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
Time = Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]


class SyncedSession(msgspec.Struct, frozen=True, omit_defaults=True):
    """A session. `root` is its project, or None while no folder is known. Everything else is in its
    events."""

    agent: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    native_id: Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]
    root: Annotated[str, msgspec.Meta(min_length=1, max_length=4_096)] | None = None


class SyncedEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event. `session` is an index into `Payload.sessions`; `body` is the JSON of a `model.AnyBody`.

    A newer version may have kinds of bodies that this one does not know: `incoming` counts and skips them.
    """

    session: Annotated[int, msgspec.Meta(ge=0, lt=_MOST)]
    key: Key
    at_ms: Time
    body: bytes
    secondary_key: Key | None = None
    subagent_id: Annotated[str, msgspec.Meta(max_length=1_000)] | None = None
    retracted: bool = False


class Payload(msgspec.Struct, frozen=True, omit_defaults=True):
    """One piece of a machine's ledger. Taking it twice, or in another order, changes nothing."""

    sessions: Annotated[tuple[SyncedSession, ...], msgspec.Meta(max_length=_MOST)] = ()
    events: Annotated[tuple[SyncedEvent, ...], msgspec.Meta(max_length=_MOST)] = ()
    replaced: Annotated[tuple[Key, ...], msgspec.Meta(max_length=_MOST)] = ()
    """Keys of events that a better source of the same session has replaced there."""

    def __post_init__(self) -> None:
        if any(event.session >= len(self.sessions) for event in self.events):
            raise ValueError("an event of no session")
