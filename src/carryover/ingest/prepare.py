"""Reads, parses and sanitizes one batch of a source, ready to be committed. Blocking."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Agent, Batch, FileStat, Reemitted, Source
from carryover.facts import FindRoot, ProjectRoot
from carryover.ingest.sanitize import RealPaths, clean_context, clean_entry, context_without_text, with_bounded_times
from carryover.ledger.batch import READ_IN_PART, PreparedBatch, SourceState
from carryover.model import Event, Skipped
from carryover.probe.own_file import AT_WORK, why_not_own

GIT_WORKS_S: Final = 1.0
"""How soon a source in a project is checked again if git was at work there."""


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One batch, read and parsed. `prepared` is None if there is nothing new. `bytes`: size of its records."""

    prepared: PreparedBatch | None
    more: bool = False
    retry_after_s: float | None = None
    bytes: int = 0


def prepare(
    agent: Agent, source: Source, state: SourceState | None, root_of: FindRoot, now_ms: Callable[[], int]
) -> Step:
    """Reads and parses the next batch of `source`. Events from the future get the time of their arrival.

    A batch from a source in a project is only used if the source is still the user's own after reading, since git may
    have changed it meanwhile. Blocking. Raises FileNotFoundError if the source is gone and OSError if it cannot be read
    now.
    """
    path = Path(source.path)
    stat = agent.reader.stat(path)
    context = _stored_context(agent, state)
    batch = agent.reader.read(path, state.cursor if state is not None and context is not None else None)
    if agent.in_projects and source.group:
        reason = why_not_own(agent, Path(source.group), path)
        if reason is not None:
            return Step(prepared=None, retry_after_s=GIT_WORKS_S if reason == AT_WORK else None)
    seen = _seen(batch, stat)
    if state is not None and _is_unchanged(batch, state, seen):
        return Step(prepared=None, more=batch.more, retry_after_s=batch.retry_after_s)
    if context is None or batch.restarted:
        context = agent.context_type()
    events: list[Event] = []
    skipped: list[Skipped] = []
    reemitted: list[Reemitted] = []
    for record in batch.records:
        context, folded = agent.parse(source, context, record)
        events.extend(folded.events)
        skipped.extend(folded.skipped)
        if folded.reemitted is not None:
            reemitted.append(folded.reemitted)
    events = with_bounded_times(events, now_ms=now_ms(), written_ms=stat.mtime_ns // 1_000_000)
    roots = roots_of_events(events, root_of)
    paths = RealPaths(top for root in roots.values() for top in (root.root, root.checkout) if top is not None)
    prepared = PreparedBatch(
        cursor=batch.cursor,
        context=clean_context(context),
        context_without_text=context_without_text(context),
        size=seen.size,
        mtime_ns=seen.mtime_ns,
        entries=tuple(clean_entry(agent.id, paths.of_event(event)) for event in events),
        reemitted=tuple(reemitted),
        skipped=tuple(skipped),
        oversized=batch.oversized,
        roots=roots,
    )
    return Step(
        prepared=prepared,
        more=batch.more,
        retry_after_s=batch.retry_after_s,
        bytes=sum(len(record.data) for record in batch.records),
    )


def roots_of_events(events: Iterable[Event], root_of: FindRoot) -> dict[str, ProjectRoot]:
    """Returns the project of each folder that `events` name."""
    return {folder: root_of(folder) for folder in {event.cwd for event in events if event.cwd is not None}}


def _stored_context(agent: Agent, state: SourceState | None) -> msgspec.Struct | None:
    """Returns the context to continue with; None if the source must be read from its beginning.

    That is so if it was never read, or if another version of the adapter stored the context in another form. Events
    that were read before are recognised by their keys.
    """
    if state is None or state.cursor is None:
        return None
    try:
        return msgspec.json.decode(state.context, type=agent.context_type)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _seen(batch: Batch, stat: FileStat) -> FileStat:
    """Returns the stat to store; it matches no file if the source must be read again, so that it looks changed."""
    unsettled = batch.more or batch.retry_after_s is not None
    return FileStat(READ_IN_PART, stat.mtime_ns) if unsettled else stat


def _is_unchanged(batch: Batch, state: SourceState, seen: FileStat) -> bool:
    same_place = batch.cursor == state.cursor and FileStat(state.size, state.mtime_ns) == seen
    return same_place and state.state == "active" and not (batch.records or batch.oversized)
