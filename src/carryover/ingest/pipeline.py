"""Reads new records of a source, or a hook's report, into the ledger: read, parse, sanitize, commit."""

from __future__ import annotations

import asyncio
import errno
import traceback
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from carryover.adapter.contract import Agent, FileStat, Parsed, Source
from carryover.decoders import decoder_of
from carryover.facts import FindRoot, ProjectRoot
from carryover.ingest.sanitize import (
    RealPaths,
    clean_context,
    clean_entries,
    clean_tokens,
    context_without_text,
    with_bounded_times,
)
from carryover.ingest.scan import LAST_RETRY_MS
from carryover.ledger.batch import READ_IN_PART, Committed, PreparedBatch, SourceState
from carryover.ledger.connect import StaleRead
from carryover.ledger.store import Ledger
from carryover.ledger.usage import plausible
from carryover.model import Event
from carryover.probe.checkout import Checkout
from carryover.probe.looks import Silent, looked_at
from carryover.probe.own_file import AT_WORK, why_not_own
from carryover.transcript.bounds import read_bounded

GIT_WORKS_S: Final = 1.0
"""How soon a source in a project is checked again if git was at work there."""
SILENT_AGAIN_S: Final = 5.0
"""How soon a source is tried again whose disk does not answer, or that of a project that it is about."""

_RETRY_AFTER_S: Final = (0.05, 0.1, 0.2, 0.4)
"""How long to wait before each new try to read a source whose disk did not answer, where a command waits for it."""


