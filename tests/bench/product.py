"""Carryover's own parts, called as the daemon calls them but without one: what is measured in a process of its own."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import msgspec

from carryover.adapter.contract import Source
from carryover.agents import adapters
from carryover.distill.stored_digest import DigestReducer
from carryover.ingest.pipeline import IngestResult, ingest
from carryover.ingest.scan import changed, find_sources, roots_of
from carryover.ledger.codec import decode_body
from carryover.ledger.connect import connect_read_only
from carryover.ledger.store import Ledger
from carryover.projects.root import find_root


@dataclass(frozen=True, slots=True)
class Stored:
    """What a ledger holds and takes on the disk.

    `text_bytes`: the events' bodies as plain JSON; `body_bytes`: the same as they are stored, some of them deflated.
    """

    events: int
    text_bytes: int
    body_bytes: int
    file_bytes: int


def now_ms() -> int:
    return int(time.time() * 1000)


def sources_of(home: Path) -> list[Source]:
    agents = adapters()
    return [item.source for item in find_sources(agents, roots_of(agents.values(), home, {}))]


def read_all(ledger_path: Path, sources: Sequence[Source]) -> None:
    asyncio.run(_read_all(ledger_path, sources))


def read_home(ledger_path: Path, home: Path) -> None:
    newest_first = sorted(sources_of(home), key=lambda source: -Path(source.path).stat().st_mtime_ns)
    read_all(ledger_path, newest_first)


async def read_one(ledger: Ledger, source: Source, executor: ThreadPoolExecutor) -> None:
    agent = adapters()[source.agent]
    _check(source, await ingest(ledger, agent, source, root_of=find_root, now_ms=now_ms, executor=executor))


def _check(source: Source, result: IngestResult) -> None:
    if result.error is not None:
        raise RuntimeError(f"{source.path} could not be read: {result.error}")


async def _read_all(ledger_path: Path, sources: Sequence[Source]) -> None:
    ledger = await Ledger.open(ledger_path, DigestReducer())
    try:
        with ThreadPoolExecutor(max_workers=1) as executor:
            for source in sources:
                await read_one(ledger, source, executor)
    finally:
        await ledger.close()


def stored(ledger_path: Path) -> Stored:
    """Only of a ledger that was closed: nothing of it is then outside its file."""
    with closing(connect_read_only(ledger_path)) as db:
        sizes = [
            (len(body.encode() if isinstance(body, str) else body), len(msgspec.json.encode(decode_body(body))))
            for (body,) in db.execute("SELECT body FROM event")
        ]
    return Stored(
        events=len(sizes),
        text_bytes=sum(text for _, text in sizes),
        body_bytes=sum(body for body, _ in sizes),
        file_bytes=ledger_path.stat().st_size,
    )


def table_sizes(ledger_path: Path) -> dict[str, int]:
    """Bytes on the disk by table and index, largest first; empty where SQLite was built without `dbstat`."""
    with closing(connect_read_only(ledger_path)) as db:
        try:
            rows = db.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC").fetchall()
        except sqlite3.OperationalError:
            return {}
    return dict(rows)


def rescan(ledger_path: Path, home: Path, times: int) -> tuple[float, int]:
    """Seconds it takes, at best, to find out that nothing changed since the last start; how many sources there are."""
    return asyncio.run(_sweep(ledger_path, home, times))


async def _sweep(ledger_path: Path, home: Path, times: int) -> tuple[float, int]:
    agents = adapters()
    ledger = await Ledger.open(ledger_path, DigestReducer())
    roots = roots_of(agents.values(), home, {})  # a daemon works them out once for its settings
    took = []
    try:
        for _ in range(times):
            started = time.perf_counter()
            seen = find_sources(agents, roots)
            if changed(seen, await ledger.last_reads(), now_ms=now_ms()):
                raise RuntimeError("something changed that nobody wrote to")
            took.append(time.perf_counter() - started)
    finally:
        await ledger.close()
    return min(took), len(seen)


def single_files(agent: str, files: Iterable[Path]) -> list[Source]:
    """Files as sources of `agent`, wherever they lie."""
    return [Source(agent=agent, path=str(file), session=file.stem) for file in files]
