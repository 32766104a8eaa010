"""Whatever happens between them, machines of a store end with the same events, each once."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, rule
from msgspec.structs import replace

from carryover.errors import UserError
from carryover.model import AssistantMessage, Event, Retracted, UserPrompt
from carryover.sync.folder import SyncState
from carryover.sync.head import Segment
from carryover.sync.own_log import SMALL
from support.machines import OneMachine, machines, meet
from support.sync_world import Crash, MemoryMachine, Remote, bodies, everybody, joined, signing_quickly

MOST_MACHINES = 5
numbers = st.integers(0, MOST_MACHINES - 1)


@pytest.fixture(autouse=True, scope="module")
def _signing_is_quick() -> Iterator[None]:
    with signing_quickly():
        yield


class Machines(RuleBasedStateMachine):
    """Two to five machines that work, synchronise and meet with every kind of trouble, in any order."""

    snapshots = Bundle("snapshots")
    backups = Bundle("backups")

    @initialize(more=st.integers(1, 3))
    def begin(self, more: int) -> None:
        self.remote = Remote()
        self.machines = [MemoryMachine(self.remote, 1)]
        self.removed: set[str] = set()
        self.forgotten: set[str] = set()
        for _ in range(more):
            self.machines.append(joined(self.remote, *self.machines, number=len(self.machines) + 1))
        self.number = len(self.machines)

    def _one(self, number: int) -> MemoryMachine:
        return self.machines[number % len(self.machines)]

    @rule(number=numbers, session=st.integers(0, 3), events=st.integers(1, 5))
    def work(self, number: int, session: int, events: int) -> None:
        one = self._one(number)
        one.ledger.work(f"{one.name}-{session}", *(b"%d" % at for at in range(events)))

    @rule(number=numbers)
    def sync(self, number: int) -> None:
        with suppress(UserError):
            self._one(number).sync()

    @rule(number=numbers, after=st.integers(0, 12))
    def crash_in_sync(self, number: int, after: int) -> None:
        one = self._one(number)
        one.store.crash_in = after
        with suppress(Crash, UserError):
            one.sync()
        one.store.crash_in = None

    @rule(number=numbers)
    def cut_off_or_connect(self, number: int) -> None:
        one = self._one(number)
        one.store.reachable = not one.store.reachable

    @rule(whose=numbers, session=st.integers(0, 3))
    def forget(self, whose: int, session: int) -> None:
        name = f"{self._one(whose).name}-{session}"
        self.forgotten.add(name)
        for one in self.machines:  # each forgets its own
            one.ledger.forget(name)

    @rule(target=snapshots)
    def snapshot(self) -> dict[str, dict[str, bytes]]:
        return self.remote.copy()

    @rule(logs=snapshots)
    def roll_back(self, logs: dict[str, dict[str, bytes]]) -> None:
        self.remote.logs = {machine: dict(files) for machine, files in logs.items()}

    @rule(number=numbers, which=st.integers(0, 3))
    def lose_a_file(self, number: int, which: int) -> None:
        files = self.remote.logs.get(self._one(number).id, {})
        if files:
            del files[sorted(files)[which % len(files)]]

    @rule(target=backups, number=numbers)
    def back_up(self, number: int) -> tuple[MemoryMachine, SyncState]:
        one = self._one(number)
        return one, one.folder.known

    @rule(backup=backups)
    def restore(self, backup: tuple[MemoryMachine, SyncState]) -> None:
        one, state = backup
        one.folder.known = state

    @rule()
    def add_another(self) -> None:
        if len(self.machines) >= MOST_MACHINES:
            return
        self.number += 1
        new = MemoryMachine(self.remote, self.number)
        new.name = new.ledger.name = f"m{new.id}"
        with suppress(UserError):
            new.sync()
            for session in self.forgotten:
                new.ledger.forget(session)
            self.machines.append(new)
            for one in self.machines:
                one.add(*self.machines)

    @rule(number=numbers, which=numbers)
    def remove(self, number: int, which: int) -> None:
        one, other = self._one(number), self._one(which)
        if len(self.machines) <= 2 or one is other:
            return
        with suppress(UserError):
            one.remove(other.id)
            self.machines.remove(other)
            self.removed.add(other.name)

    def teardown(self) -> None:
        if not hasattr(self, "machines"):
            return
        for one in self.machines:
            one.store.reachable = True
        for _ in range(2 * len(self.machines) + 2):
            before = self.remote.copy()
            for one in self.machines:
                with suppress(UserError):
                    one.sync()
                    one.add(*self.machines)  # as `sync` tells the user to
            if self.remote.logs == before:  # each has read what the others will read
                break
        for one in self.machines:
            outcome = one.sync()
            assert (outcome.sent_events, outcome.received_events) == (0, 0), "nothing is left to be said"
            names = {other.name for other in self.machines}
            assert not names.intersection(outcome.problems), outcome
        dumps = [
            [row for row in one.ledger.dump() if row[1].partition("-")[0] not in self.removed] for one in self.machines
        ]
        assert all(dump == dumps[0] for dump in dumps)
        own = [key for one in self.machines for key in one.ledger.log if key in one.ledger.rows]
        assert set(own) <= {key for key, *_ in dumps[0]}, "what a machine recorded is everywhere"
        for one in self.machines:
            assert not {session for session, _ in one.ledger.rows.values()} & self.forgotten
            assert len(set(one.ledger.received)) == len(one.ledger.received) or one.ledger.forgotten


TestMachines = Machines.TestCase
TestMachines.settings = settings(stateful_step_count=30, suppress_health_check=list(HealthCheck))


NAMES = ("laptop", "desktop", "box")
SESSIONS = ("a", "b")

machine = st.sampled_from(NAMES)
session = st.sampled_from(SESSIONS)
ACTIONS = st.one_of(
    st.tuples(st.just("say"), machine, session),
    st.tuples(st.just("rewrite"), machine, session),
    st.tuples(st.just("take back"), machine, session),
    st.tuples(st.just("bring back"), machine, session),
    st.tuples(st.just("go back"), machine, session),
    st.tuples(st.just("forget"), machine, st.sampled_from([f"{one} {name}" for one in SESSIONS for name in NAMES])),
    st.tuples(st.just("tell"), machine, session),
    st.tuples(st.just("take"), machine, machine),
    st.tuples(st.just("tell all again"), machine, session),
    st.tuples(st.just("take all again"), machine, machine),
)


async def play(folder: Path, names: tuple[str, ...], actions: list[tuple[str, str, str]]) -> None:
    """Carries out the actions at moments of one clock, then has all machines meet, and compares their ledgers."""
    async with machines(folder, *names) as world:
        said: dict[tuple[str, str], list[Event]] = {}
        for moment, (what, who, which) in enumerate(actions, start=1):
            now_ms = moment * 100_000
            if who not in names or which not in (*SESSIONS, *names, *(f"{a} {b}" for a in SESSIONS for b in names)):
                continue
            one, own = world[who], f"{which} {who}"
            events = said.setdefault((who, which), [])
            match what:
                case "say":
                    events += await one.say("p", AssistantMessage(text=f"at {now_ms}"), session=own, at_ms=now_ms)
                case "rewrite" if events:
                    key = f"{who} {own} {now_ms}"
                    events[-1:] = [Event(key=key, session=own, at_ms=now_ms, body=UserPrompt(text="anew"), cwd="/repo")]
                    await one.rewrite(own, events)
                case "take back" if events:
                    events += await one.say(Retracted(keys=(events[0].key,)), session=own, at_ms=now_ms)
                case "bring back" if events:
                    events += await one.say(Retracted(restored=(events[0].key,)), session=own, at_ms=now_ms)
                case "go back" if events:
                    events += await one.say(Retracted(since_ms=events[0].at_ms), session=own, at_ms=now_ms)
                case "forget":
                    for each in world.values():
                        await each.forget(which, now_ms=now_ms)
                    said.pop((which.split()[1], which.split()[0]), None)
                case "tell":
                    await one.tell()
                case "tell all again":
                    one.position = 0
                    await one.tell()
                case "take" if which != who:
                    await one.take(world[which])
                case "take all again" if which != who:
                    one.taken.pop(which, None)
                    await one.take(world[which])
        await meet(*world.values())
        dumps = {one.dump() for one in world.values()}
        assert len(dumps) == 1


async def test_what_is_read_later_than_its_retraction_counts_on_each_machine(both: Mapping[str, OneMachine]) -> None:
    """Each event says itself whether it counts, and not what came before it by its time."""
    laptop, desktop = both.values()
    await laptop.say("one", at_ms=100_000)
    await laptop.say(Retracted(since_ms=0), at_ms=300_000)
    await laptop.say("two", at_ms=200_000)
    await meet(laptop, desktop)

    for one in (laptop, desktop):
        assert one.scribe.prompts() == ["two"]
    assert laptop.dump() == desktop.dump()


BROUGHT_BACK = [("say", "a"), ("say", "a"), ("take back", "a"), ("tell", "a"), ("bring back", "a"), ("say", "a")]


@example(count=2, actions=[(what, "laptop", which) for what, which in BROUGHT_BACK])
@given(count=st.integers(2, 3), actions=st.lists(ACTIONS, max_size=25))
def test_machines_converge_whatever_they_do_and_in_whatever_order(
    count: int, actions: list[tuple[str, str, str]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder), NAMES[:count], actions))


def test_a_machine_with_nothing_new_writes_nothing_and_with_its_key_gone_all_that_others_need(
    remote: Remote, first: MemoryMachine, second: MemoryMachine
) -> None:
    first.ledger.work("one", b"said")
    everybody(first, second)
    before = remote.copy()
    first.sync()
    assert remote.logs == before

    del remote.logs[first.id]["key"]
    first.sync()
    assert remote.logs[first.id].keys() == before[first.id].keys()


def test_a_machine_whose_files_are_gone_removes_another_and_sends_all_again(
    remote: Remote, first: MemoryMachine, second: MemoryMachine, third: MemoryMachine
) -> None:
    before = set(remote.logs[first.id])
    remote.logs[first.id] = {name: data for name, data in remote.logs[first.id].items() if name in ("key", "head")}
    first.remove(second.id)
    first.sync()

    assert len(remote.logs[first.id]) == len(before)
    assert third.sync().problems == {}


def test_after_many_small_segments_a_log_begins_afresh(
    remote: Remote, first: MemoryMachine, second: MemoryMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("carryover.sync.own_log.MOST_SMALL", 10)
    lengths = []
    for number in range(40):
        first.ledger.work("one", b"%d" % number)
        first.sync()
        lengths.append(len(first.folder.known.own.segments))
    second.sync()

    listed = first.folder.known.own.segments
    assert lengths[8:12] == [10, 11, 4, 5], "one more than MOST_SMALL, and then fewer, since they were joined"
    assert remote.logs[first.id].keys() - {"key", "head"} == {one.name for one in listed}
    assert bodies(second) >= {b"%d" % number for number in range(40)}


def test_a_log_begins_afresh_before_it_has_more_segments_than_others_read(
    remote: Remote, first: MemoryMachine, second: MemoryMachine
) -> None:
    files = {f"{number:032x}": b"x" * SMALL for number in range(20_000)}
    listed = tuple(Segment(SMALL, bytes.fromhex(name) + bytes(16)) for name in files)
    known = first.folder.known
    first.folder.known = replace(known, own=replace(known.own, segments=listed), sha=b"")
    remote.logs[first.id] |= files
    first.ledger.work("one", b"later")
    first.sync()

    assert second.sync().problems == {}
    assert b"later" in bodies(second)