def prepare(
    agent: Agent, source: Source, state: SourceState | None, root_of: FindRoot, now_ms: Callable[[], int]
) -> PreparedBatch | IngestResult:
    """Reads and parses the next batch of `source`; returns the result if there is nothing to be stored of it. Blocks.
    Raises OSError; FileNotFoundError if the source is gone."""
    path = Path(source.path)
    stat = agent.reader.stat(path)
    context = stored_context(agent, state)
    try:
        batch = read_bounded(agent.reader, path, state.cursor if state is not None and context is not None else None)
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise
        return IngestResult(error=_without_content(error), too_large=stat)
    if agent.in_projects and source.group:  # checked after reading, since git may have changed it meanwhile
        reason = why_not_own(agent, Checkout(Path(source.group)), path)
        if reason is not None:
            return IngestResult(retry_after_s=GIT_WORKS_S if reason == AT_WORK else None)
    # A source that must be read again is stored with a size that no file has, so that it looks changed.
    is_settled = not batch.more and batch.retry_after_s is None
    seen = stat if is_settled else FileStat(READ_IN_PART, stat.mtime_ns)
    before = (state.cursor, state.size, state.mtime_ns, state.state) if state is not None else None
    is_known = before == (batch.cursor, seen.size, seen.mtime_ns, "active")
    if is_known and not (batch.records or batch.oversized):
        return IngestResult(more=batch.more, retry_after_s=batch.retry_after_s)
    if context is None or batch.restarted:
        context = agent.context_type()
    found: list[Parsed] = []
    for record in batch.records:
        context, parsed = agent.parse(source, context, record)
        found.append(parsed)
    events = [event for parsed in found for event in parsed.events]
    events = with_bounded_times(events, now_ms=now_ms(), written_ms=stat.mtime_ns // 1_000_000)
    roots = _roots_of(events, root_of if source.session is not None else partial(_root_if_told, root_of))
    paths = RealPaths(top for root in roots.values() for top in (root.root, root.checkout) if top is not None)
    return PreparedBatch(
        cursor=batch.cursor,
        context=clean_context(context),
        context_without_text=context_without_text(context),
        size=seen.size,
        mtime_ns=seen.mtime_ns,
        more=batch.more,
        retry_after_s=batch.retry_after_s,
        entries=clean_entries(agent.id, map(paths.of_event, events)),
        reemitted=tuple(parsed.reemitted for parsed in found if parsed.reemitted is not None),
        skipped=tuple(skipped for parsed in found for skipped in parsed.skipped),
        tokens=tuple(clean_tokens(used, now_ms()) for parsed in found for used in parsed.tokens),
        windows=tuple(plausible(window) for parsed in found for window in parsed.windows if window.at_ms <= now_ms()),
        oversized=batch.oversized,
        roots=roots,
    )


def stored_context(agent: Agent, state: SourceState | None) -> Any:
    """Returns the context to continue with; None if the source must be read from its beginning."""
    if state is None or state.cursor is None:
        return None
    try:
        return decoder_of(agent.context_type).decode(state.context)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None  # in the form of another version; events that were read before are recognised by their keys


def _root_if_told(root_of: FindRoot, folder: str) -> ProjectRoot:
    """Returns the project of a folder; for one on a silent disk, what is known if the disk is not mounted.

    For a source with the sessions of many projects: none of them waits for the disk of another one.
    """
    try:
        return root_of(folder)
    except Silent:
        return ProjectRoot(folder, gone=True)


def _roots_of(events: Iterable[Event], root_of: FindRoot) -> dict[str, ProjectRoot]:
    return {folder: root_of(folder) for folder in {event.cwd for event in events if event.cwd is not None}}


TOO_LARGE_MS: Final = 60_000
"""After how long a source is tried again that was more than one look may take."""
MOST_BUSY: Final = 10
"""After so many failures, a database is not waited for as if its owner were writing just then."""
_FIRST_RETRY_MS: Final = 1000
"""After how long any other failed source is tried again. Each wait is twice the last, up to `LAST_RETRY_MS`."""


class IngestResult(Committed, frozen=True, kw_only=True):
    """The result of reading one source, and of what was committed of it. `more`: its end was not reached."""

    more: bool = False
    error: str | None = None
    """Why it could not be read, without content."""
    too_large: FileStat | None = None
    """If that is because it is more than one look may take, which costs much to find out: the source as it was then."""
    busy: bool = False
    """Whether it could not be read because its owner was writing just then."""
    silent: bool = False
    """Whether its disk did not answer, so that nothing is known of it."""
    retry_after_s: float | None = None
    """Seconds after which to read it again, even if it does not change."""

    def after(self, before: IngestResult) -> IngestResult:
        """Returns this result with everything that the reads `before` stored."""
        return msgspec.structs.replace(
            self,
            new_events=before.new_events + self.new_events,
            forgotten=before.forgotten + self.forgotten,
            projects=before.projects | self.projects,
            newest_ms=max(before.newest_ms, self.newest_ms),
            turn_ended=before.turn_ended or self.turn_ended,
        )


async def ingest(
    ledger: Ledger,
    agent: Agent,
    source: Source,
    *,
    root_of: FindRoot,
    now_ms: Callable[[], int],
    max_batches: int | None = None,
) -> IngestResult:
    """Reads `source` to its end, or for `max_batches` of about 1 MiB, each committed together with its position.

    Errors of the source are recorded with it. Raises LedgerUnavailable and LedgerDamaged; the position then stays.
    """
    total, batches = IngestResult(more=True), 0
    while total.more and (max_batches is None or batches < max_batches):
        total = (await _read_batch(ledger, agent, source, root_of, now_ms)).after(total)
        batches += 1
    return total


async def retry_if_silent(reading: Callable[[], Awaitable[IngestResult]]) -> IngestResult:
    """Returns what `reading` a source gives; tries again for a moment if its disk did not answer, as on a busy machine.
    For commands, whose user waits for it."""
    result = await reading()
    for wait_s in _RETRY_AFTER_S:
        if not result.silent:
            break
        await asyncio.sleep(wait_s)
        result = (await reading()).after(result)
    return result


async def _read_batch(
    ledger: Ledger, agent: Agent, source: Source, root_of: FindRoot, now_ms: Callable[[], int]
) -> IngestResult:
    """Reads and commits one batch, or records why it could not be read."""
    state = await ledger.source_state(source)
    failures = state.failures if state is not None else 0
    try:
        batch = await looked_at(Path(source.path).parent, partial(prepare, agent, source, state, root_of, now_ms))
    except (FileNotFoundError, NotADirectoryError):
        if state is not None and state.state != "gone":
            await ledger.mark_gone(source)
        return IngestResult()
    except Silent:
        return IngestResult(silent=True, retry_after_s=SILENT_AGAIN_S)
    except Exception as error:
        # Nor must a bug of ours in one source stop the others; it is recorded with the source.
        is_busy = isinstance(error, OSError) and error.errno == errno.EAGAIN
        batch = IngestResult(error=_without_content(error), busy=is_busy and failures < MOST_BUSY)
    if isinstance(batch, IngestResult):
        if batch.error is None:
            return batch
        first_ms = _FIRST_RETRY_MS if batch.too_large is None else TOO_LARGE_MS
        wait_ms = min(first_ms << min(failures, 20), LAST_RETRY_MS)
        await ledger.mark_broken(source, batch.error, now_ms() + wait_ms, batch.too_large)
        return msgspec.structs.replace(batch, retry_after_s=wait_ms / 1000)
    try:
        commit = await ledger.commit(source, batch, seen_rev=state.rev if state is not None else 0)
    except StaleRead:
        return IngestResult(more=True)
    stored = msgspec.structs.asdict(commit)
    return IngestResult(**stored, more=batch.more, retry_after_s=batch.retry_after_s)


def _without_content(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"
