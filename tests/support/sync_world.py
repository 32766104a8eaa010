"""Machines that synchronise, without git and SQLite: what they do is as in the product, what they store is not."""

from __future__ import annotations

import asyncio
import hashlib
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TypeVar
from unittest.mock import patch

from carryover.errors import ExitCode, UserError
from carryover.paths import StateDir
from carryover.sync import payload as wire
from carryover.sync import sealing
from carryover.sync.folder import SyncFolder, SyncState
from carryover.sync.head import Head, code_of
from carryover.sync.incoming import LedgerIncoming
from carryover.sync.outgoing import LedgerOutgoing
from carryover.sync.own_log import OwnLog
from carryover.sync.payload import Payload
from carryover.sync.rounds import Outcome, exchange
from carryover.sync.sealing import MachineKey, make_key
from carryover.sync.store import Fetched, Store

T = TypeVar("T")
ROOT = "/home/ann/shop"


class Crash(BaseException):
    """The process ends here: nothing after this is done, and nothing before it is undone."""


class MemoryLedger(LedgerOutgoing, LedgerIncoming):
    """A ledger with nothing but events, sessions and what was forgotten."""

    def __init__(self, name: str, store: MemoryStore) -> None:
        self._store = store
        self.segments: set[str] = set()
        self.name = name
        self.rows: dict[bytes, tuple[str, bytes]] = {}
        self.forgotten: set[bytes] = set()
        self.log: list[bytes] = []
        """Keys of own events, in the order they came."""
        self.received: list[bytes] = []
        self.room = True

    def work(self, session: str, *bodies: bytes) -> None:
        for body in bodies:
            key = hashlib.sha256(f"{self.name} {len(self.log)}".encode()).digest()[:16]
            if _scope(session) not in self.forgotten:
                self.rows[key] = (session, body)
                self.log.append(key)

    def forget(self, session: str) -> None:
        self.forgotten.add(_scope(session))
        self.rows = {key: row for key, row in self.rows.items() if row[0] != session}

    def dump(self) -> list[tuple[bytes, str, bytes]]:
        return sorted((key, session, body) for key, (session, body) in self.rows.items())

    # Outgoing

    def pieces(self, after: int) -> Iterator[tuple[Payload, int]]:
        while after < len(self.log):
            keys = self.log[after : after + 3]
            after += len(keys)
            yield _payload([(key, *self.rows[key]) for key in keys if key in self.rows]), after

    def forgets(self) -> str:
        return hashlib.sha256(b"".join(sorted(self.forgotten))).hexdigest()

    # Incoming

    async def taken(self, head: Head) -> set[str]:
        return set(self.segments)

    def has_room(self) -> bool:
        return self.room

    async def take(self, head: Head, payload: Payload, segment: str) -> int:
        self._store.step()
        new = 0
        for one in payload.events:
            session = payload.sessions[one.session].native_id
            if one.key not in self.rows and _scope(session) not in self.forgotten:
                self.rows[one.key] = (session, one.body)
                self.received.append(one.key)
                new += 1
        self.segments.add(segment)
        self._store.step()
        return new


class Remote:
    """What is in the store: the files of each machine."""

    def __init__(self) -> None:
        self.logs: dict[str, dict[str, bytes]] = {}

    def copy(self) -> dict[str, dict[str, bytes]]:
        return {machine: dict(files) for machine, files in self.logs.items()}


class MemoryStore(Store):
    """A store in memory. `crash_in` counts down to a crash at any operation that has effects."""

    def __init__(self, remote: Remote, me: str) -> None:
        self.remote = remote
        self.me = me
        self.reachable = True
        self.crash_in: int | None = None
        self.reads: list[str] = []
        """The names of files, as they were read."""
        self._fetched: dict[str, dict[str, bytes]] = {}
        self._put: dict[str, bytes] = {}

    def step(self) -> None:
        if self.crash_in is not None:
            self.crash_in -= 1
            if self.crash_in < 0:
                self.crash_in = None
                raise Crash

    def fetch(self) -> Fetched:
        self.step()
        if not self.reachable:
            raise UserError("not reachable")
        self._fetched = self.remote.copy()
        self._put = dict(self._fetched.get(self.me, {}))
        return Fetched(self._fetched, {name: len(data) for name, data in self._put.items()})

    def read(self, machine: str, name: str) -> bytes | None:
        self.reads.append(name)
        return self._fetched.get(machine, {}).get(name)

    def put(self, name: str, data: bytes) -> None:
        self.step()
        self._put[name] = data

    def publish(self, names: Collection[str]) -> None:
        self.step()
        if not self.reachable or self.remote.logs.get(self.me) != self._fetched.get(self.me):
            raise UserError("not reachable, or changed")
        self._put = {name: data for name, data in self._put.items() if name in names}
        self.remote.logs[self.me] = dict(self._put)
        self._fetched[self.me] = dict(self._put)
        self.step()


