"""Carryover's own parts, called as the daemon calls them but without one: what is measured in a process of its own."""

import asyncio
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import msgspec

from carryover.adapter.contract import Source
from carryover.agents import adapters
from carryover.config import Config
from carryover.distill.stored_digest import DigestReducer
from carryover.ingest.pipeline import ingest
from carryover.ingest.scan import changed, find_sources, roots_to_read
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


def read_home(ledger_path: Path, home: Path) -> None:
    """Read all that the daemon would, newest first."""
    agents = adapters()
    sources = [item.source for item in find_sources(agents, roots_to_read(agents.values(), Config(), home, {}))]
    read_all(ledger_path, sorted(sources, key=lambda source: -Path(source.path).stat().st_mtime_ns))


def read_all(ledger_path: Path, sources: Sequence[Source]) -> None:
    async def read() -> None:
        ledger = await Ledger.open(ledger_path, DigestReducer())
        try:
            for source in sources:
                agent = adapters()[source.agent]
                done = await ingest(ledger, agent, source, root_of=find_root, now_ms=now_ms)
                if done.error is not None:
                    raise RuntimeError(f"{source.path} could not be read: {done.error}")
        finally:
            await ledger.close()

    asyncio.run(read())


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
    agents = adapters()
    roots = roots_to_read(agents.values(), Config(), home, {})  # a daemon works them out once for its settings
    took = []

    async def look() -> int:
        ledger = await Ledger.open(ledger_path, DigestReducer())
        try:
            for _ in range(times):
                started = time.perf_counter()
                seen = find_sources(agents, roots)
                if changed(seen, await ledger.last_reads(), now_ms=now_ms()):
                    raise RuntimeError("something changed that nobody wrote to")
                took.append(time.perf_counter() - started)
        finally:
            await ledger.close()
        return len(seen)

    count = asyncio.run(look())
    return min(took), count
