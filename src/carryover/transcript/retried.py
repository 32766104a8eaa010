"""Requests that failed and may be tried again, with a record of each try: the turn has ended until an answer comes.

Seen in Qwen Code 0.24 and pi 1.5. Parsers keep the `Failure` in their context.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from carryover.model import AnyBody, Event, Retracted
from carryover.records.fields import SHORT_CHARS, bounded
from carryover.records.resets import failed_turn


class Failure(msgspec.Struct, frozen=True):
    """The key of the event that ended a turn, and the request that had failed."""

    id: str
    name: str


class _Remembering(Protocol):
    @property
    def failed(self) -> Failure | None: ...


class Builder(Protocol):
    """The builder of a record's events (an `adapter.base.EventBuilder`), whose context has `failed`."""

    at_ms: int

    @property
    def context(self) -> _Remembering:
        """What is remembered from one record to the next."""

    @property
    def events(self) -> Sequence[Event]:
        """The events of the record so far."""

    def change(self, **changes: object) -> None:
        """Replaces fields of the context."""

    def add(self, body: AnyBody, part: str) -> None:
        """Adds an event; `part` is its place in the record."""


def fail(builder: Builder, request: str, said: str, *, limited: bool) -> None:
    """Ends the turn with what the provider said; only once for the tries of one request."""
    request = bounded(request, SHORT_CHARS)
    failed = builder.context.failed
    if not said or (failed is not None and failed.name == request):
        return
    builder.add(failed_turn(said, builder.at_ms, limited=limited), "end")
    if builder.events:
        builder.change(failed=Failure(builder.events[-1].key, request))


def recover(builder: Builder) -> None:
    """Takes back the end of the turn, since an answer came."""
    if builder.context.failed is not None:
        builder.add(Retracted(keys=(builder.context.failed.id,)), "recovered")
        builder.change(failed=None)
