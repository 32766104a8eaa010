"""A scribe who fills a ledger as ingest would."""

import random
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from carryover.adapter.contract import Reemitted, Source
from carryover.distill.stored_digest import DigestReducer
from carryover.facts import ProjectRoot
from carryover.ledger.batch import Committed, PreparedBatch, ReadyEvent, SourceState
from carryover.ledger.codec import decode_body, unpack_digest
from carryover.ledger.connect import connect_read_only
from carryover.ledger.events import session_events
from carryover.ledger.queries import session_by_prefix
from carryover.ledger.store import Ledger
from carryover.model import AnyBody, Event, Skipped, StoredEvent, UserPrompt
from support.empty_ledger import put_ledger

AGENT = "made-up"
Reading = Callable[[], sqlite3.Connection]


@dataclass
class Scribe:
    """Writes synthetic events into `ledger`. Keys and times count up unless they are given."""

    ledger: Ledger
    written: int = 0
    agent: str = AGENT

    @cached_property
    def db(self) -> sqlite3.Connection:
        """A read-only connection, which sees what was committed until then."""
        return connect_read_only(self.ledger.path)

    def prompts(self, session: str = "s1") -> list[str]:
        """The prompts of a session that count, in the order of their rows."""
        events = self.events(session)
        return [each.body.text for each in events if isinstance(each.body, UserPrompt) and not each.retracted]

    def events(self, session: str = "s1") -> list[StoredEvent]:
        return list(session_events(self.db, session_by_prefix(self.db, session)))

    def event(
        self,
        body: AnyBody | str,
        *,
        key: str | None = None,
        session: str = "s1",
        at_ms: int | None = None,
        cwd: str | None = "/repo",
        subagent_id: str | None = None,
        secondary_key: str | None = None,
    ) -> Event:
        self.written += 1
        return Event(
            key=key if key is not None else f"k{self.written}",
            session=session,
            at_ms=at_ms if at_ms is not None else 1_000 * self.written,
            body=UserPrompt(text=body) if isinstance(body, str) else body,
            cwd=cwd,
            subagent_id=subagent_id,
            secondary_key=secondary_key,
        )

    def prepared(
        self,
        *events: Event,
        cursor: bytes = b"1",
        context: bytes = b"{}",
        redacted: Mapping[str, int] | None = None,
        skipped: tuple[Skipped, ...] = (),
        oversized: int = 0,
        reemitted: tuple[Reemitted, ...] = (),
    ) -> PreparedBatch:
        folders = {event.cwd for event in events if event.cwd is not None}
        return PreparedBatch(
            cursor=cursor,
            context=context,
            size=10,
            mtime_ns=5_000_000,
            entries=tuple(ReadyEvent.of(self.agent, event, redacted or {}) for event in events),
            reemitted=tuple(reemitted),
            skipped=skipped,
            oversized=oversized,
            roots={folder: ProjectRoot(folder) for folder in folders},
        )

    async def tell(self, *reported: Event | str, path: str = "/t/one.jsonl", rank: int = 0) -> Committed:
        """Commit events, or prompts given as their text, as the next read of the source at `path`."""
        events = [self.event(each) if isinstance(each, str) else each for each in reported]
        return await self.commit(self.prepared(*events), path=path, rank=rank)

    async def commit(self, prepared: PreparedBatch, *, path: str = "/t/one.jsonl", rank: int = 0) -> Committed:
        source = Source(agent=self.agent, path=path, rank=rank)
        state = await self.ledger.source_state(source)
        return await self.ledger.commit(source, prepared, seen_rev=state.rev if state is not None else 0)

    async def state(self, path: str = "/t/one.jsonl") -> SourceState:
        """How far the source at `path` has been read, which it was."""
        state = await self.ledger.source_state(Source(agent=self.agent, path=path))
        assert state is not None
        return state


@asynccontextmanager
async def writing(path: Path) -> AsyncIterator[Scribe]:
    """Opens the ledger at `path` for a scribe, and closes it."""
    put_ledger(path)
    scribe = Scribe(await Ledger.open(path, DigestReducer()))
    try:
        yield scribe
    finally:
        if "db" in vars(scribe):
            scribe.db.close()
        await scribe.ledger.close()


def execute(path: Path, *statements: str) -> list[tuple[Any, ...]]:
    """Runs SQL on the ledger at `path` as another program would; returns the rows of the last statement."""
    with closing(sqlite3.connect(path)) as db, db:
        return [db.execute(statement).fetchall() for statement in statements][-1]


async def ledger_with_prompt(ledger_path: Path, root: Path) -> int:
    """Makes a ledger that knows one project by one prompt, given in `root`; returns the project's id."""
    ledger = await Ledger.open(ledger_path, DigestReducer())
    try:
        scribe = Scribe(ledger, agent="claude-code")
        committed = await scribe.tell(scribe.event("Add a parser for dates", at_ms=1, cwd=str(root)))
    finally:
        await ledger.close()
    [project] = committed.projects
    return project


def noise(seed: int, length: int) -> str:
    """Returns a text of `length` hexadecimal digits that compresses to half of that at best."""
    return random.Random(seed).randbytes(length).hex()[:length]


def compressed(ledger: Path) -> dict[bytes, bytes]:
    """Returns the text of every compressed body and digest, by the bytes that it is stored as."""
    with closing(connect_read_only(ledger)) as db:
        bodies = [body for (body,) in db.execute("SELECT body FROM event") if isinstance(body, bytes)]
        digests = [digest for (digest,) in db.execute("SELECT digest FROM thread")]
    return {body: msgspec.json.encode(decode_body(body)) for body in bodies} | {
        digest: unpack_digest(digest) for digest in digests
    }


def compressed_with(ledger: Path, text: str) -> list[bytes]:
    """Returns the stored bytes of what holds `text`."""
    return [stored for stored, plain in compressed(ledger).items() if text.encode() in plain]
