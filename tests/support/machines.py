"""Several machines, each with a ledger, that tell each other what they recorded without a store between them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path

import msgspec

from carryover.adapter.contract import Reemitted
from carryover.distill.stored_digest import DigestReducer
from carryover.ledger.codec import decode_body
from carryover.ledger.connect import connect_read_only
from carryover.ledger.machines import begin_log
from carryover.ledger.queries import Selection
from carryover.ledger.rows import SUPERSEDED
from carryover.ledger.store import Ledger
from carryover.model import AnyBody, Event, UserPrompt
from carryover.paths import StateDir
from carryover.projects.root import StatePaths
from carryover.sync.head import Head
from carryover.sync.incoming import LedgerIncoming
from carryover.sync.outgoing import LedgerOutgoing
from carryover.sync.payload import Payload
from support.empty_ledger import put_ledger
from support.scribe import Scribe

IDS = {name: f"{number:016x}" for number, name in enumerate(("laptop", "desktop", "box"), start=10)}

_EVENTS = f"""SELECT hex(key), hex(secondary_key), agent, native_id, subagent_id, at_ms, retracted, body, machine,
    coalesce(placed.root, project.root, '') FROM event JOIN thread ON thread.id = thread_id
    JOIN session ON session.id = session_id LEFT JOIN project ON project.id = project_id
    LEFT JOIN project AS placed ON placed.id = recorded_project_id
    WHERE retracted < {SUPERSEDED} ORDER BY agent, native_id, subagent_id, event.id"""


def canonical_dump(path: Path, own: str) -> bytes:
    """Every event of a ledger in the same bytes on whichever machine it is, in the order of its conversation.

    `own` is the name of the machine that the ledger is on.
    """
    rows = []
    with closing(connect_read_only(path)) as db:
        for *facts, body, machine, root in db.execute(_EVENTS):
            said = json.dumps(msgspec.to_builtins(decode_body(body)), sort_keys=True)
            before = f"{machine}:/"
            rows.append([*facts, said.replace(before, "/"), machine or own, root.replace(before, "/", 1)])
    return json.dumps(rows, indent=0).encode()


class OneMachine:
    def __init__(self, name: str, folder: Path, ledger: Ledger) -> None:
        self.name, self.folder, self.ledger = name, folder, ledger
        self.state = StateDir(folder / ".carryover")
        self.paths = StatePaths(self.state, folder)
        self.scribe = Scribe(ledger)
        self.sent: list[bytes] = []
        self.position = 0
        self.taken: dict[str, int] = {}

    async def close(self) -> None:
        await self.ledger.close()

    async def reopen(self) -> None:
        self.ledger = await Ledger.open(self.state.ledger, DigestReducer())
        self.scribe = Scribe(self.ledger)

    @property
    def said(self) -> Head:
        return Head(machine=IDS[self.name], name=self.name)

    async def say(self, *said: str | AnyBody, session: str = "s1", at_ms: int, cwd: str = "/repo") -> list[Event]:
        """Records what was said in a session, a second apart."""
        events = [
            Event(
                key=f"{self.name} {session} {at_ms} {number}",
                session=session,
                at_ms=at_ms + 1000 * number,
                body=UserPrompt(text=body) if isinstance(body, str) else body,
                cwd=cwd,
            )
            for number, body in enumerate(said)
        ]
        await self.scribe.tell(*events, path=f"/t/{session}.jsonl")
        return events

    async def rewrite(self, session: str, events: Sequence[Event]) -> None:
        """Emits a whole session again, as for a store that is rewritten in place."""
        prepared = self.scribe.prepared(*events, reemitted=(Reemitted(session=session),))
        await self.scribe.commit(prepared, path=f"/t/{session}.jsonl")

    async def forget(self, session: str, *, now_ms: int) -> None:
        await self.ledger.forget(Selection(agent=self.scribe.agent, session=session), now_ms=now_ms)

    async def tell(self) -> list[Payload]:
        told = []
        outgoing = LedgerOutgoing(self.state)
        await self.ledger.write(begin_log, outgoing.sent_projects())
        for payload, position in outgoing.pieces(self.position):
            self.position = position
            self.sent.append(msgspec.msgpack.encode(payload))
            told.append(payload)
        return told

    async def take(self, other: OneMachine) -> int:
        """Takes everything that the other machine told and this one has not taken yet."""
        total = 0
        incoming = LedgerIncoming(self.ledger, self.paths)
        for number, data in enumerate(other.sent[self.taken.get(other.name, 0) :]):
            payload = msgspec.msgpack.decode(data, type=Payload)
            total += await incoming.take(other.said, payload, str(number))
            self.taken[other.name] = self.taken.get(other.name, 0) + 1
        return total

    def dump(self) -> bytes:
        return canonical_dump(self.state.ledger, self.name)

    def read(self) -> closing[sqlite3.Connection]:
        return closing(connect_read_only(self.state.ledger))


@asynccontextmanager
async def machines(folder: Path, *names: str) -> AsyncIterator[Mapping[str, OneMachine]]:
    """Opens a ledger for each machine."""
    async with AsyncExitStack() as stack:
        found = {}
        for name in names:
            home = folder / name
            home.mkdir(parents=True)
            path = StateDir(home / ".carryover").ledger
            put_ledger(path)
            ledger = await Ledger.open(path, DigestReducer())
            await ledger.write(begin_log, ())
            found[name] = OneMachine(name, home, ledger)
            stack.push_async_callback(found[name].close)
        yield found


async def meet(*machines: OneMachine) -> None:
    """Has every machine tell and take until nothing is new."""
    for _ in range(4):
        for one in machines:
            await one.tell()
        for one in machines:
            for other in machines:
                if other is not one:
                    await one.take(other)
