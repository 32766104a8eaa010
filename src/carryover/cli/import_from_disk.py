"""Takes a document into the ledger while no daemon runs, and refreshes the handoffs of its projects."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from carryover.cli.context import agents_own, root_of
from carryover.config import load_config
from carryover.distill.stored_digest import DigestReducer
from carryover.fsio import FileLock, private_dir
from carryover.importing.document import Document
from carryover.ingest.pipeline import ingest
from carryover.ingest.scan import MS_PER_DAY
from carryover.ledger.queries import connect_read_only, projects
from carryover.ledger.store import Ledger
from carryover.paths import StateDir
from carryover.projects.root import StatePaths
from carryover.publish.refresh import refresh


def import_here(state: StateDir, document: Document) -> tuple[int, str | None] | None:
    """How many events of the document were new, and why it was not read to its end; None where another process is the
    ledger's writer."""
    private_dir(state.root)
    lock = FileLock(state.lock)
    if not lock.acquire():
        return None
    try:
        return asyncio.run(_import(state, document))
    finally:
        lock.release()


async def _import(state: StateDir, document: Document) -> tuple[int, str | None]:
    ledger = await Ledger.open(state.ledger, DigestReducer())
    try:
        done = await ingest(ledger, document.agent, document.source, root_of=root_of, now_ms=_now_ms)
        await _publish(ledger, state, done.projects)
    finally:
        await ledger.close()
    return done.new_events, done.error


async def _publish(ledger: Ledger, state: StateDir, changed: Iterable[int]) -> None:
    """As the daemon does: projects in which something happened lately."""
    config = load_config(state.config)
    started_ms = _now_ms()
    with closing(connect_read_only(state.ledger)) as db:
        last_ms = {row.id: row.last_event_ms for row in projects(db)}
    newest_ms = max(last_ms.values(), default=0)
    paths = StatePaths.of(state, Path.home(), agents_own(config.agents))
    for project in changed:
        if last_ms.get(project, 0) < started_ms - config.publish.active_days * MS_PER_DAY:
            continue
        made = refresh(paths, project, config, now_ms=started_ms, newest=last_ms[project] >= newest_ms)
        await ledger.set_published(project, made.sha, started_ms, made.published.refusal, made.git)


def _now_ms() -> int:
    return int(time.time() * 1000)
