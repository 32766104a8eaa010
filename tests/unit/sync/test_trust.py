"""What someone who can write to the remote, or once belonged to the store, can't do."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import replace

import msgspec
import pytest

from carryover.errors import UserError
from carryover.sync.manifest import Membership, files_of, opened_manifest
from carryover.sync.membership import add, waiting
from carryover.sync.sealing import MachineKey, new_epoch, new_identity
from support.sync_world import MemoryMachine, Remote, bodies, everybody, joined

A, B, C, D = (f"{number:016x}" for number in (1, 2, 3, 4))
Files = dict[str, bytes]


def rewritten(remote: Remote, machine: str, change: Callable[[Files], object]) -> None:
    """Changes files of a branch, as whoever can write to the remote can."""
    files = dict(remote.commits[remote.branches[machine]])
    change(files)
    name = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:40]
    remote.commits[name] = files
    remote.branches[machine] = name


def problem(machine: MemoryMachine) -> str:
    [found] = machine.sync().problems.values()
    return found


@pytest.mark.parametrize("gone", [False, True])
def test_a_branch_rolled_back_is_said_removes_nothing_and_is_put_back_by_its_machine(
    remote: Remote, first: MemoryMachine, second: MemoryMachine, gone: bool
) -> None:
    before = remote.branches[A]
    first.ledger.work("one", b"later")
    everybody(first, second)
    remote.branches[A] = before
    if gone:
        del remote.branches[A]

    assert "older state" in problem(second)
    assert bodies(second) == {b"said here", b"later"}
    first.sync()
    assert second.sync().problems == {}


def test_a_machine_sees_that_a_branch_is_older_than_another_machine_saw_it(
    remote: Remote, first: MemoryMachine, second: MemoryMachine, third: MemoryMachine
) -> None:
    first.ledger.work("one", b"later")
    first.sync()
    before = remote.branches[A]
    first.ledger.work("one", b"still later")
    first.sync()
    second.ledger.work("two", b"and here")
    second.sync()
    remote.branches[A] = before

    assert "older state" in third.sync().problems["m1"]


def parts(files: Files) -> list[str]:
    return [path for path in files if path[2] == "/"]


def swapped(files: Files) -> None:
    paths = parts(files)
    files.update(zip(paths, [files[path] for path in (*paths[1:], paths[0])], strict=True))


def changed(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda files: files.update({path: changed(files[path]) for path in parts(files)}), "bytes of it were changed"),
        (swapped, "bytes of it were changed"),
        (lambda files: [files.pop(path) for path in parts(files)], "missing from the store"),
    ],
)
def test_segments_that_are_not_as_their_machine_wrote_them_are_refused(
    remote: Remote, first: MemoryMachine, second: MemoryMachine, change: Callable[[Files], None], said: str
) -> None:
    for text in (b"later", b"and later"):
        first.ledger.work("one", text)
        first.sync()
    rewritten(remote, A, change)

    assert said in problem(second)
    assert bodies(second) < {b"said here", b"later", b"and later"}


@pytest.mark.usefixtures("third")
def test_another_machines_branch_under_this_name_is_refused(remote: Remote, second: MemoryMachine) -> None:
    remote.branches[A] = remote.branches[C]

    assert "not written by it" in second.sync().problems["m1"]


@pytest.mark.parametrize("machine", [A, D])
def test_a_removed_machine_speaks_for_no_other_and_gives_it_no_key(
    remote: Remote, first: MemoryMachine, second: MemoryMachine, third: MemoryMachine, machine: str
) -> None:
    """Whoever can't read the others' challenges can't answer for a machine, even with every key there was: neither for
    one that the others know, nor for one that was just added.
    """
    known = third.own().state.epochs
    first.remove("m3")
    joined(remote, first, 4)
    trap = new_epoch(99)
    own = third.own()
    own.fetch()
    forged = msgspec.structs.replace(
        opened_manifest(own.branch(B), known),
        machine=machine,
        sequence=1_000,
        membership=Membership(third.folder.known.membership.members, given={trap.id: frozenset((A, B))}),
    )
    files = files_of(forged, third.folder.key(), [*known, trap], trap, {B: os.urandom(32)}, former={})
    rewritten(remote, machine, lambda present: present.update(files))
    second.sync()
    second.ledger.work("two", b"secret")
    second.sync()

    assert trap not in second.folder.known.epochs
    assert second.folder.known.machines[A].seen.sequence < 999
    assert D not in second.own().read().accepted


def test_a_machine_that_was_removed_reads_nothing_new_and_says_nothing_new(
    first: MemoryMachine, second: MemoryMachine, third: MemoryMachine
) -> None:
    first.remove("m3")
    for machine in (first, second):
        machine.ledger.work(machine.name, b"after that")
        machine.sync()
    third.ledger.work("three", b"from outside")

    assert "has removed this machine" in third.sync().problems["m1"]
    assert bodies(third) == {b"said here", b"from outside"}
    assert "removed from the store and has written since" in second.sync().problems["m3"]
    assert b"from outside" not in bodies(second)


def test_a_key_that_a_removed_machine_made_is_not_used(
    first: MemoryMachine, second: MemoryMachine, third: MemoryMachine
) -> None:
    """It may have told nobody that it has it."""
    trap = new_epoch(50)
    own = third.own()
    view = own.read()
    own.write(replace(view, epochs={**view.epochs, trap.id: trap}))
    own.push()
    waiting(second.own())
    first.remove(third.id)
    second.ledger.work("two", b"said here")
    everybody(second, first)

    assert trap in second.folder.known.epochs
    assert trap.id not in {segment.epoch for segment in second.own().manifest().segments}


def test_two_machines_that_remove_another_at_once_agree_on_a_key_that_none_of_these_has(
    remote: Remote, first: MemoryMachine, second: MemoryMachine, third: MemoryMachine
) -> None:
    fourth = joined(remote, first, 4)
    everybody(first, second, third, fourth)
    before = dict(remote.branches)
    first.remove("m3")
    ours, remote.branches = remote.branches[A], before
    second.remove("m4")
    remote.branches[A] = ours
    everybody(first, second)
    first.ledger.work("one", b"for the two of us")
    everybody(first, second)

    newest = max(first.folder.known.epochs, key=lambda epoch: epoch.id)
    assert newest in second.folder.known.epochs
    for removed in (third, fourth):
        removed.sync()
        assert newest not in removed.folder.known.epochs
    assert b"for the two of us" in bodies(second)


def test_a_key_that_is_swapped_while_the_user_compares_codes_is_not_added(remote: Remote, first: MemoryMachine) -> None:
    third = MemoryMachine(remote, 3)
    third.ask()
    [(machine, code)] = waiting(first.own()).items()
    rewritten(remote, C, lambda files: files.update(join=MachineKey(new_identity()).recipient.encode()))

    with pytest.raises(UserError, match="no longer asks to be added"):
        add(first.own(), machine, code)
    assert C not in first.folder.known.membership.members


def test_an_offer_without_the_key_of_this_machine_is_no_offer(remote: Remote, first: MemoryMachine) -> None:
    third = MemoryMachine(remote, 3)
    third.ask()
    own = first.own()
    files = files_of(own.manifest(), MachineKey(new_identity()), own.state.epochs, own.state.epochs[0], {}, former={})
    rewritten(remote, A, lambda present: present.update({**files, f"keys/{C}": files["head"]}))

    assert not third.join()
    with pytest.raises(UserError, match="waits to be added"):
        third.sync()