@cache
def key_of(number: int) -> MachineKey:
    """The key of the machine with this number, made once: its machine in another test has the same."""
    file = Path(tempfile.mkdtemp(), "key")
    make_key(file)
    return MachineKey(file)


@contextmanager
def signing_quickly() -> Iterator[None]:
    """Signatures are hashes, and what was decrypted once is known: starting `ssh-keygen` for each, and decrypting again
    and again, would be most of the time. What it says of a signature that is wrong, other tests ask it."""
    with (
        patch.object(MachineKey, "signature", lambda key, message: _signature(key.public, message)),
        patch.object(sealing, "is_signed_by", lambda public, signed, message: signed == _signature(public, message)),
        patch.object(sealing, "unsealed", _remembering(sealing.unsealed)),
        patch.object(MachineKey, "open", cache(MachineKey.open)),
    ):
        yield


def _remembering(opened: Callable[[bytes, Iterable[bytes]], bytes]) -> Callable[[bytes, Iterable[bytes]], bytes]:
    known = cache(opened)
    return lambda data, keys: known(data, tuple(keys))


def _signature(public: str, message: bytes) -> bytes:
    return hashlib.sha256(public.encode() + message).digest()


class MemoryFolder(SyncFolder):
    def __init__(self, state: SyncState, key: MachineKey, store: MemoryStore) -> None:
        super().__init__(StateDir(Path("/nowhere")))
        self.known_key = key
        self.known = state
        self._memory_store = store

    def state(self) -> SyncState:
        return self.known

    def key(self) -> MachineKey:
        return self.known_key

    def save(self, state: SyncState) -> None:
        self._memory_store.step()
        self.known = state
        self._memory_store.step()


async def at_once(work: Callable[[], T]) -> T:
    return work()


class MemoryMachine:
    def __init__(self, remote: Remote, number: int) -> None:
        self.id = f"{number:016x}"
        self.name = f"m{number}"
        self.key = key_of(number)
        self.store = MemoryStore(remote, self.id)
        self.ledger = MemoryLedger(self.name, self.store)
        self.code = code_of(self.id, self.key.public)
        head = Head(machine=self.id, name=self.name)
        self.folder = MemoryFolder(SyncState(remote="r", code=self.code, own=head), self.key, self.store)
        self.now_ms = 0

    def own(self) -> OwnLog:
        self.folder.known_key = self.key
        return OwnLog(self.folder, self.store, self._now_ms)

    def _now_ms(self) -> int:
        self.now_ms += 1
        return self.now_ms

    def sync(self) -> Outcome:
        return asyncio.run(exchange(self.own(), self.ledger, lambda take: take(self.ledger), at_once))

    def add(self, *machines: MemoryMachine) -> None:
        """Adds those of the machines that ask for it."""
        for machine in machines:
            try:
                self.own().add(machine.code)
            except UserError as error:
                if error.code != ExitCode.NOTHING_FOUND:  # it does not ask
                    raise

    def remove(self, name: str) -> None:
        self.own().remove(name)


def joined(remote: Remote, *others: MemoryMachine, number: int) -> MemoryMachine:
    """Returns a new machine; it and the others have added each other."""
    machine = MemoryMachine(remote, number)
    machine.sync()
    for other in others:
        other.sync()
        other.add(machine)
    machine.add(*others)
    return machine


def everybody(*machines: MemoryMachine) -> None:
    """Has machines that belong to the store synchronise until nothing is new."""
    for _ in range(4):
        for machine in machines:
            with suppress(UserError):
                machine.sync()


def bodies(machine: MemoryMachine) -> set[bytes]:
    return {body for _, body in machine.ledger.rows.values()}


def _payload(events: Sequence[tuple[bytes, str, bytes]]) -> Payload:
    names = list(dict.fromkeys(session for _, session, _ in events))
    return Payload(
        sessions=tuple(wire.SyncedSession("agent", name, ROOT) for name in names),
        events=tuple(wire.SyncedEvent(names.index(session), key, 1, body) for key, session, body in events),
    )


def _scope(session: str) -> bytes:
    return hashlib.sha256(session.encode()).digest()[:16]
