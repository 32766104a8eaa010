"""The input and result of one commit."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal, TypeVar

import msgspec

from carryover.adapter.contract import Reemitted
from carryover.facts import ProjectRoot
from carryover.ledger.codec import encode_body
from carryover.model import Event, Retracted, Skipped, TokensUsed, WindowUsed
from carryover.records.fields import LATEST_MS

SourceStatus = Literal["active", "gone", "broken"]

READ_IN_PART: Final = -1
"""Replaces the size of a source that must be read again because its end was not reached or is not final. No file has
this size, so the source counts as changed until then."""

_PARAMETERS: Final = 500

_K = TypeVar("_K")
_T = TypeVar("_T")


class ReadyEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One event, ready to be stored: redacted, bounded, encoded."""

    event: Event
    key: bytes
    """16-byte hash of agent and key."""
    secondary_key: bytes | None
    """16-byte hash of agent, session and the event's secondary key."""
    body: str | bytes
    redacted: Mapping[str, int] = {}
    """Secrets removed from this event, by kind. Counted only if the event is new."""
    retracts: tuple[bytes, ...] = ()
    """Keys of the events that this one retracts."""
    restores: tuple[bytes, ...] = ()
    """Keys of the retracted events that count again because of this one."""
    retracts_since_ms: int | None = None
    """Time from which this one retracts what was said in its session (UTC ms)."""

    @property
    def switches(self) -> bool:
        """Whether it changes which events count."""
        return bool(self.retracts or self.restores) or self.retracts_since_ms is not None

    @property
    def thread(self) -> tuple[str, str]:
        """Session and sub-agent; the latter is '' for the main conversation."""
        return self.event.session, self.event.subagent_id or ""

    @classmethod
    def of(cls, agent: str, event: Event, redacted: Mapping[str, int]) -> ReadyEvent:
        """Encodes an event. Raises UnicodeEncodeError if a text is not valid UTF-8 (half of a surrogate pair)."""
        f"{event.session}{event.subagent_id}{event.cwd}".encode()
        at_ms = min(max(event.at_ms, 0), LATEST_MS)
        retracted = event.body if isinstance(event.body, Retracted) else Retracted()
        return cls(
            event=event if at_ms == event.at_ms else msgspec.structs.replace(event, at_ms=at_ms),
            key=event_key(agent, event.key),
            secondary_key=None
            if event.secondary_key is None
            else identity(b"twin", agent, event.session, event.secondary_key),
            body=encode_body(event.body),
            redacted=redacted,
            retracts=tuple(event_key(agent, key) for key in retracted.keys),
            restores=tuple(event_key(agent, key) for key in retracted.restored),
            retracts_since_ms=retracted.since_ms,
        )


class PreparedBatch(msgspec.Struct, frozen=True, kw_only=True):
    """One read of a source, ready to be committed together with the position after it."""

    cursor: bytes
    context: bytes
    context_without_text: bytes = b""
    """The context with ids and paths only, stored instead if a tombstone excludes any of the entries."""
    size: int
    mtime_ns: int
    """Size and time of the source from before the read, so that anything added meanwhile still counts as a change. The
    size is `READ_IN_PART` if the batch did not reach the end, or the end is not final."""
    more: bool = False
    """Whether more of the source is to be read after this batch."""
    retry_after_s: float | None = None
    """Seconds after which to read it again, even if it does not change."""
    entries: Sequence[ReadyEvent] = ()
    reemitted: tuple[Reemitted, ...] = ()
    """Threads that are emitted again, each once."""
    skipped: tuple[Skipped, ...] = ()
    tokens: tuple[TokensUsed, ...] = ()
    windows: tuple[WindowUsed, ...] = ()
    oversized: int = 0
    roots: Mapping[str, ProjectRoot] = {}
    """Maps each working directory that may decide a session's project to its project."""


class LastRead(msgspec.Struct, frozen=True, gc=False):  # a comparison makes one for each source, with no cycle
    """The state of a source when it was last read, which shows whether it has changed since."""

    size: int
    mtime_ns: int
    state: SourceStatus
    retry_ms: int = 0
    """With `broken`: when to try again (UTC ms)."""


class SourceState(LastRead, frozen=True, kw_only=True):
    """How far a source has been read. `cursor` is None until a read succeeds; `rev` counts commits."""

    rev: int
    cursor: bytes | None
    context: bytes
    failures: int = 0
    """Failed reads since the last successful one."""


class Committed(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a commit. `projects`: the ids of those whose handoff may have changed, each with the time of the
    last event in it (UTC ms)."""

    new_events: int = 0
    forgotten: int = 0
    """Events that were not stored because they were forgotten."""
    projects: dict[int, int] = {}
    newest_ms: int = 0
    """The time of the newest of the new events (UTC ms)."""
    turn_ended: bool = False
    """Whether a turn of a main conversation ended with one of the new events."""


def rank_of(source_rank: int, entries: Iterable[ReadyEvent]) -> int:
    """Returns the rank at which a source reports `entries` of one session: a lesser one if it only repeats them."""
    return source_rank - any(entry.event.copied for entry in entries)


def event_key(agent: str, key: str) -> bytes:
    """Returns the 16 bytes under which an event with the agent's `key` is stored."""
    return identity(b"key", agent, key)


def identity(kind: bytes, *parts: str) -> bytes:
    """Returns a 16-byte hash of `parts`. `kind`, at most 16 bytes, keeps identities of different things apart."""
    # The lengths keep ("ab", "c") apart from ("a", "bc").
    lengths = " ".join([str(len(part)) for part in parts])
    return hashlib.blake2b(f"{lengths} {''.join(parts)}".encode(), digest_size=16, person=kind).digest()


def in_parts(values: Sequence[_T]) -> Iterator[tuple[str, Sequence[_T]]]:
    """Splits the parameters of a statement into parts that SQLite takes at once, each with its placeholders."""
    for start in range(0, len(values), _PARAMETERS):
        part = values[start : start + _PARAMETERS]
        yield ",".join("?" * len(part)), part


def grouped(entries: Iterable[ReadyEvent], key_of: Callable[[ReadyEvent], _K]) -> dict[_K, list[ReadyEvent]]:
    """Groups entries, each group in order."""
    groups: dict[_K, list[ReadyEvent]] = {}
    for entry in entries:
        groups.setdefault(key_of(entry), []).append(entry)
    return groups


def among(db: sqlite3.Connection, table: str, column: str, values: Sequence[_T]) -> set[_T]:
    """Returns those of `values` that the column of a table holds."""
    found: set[_T] = set()
    for marks, some in in_parts(values):
        rows = db.execute(f"SELECT {column} FROM {table} WHERE {column} IN ({marks})", some)
        found.update(value for (value,) in rows)
    return found
