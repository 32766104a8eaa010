"""One source, from where it was left to its present end: read, fold, clean, commit."""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from pathlib import Path
from typing import Final, Protocol

import msgspec

from carryover.agents.contract import Agent, Batch, Source
from carryover.ingest.clean import clean_context, clean_entry
from carryover.ledger.prepared import READ_IN_PART, Commit, Prepared, Root, SourceState
from carryover.ledger.store import Ledger
from carryover.ledger.trouble import StaleRead
from carryover.model import Event, Skipped

_FIRST_RETRY_MS: Final = 1000
_LAST_RETRY_MS: Final = 3_600_000


class FoundRoot(Protocol):
    """The project a working directory belongs to."""

    @property
    def root(self) -> str: ...

    @property
    def main_root(self) -> str | None: ...


RootOf = Callable[[str], FoundRoot]


class IngestResult(msgspec.Struct, frozen=True, kw_only=True):
    """What reading one source brought.

    `more`: it was left before its end. `gone`: it no longer exists. `error`: why it could not be read, without content.
    """

    new_events: int = 0
    projects: frozenset[int] = frozenset()
    newest_event_ms: int = 0
    more: bool = False
    gone: bool = False
    error: str | None = None


async def ingest(
    ledger: Ledger,
    agent: Agent,
    source: Source,
    *,
    root_of: RootOf,
    now_ms: Callable[[], int],
    executor: Executor | None = None,
    max_batches: int | None = None,
) -> IngestResult:
    """Read `source` to its end, or for `max_batches` of about 1 MiB, each committed together with its position.

    Trouble with the source is remembered with it (gone; broken, with a time for the next try) and never raised. Trouble
    with the ledger (LedgerUnavailable, LedgerDamaged) is raised; the source then stands where it stood.
    """
    total = IngestResult(more=True)
    batches = 0
    while total.more and (max_batches is None or batches < max_batches):
        step = await _ingest_batch(ledger, agent, source, root_of=root_of, now_ms=now_ms, executor=executor)
        total = _sum(total, step)
        batches += 1
    return total


def prepare(agent: Agent, source: Source, state: SourceState | None, root_of: RootOf) -> tuple[Prepared | None, bool]:
    """Read and fold the next batch of `source`; with it, whether there is more. `None`: nothing new to commit.

    Blocking. Raises FileNotFoundError when the source is gone and OSError when it cannot be read now.
    """
    path = Path(source.path)
    status = path.stat()
    context = _stored_context(agent, state)
    batch = agent.reader.read(path, state.cursor if state is not None and context is not None else None)
    stamp = (status.st_size, status.st_mtime_ns)
    if state is not None and _is_unchanged(batch, state, stamp):
        return None, batch.more
    if context is None or batch.restarted:
        context = agent.context_type()
    events: list[Event] = []
    skipped: list[Skipped] = []
    for record in batch.records:
        context, folded = agent.fold(source, context, record)
        events.extend(folded.events)
        skipped.extend(folded.skipped)
    prepared = Prepared(
        cursor=batch.cursor,
        context=clean_context(context),
        size=READ_IN_PART if batch.more else status.st_size,
        mtime_ns=status.st_mtime_ns,
        entries=tuple(clean_entry(agent.id, event) for event in events),
        skipped=tuple(skipped),
        oversized=batch.oversized,
        roots=known_roots(events, root_of),
    )
    return prepared, batch.more


async def _ingest_batch(
    ledger: Ledger,
    agent: Agent,
    source: Source,
    *,
    root_of: RootOf,
    now_ms: Callable[[], int],
    executor: Executor | None,
) -> IngestResult:
    state = await ledger.source_state(source)
    loop = asyncio.get_running_loop()
    try:
        prepared, more = await loop.run_in_executor(executor, prepare, agent, source, state, root_of)
    except (FileNotFoundError, NotADirectoryError):
        if state is not None and state.state != "gone":
            await ledger.mark_gone(source)
        return IngestResult(gone=True)
    except Exception as error:
        # A fault of ours in one source must not stop the others either; it shows with the source.
        why = _without_content(error)
        await ledger.mark_broken(source, why, now_ms() + _retry_after_ms(state))
        return IngestResult(error=why)
    if prepared is None:
        return IngestResult(more=more)
    try:
        commit = await ledger.commit(source, prepared, seen_rev=state.rev if state is not None else 0)
    except StaleRead:
        return IngestResult(more=True)
    return result_of(commit, more=more)


def _stored_context(agent: Agent, state: SourceState | None) -> msgspec.Struct | None:
    """The context to go on with; `None` where the source must be read from its beginning.

    That is so for one never read, and for a context that another version of the adapter stored in another form: what
    was read before is known by its keys and does no harm.
    """
    if state is None or state.cursor is None:
        return None
    try:
        return msgspec.json.decode(state.context, type=agent.context_type)
    except msgspec.MsgspecError:
        return None


def _is_unchanged(batch: Batch, state: SourceState, stamp: tuple[int, int]) -> bool:
    same_place = batch.cursor == state.cursor and (state.size, state.mtime_ns) == stamp
    return same_place and state.state == "active" and not (batch.records or batch.oversized)


def known_roots(events: Iterable[Event], root_of: RootOf) -> dict[str, Root]:
    """The project of each folder that `events` name."""
    folders = {event.cwd for event in events if event.cwd is not None}
    found = {folder: root_of(folder) for folder in folders}
    return {folder: Root(root.root, root.main_root) for folder, root in found.items()}


def _retry_after_ms(state: SourceState | None) -> int:
    failures = state.failures if state is not None else 0
    return min(_FIRST_RETRY_MS << min(failures, 20), _LAST_RETRY_MS)


def _without_content(error: Exception) -> str:
    """What went wrong in words that cannot hold text of a transcript."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"


def result_of(commit: Commit, *, more: bool) -> IngestResult:
    """What a commit stored, and whether there is `more` to read."""
    return IngestResult(
        new_events=commit.new_events,
        projects=frozenset(commit.projects),
        newest_event_ms=commit.newest_event_ms,
        more=more,
    )


def _sum(total: IngestResult, step: IngestResult) -> IngestResult:
    return IngestResult(
        new_events=total.new_events + step.new_events,
        projects=total.projects | step.projects,
        newest_event_ms=max(total.newest_event_ms, step.newest_event_ms),
        more=step.more,
        gone=step.gone,
        error=step.error,
    )
