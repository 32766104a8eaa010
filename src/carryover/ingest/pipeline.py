"""Reads new records of a source, or a hook's report, into the ledger: read, parse, sanitize, commit."""

from __future__ import annotations

import asyncio
import errno
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Agent, Source
from carryover.facts import FindRoot, ProjectRoot
from carryover.ingest.prepare import prepare, roots_of_events
from carryover.ingest.sanitize import clean_entry
from carryover.ledger.batch import Commit, Entry, SourceState
from carryover.ledger.connect import StaleRead
from carryover.ledger.provisional import add_provisional
from carryover.ledger.store import Ledger
from carryover.model import Event

_FIRST_RETRY_MS: Final = 1000
_LAST_RETRY_MS: Final = 3_600_000


class IngestResult(msgspec.Struct, frozen=True, kw_only=True):
    """Result of reading one source.

    `forgotten`: events left out because the user had them forgotten. `more`: the end was not reached. `gone`: the
    source no longer exists. `error`: why it could not be read, without content. `retry_after_s`: seconds after which to
    read it again, even if it does not change. `bytes`: size of the records read. `busy`: it could not be read
    because its owner was writing just then.
    """

    new_events: int = 0
    forgotten: int = 0
    projects: frozenset[int] = frozenset()
    newest_event_ms: int = 0
    more: bool = False
    gone: bool = False
    error: str | None = None
    busy: bool = False
    retry_after_s: float | None = None
    bytes: int = 0

    def after(self, before: IngestResult) -> IngestResult:
        """Returns this result with everything that the reads `before` stored."""
        return msgspec.structs.replace(
            self,
            new_events=before.new_events + self.new_events,
            forgotten=before.forgotten + self.forgotten,
            projects=before.projects | self.projects,
            newest_event_ms=max(before.newest_event_ms, self.newest_event_ms),
            bytes=before.bytes + self.bytes,
        )


async def ingest(
    ledger: Ledger,
    agent: Agent,
    source: Source,
    *,
    root_of: FindRoot,
    now_ms: Callable[[], int],
    executor: Executor | None = None,
    max_batches: int | None = None,
) -> IngestResult:
    """Reads `source` to its end, or for `max_batches` of about 1 MiB, each committed together with its position.

    `now_ms` bounds the times of events (`ingest/sanitize.py`). Blocking calls run in `executor`.

    Errors of the source are recorded with it (gone; broken, with a time for the next try) and never raised. Errors of
    the ledger (LedgerUnavailable, LedgerDamaged) are raised; the position is then unchanged.
    """
    total = IngestResult(more=True)
    batches = 0
    while total.more and (max_batches is None or batches < max_batches):
        step = await _ingest_batch(ledger, agent, source, root_of=root_of, now_ms=now_ms, executor=executor)
        total = step.after(total)
        batches += 1
    return total


async def _ingest_batch(
    ledger: Ledger,
    agent: Agent,
    source: Source,
    *,
    root_of: FindRoot,
    now_ms: Callable[[], int],
    executor: Executor | None,
) -> IngestResult:
    state = await ledger.source_state(source)
    loop = asyncio.get_running_loop()
    try:
        step = await loop.run_in_executor(executor, prepare, agent, source, state, root_of, now_ms)
    except (FileNotFoundError, NotADirectoryError):
        if state is not None and state.state != "gone":
            await ledger.mark_gone(source)
        return IngestResult(gone=True)
    except Exception as error:
        # Nor must a bug of ours in one source stop the others; it is recorded with the source.
        why = _without_content(error)
        await ledger.mark_broken(source, why, now_ms() + _retry_after_ms(state))
        return IngestResult(error=why, busy=isinstance(error, OSError) and error.errno == errno.EAGAIN)
    if step.prepared is None:
        return IngestResult(more=step.more, retry_after_s=step.retry_after_s)
    try:
        commit = await ledger.commit(source, step.prepared, seen_rev=state.rev if state is not None else 0)
    except StaleRead:
        return IngestResult(more=True)
    result = result_of(commit, more=step.more, retry_after_s=step.retry_after_s)
    return msgspec.structs.replace(result, bytes=step.bytes)


def _retry_after_ms(state: SourceState | None) -> int:
    failures = state.failures if state is not None else 0
    return min(_FIRST_RETRY_MS << min(failures, 20), _LAST_RETRY_MS)


def _without_content(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"


def result_of(commit: Commit, *, more: bool = False, retry_after_s: float | None = None) -> IngestResult:
    """Builds the result of a commit. `more`: there is more to read now; `retry_after_s`: or after that time."""
    return IngestResult(
        new_events=commit.new_events,
        forgotten=commit.forgotten,
        projects=frozenset(commit.projects),
        newest_event_ms=commit.newest_event_ms,
        more=more,
        retry_after_s=retry_after_s,
    )


async def ingest_provisional(
    ledger: Ledger,
    agent_id: str,
    events: Sequence[Event],
    *,
    root_of: FindRoot,
    now_ms: Callable[[], int],
    executor: Executor | None = None,
) -> IngestResult:
    """Stores `events` beside those from transcripts; `new_events` counts those not known in any form.

    Raises LedgerUnavailable and LedgerDamaged; nothing is then stored.
    """
    if not events:
        return IngestResult()
    loop = asyncio.get_running_loop()
    entries, roots = await loop.run_in_executor(executor, _cleaned, agent_id, events, root_of)
    return result_of(await ledger.write(add_provisional, agent_id, entries, roots, now_ms=now_ms()))


def _cleaned(
    agent_id: str, events: Sequence[Event], root_of: FindRoot
) -> tuple[tuple[Entry, ...], dict[str, ProjectRoot]]:
    return tuple(clean_entry(agent_id, event) for event in events), roots_of_events(events, root_of)
