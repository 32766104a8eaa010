"""Whatever happens between them, machines of a store end with the same events, each once."""

from __future__ import annotations

from contextlib import suppress

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, rule

from carryover.errors import UserError
from carryover.sync.folder import State
from support.sync_world import Crash, MemoryMachine, Remote, joined

MOST_MACHINES = 5
numbers = st.integers(0, MOST_MACHINES - 1)


class Machines(RuleBasedStateMachine):
    """Two to five machines that work, synchronise and meet with every kind of trouble, in any order."""

    snapshots = Bundle("snapshots")
    backups = Bundle("backups")

    @initialize(more=st.integers(1, 3))
    def begin(self, more: int) -> None:
        self.remote = Remote()
        self.machines = [MemoryMachine(self.remote, 1, founds=True)]
        self.removed: set[str] = set()
        self.forgotten: list[tuple[MemoryMachine, str]] = []
        for _ in range(more):
            self.machines.append(joined(self.remote, self.machines[0], len(self.machines) + 1))
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

    @rule(number=numbers, whose=numbers, session=st.integers(0, 3))
    def forget(self, number: int, whose: int, session: int) -> None:
        name = f"{self._one(whose).name}-{session}"
        self.forgotten.append((self._one(number), name))
        self._one(number).ledger.forget(name)

    @rule(number=numbers)
    def compact(self, number: int) -> None:
        with suppress(UserError):
            self._one(number).compact()

    @rule(target=snapshots)
    def snapshot(self) -> dict[str, str]:
        return dict(self.remote.branches)

    @rule(branches=snapshots)
    def roll_back(self, branches: dict[str, str]) -> None:
        self.remote.branches = dict(branches)

    @rule(target=backups, number=numbers)
    def back_up(self, number: int) -> tuple[MemoryMachine, State]:
        one = self._one(number)
        return one, one.folder.known

    @rule(backup=backups)
    def restore(self, backup: tuple[MemoryMachine, State]) -> None:
        one, state = backup
        one.folder.known = state

    @rule(number=numbers)
    def lose_local_store(self, number: int) -> None:
        self._one(number).store.lost = set(self.remote.commits)

    @rule(number=numbers)
    def add_another(self, number: int) -> None:
        if len(self.machines) >= MOST_MACHINES:
            return
        self.number += 1
        new = MemoryMachine(self.remote, self.number)
        new.name = new.ledger.name = f"m{new.id}"
        with suppress(UserError):
            new.ask()
            self._one(number).add_all()
            if new.join():
                self.machines.append(new)

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
            for one in self.machines:
                with suppress(UserError):
                    one.sync()
                    one.add_all()  # as `sync` tells the user to
        for one in self.machines:
            outcome = one.sync()
            assert (outcome.sent_events, outcome.received.events) == (0, 0), "nothing is left to be said"
            names = {other.name for other in self.machines}
            assert not names.intersection((*outcome.problems, *outcome.unmet)), outcome
        dumps = [
            [row for row in one.ledger.dump() if row[1].partition("-")[0] not in self.removed] for one in self.machines
        ]
        assert all(dump == dumps[0] for dump in dumps)
        own = [key for one in self.machines for key in one.ledger.log if key in one.ledger.rows]
        assert set(own) <= {key for key, *_ in dumps[0]}, "what a machine recorded is everywhere"
        forgotten = {session for by, session in self.forgotten if by in self.machines}
        for one in self.machines:
            assert not {session for session, _ in one.ledger.rows.values()} & forgotten
            assert len(set(one.ledger.received)) == len(one.ledger.received) or one.ledger.forgotten


TestMachines = Machines.TestCase
TestMachines.settings = settings(stateful_step_count=30, suppress_health_check=list(HealthCheck))
