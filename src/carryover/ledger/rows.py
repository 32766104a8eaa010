"""Typed records for the ledger's rows, and the statements that several modules use to read them."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

import msgspec

from carryover.model import AnyBody, Event

_Row = TypeVar("_Row", bound=msgspec.Struct)


class ProjectRow(msgspec.Struct, frozen=True, kw_only=True):
    """A project: the root of a repository or worktree, or a folder without git. Times are UTC ms, 0 if unknown."""

    id: int
    root: str
    main_root: str | None
    last_event_ms: int
    published_sha: str | None
    published_ms: int | None
    refusal: str | None

    @property
    def handoff_ms(self) -> int | None:
        """When the project's handoff was written; None if there was nothing to hand over, or no place for it."""
        return self.published_ms if self.published_sha is not None and self.refusal is None else None


class Whereabouts(msgspec.Struct, frozen=True, kw_only=True):
    """Where a project's folder is and was, and what identifies it under another path."""

    id: int
    root: str
    moved_to: int | None
    not_moved: bool
    """Whether the user said that it was not moved."""
    identity: str | None
    main_root: str | None
    """Root of the main checkout, if it was a worktree."""
    published_sha: str | None
    is_published: bool
    """Whether the handoff was written the last time, and not refused."""
    has_sessions: bool
    left: bool
    """Whether sessions that were recorded there now belong to another project."""


class SessionRow(msgspec.Struct, frozen=True, kw_only=True):
    """A session. `recorded_root` is its project's root before a move; `machine` is the other machine that recorded
    it, or ''."""

    id: int
    agent: str
    native_id: str
    project_id: int | None
    root: str | None
    recorded_root: str | None
    parent: str | None
    title: str | None
    agent_version: str | None
    model: str | None
    branch: str | None
    started_ms: int
    last_ms: int
    machine: str = ""


class ThreadRow(msgspec.Struct, frozen=True):
    """A thread with its digest as that reducer version made it and `pack_digest` packed it. `subagent_id` is '' for the
    main conversation."""

    id: int
    subagent_id: str
    fold_version: int
    packed: bytes


class SkippedRow(msgspec.Struct, frozen=True, kw_only=True):
    """Records of one type that were not understood. `agent_version` is '' if the records don't contain it."""

    agent: str
    agent_version: str
    record_type: str
    reason: str
    n: int
    last_ms: int


class BrokenSource(msgspec.Struct, frozen=True, kw_only=True):
    """A source that could not be read. `retry_ms`: time of the next try (UTC ms). `failures`: how many in a row."""

    agent: str
    path: str
    error: str
    failures: int
    retry_ms: int


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to the ledger itself."""

    at_ms: int
    text: str


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """Totals of the ledger, without events that no longer count. Lists are bounded, most frequent or newest first."""

    events: int = 0
    sessions: int = 0
    sources: int = 0
    project_count: int = 0
    bytes: int = 0
    redactions: dict[str, int] = {}
    oversized: int = 0
    skipped: tuple[SkippedRow, ...] = ()
    broken: tuple[BrokenSource, ...] = ()
    incidents: tuple[Incident, ...] = ()


PROJECT_ROWS: Final = """SELECT id, root, main_root, last_event_ms, published_sha, published_ms, refusal
    FROM project"""
SESSION_ROWS: Final = """SELECT session.id, agent, native_id, project_id, project.root, placed.root, parent, title,
    agent_version, model, branch, started_ms, last_ms, machine FROM session LEFT JOIN project ON project.id = project_id
    LEFT JOIN project AS placed ON placed.id = recorded_project_id"""
COUNTS: Final = 0
"""Value of `event.retracted` for what counts."""
RETRACTED: Final = 1
"""Value of `event.retracted` if the user retracted the event."""
SUPERSEDED: Final = 2
"""Value of `event.retracted` for events from a lesser source than the session's best."""
LOST: Final = 3
"""Value of `event.retracted` for damaged events: the body is empty until the record is read again."""


def locator(path: str) -> str | bytes:
    """Returns the form in which a source's path is stored. A path that is not UTF-8 is stored as bytes."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return os.fsencode(path)
    return path


def as_reduced(row: int, at_ms: int, body: AnyBody, session: str, subagent_id: str) -> Event:
    """Returns an event as a reducer gets it, with what it may use. `subagent_id` is '' for the main conversation."""
    return Event(key=str(row), session=session, at_ms=at_ms, body=body, subagent_id=subagent_id or None)


def as_record(record: type[_Row], row: Iterable[Any]) -> _Row:
    """Converts a row to a record whose fields are in the order of the columns."""
    return record(**dict(zip(record.__struct_fields__, row, strict=True)))


def records(
    record: type[_Row], db: sqlite3.Connection, statement: str, parameters: tuple[Any, ...] | Mapping[str, Any] = ()
) -> Iterator[_Row]:
    """Yields the rows of a statement as records."""
    return (as_record(record, row) for row in db.execute(statement, parameters))
