"""What goes wrong between machines without anybody's bad will: each ends well, or with a word that says what to do."""

from __future__ import annotations

from contextlib import suppress

import pytest

from carryover.errors import UserError
from support.sync_world import Crash, MemoryMachine, Remote, bodies, everybody, joined


@pytest.fixture
def remote() -> Remote:
    return Remote()


@pytest.mark.parametrize("step", range(24))
def test_a_machine_that_is_killed_while_it_joins_joins_later(remote: Remote, step: int) -> None:
    first = MemoryMachine(remote, 1, founds=True)
    first.ledger.work("one", b"said here")
    second = MemoryMachine(remote, 2)
    second.ledger.work("two", b"said there")
    second.store.crash_in = step
    for _ in range(3):
        with suppress(Crash, UserError):
            if second.folder.known.store is None:
                second.join()
            else:
                second.sync()
        first.add_all()
    second.store.crash_in = None
    everybody(first, second)

    assert bodies(first) == bodies(second) == {b"said here", b"said there"}


@pytest.mark.parametrize("step", range(12))
def test_a_machine_that_is_killed_while_it_adds_or_removes_another_does_so_later(remote: Remote, step: int) -> None:
    first = MemoryMachine(remote, 1, founds=True)
    second, third = joined(remote, first, 2), MemoryMachine(remote, 3)
    third.ask()
    everybody(first, second)
    first.store.crash_in = step
    with suppress(Crash):
        first.add_all()
        first.remove(second.id)
    first.store.crash_in = None
    first.sync()
    first.add_all()
    third.join()
    if second.id not in first.folder.known.membership.revoked:
        first.remove(second.id)
    third.ledger.work("three", b"said there")
    everybody(first, third)
    second.sync()

    assert b"said there" in bodies(first)
    assert b"said there" not in bodies(second)


def test_a_machine_that_only_a_removed_one_knew_asks_again(remote: Remote) -> None:
    first = MemoryMachine(remote, 1, founds=True)
    second = joined(remote, first, 2)
    everybody(first, second)
    third = joined(remote, second, 3)
    third.ledger.work("three", b"said there")
    first.ledger.work("one", b"said here")
    first.folder.known, hidden = first.folder.known, dict(remote.branches)
    del remote.branches[second.id]
    first.remove(second.id)
    remote.branches[second.id] = hidden[second.id]
    everybody(first, third)

    assert first.sync().waiting
    first.add_all()
    everybody(first, third)

    assert bodies(first) == bodies(third) == {b"said here", b"said there"}


def test_a_machine_restored_together_with_the_store_from_before_another_was_added_adds_it_again(
    remote: Remote,
) -> None:
    first = MemoryMachine(remote, 1, founds=True)
    first.sync()
    before, branches = first.folder.known, dict(remote.branches)
    second = joined(remote, first, 2)
    everybody(first, second)
    first.folder.known, remote.branches = before, branches
    first.ledger.work("one", b"said here")
    second.ledger.work("two", b"said there")
    everybody(first, second)
    first.add_all()
    everybody(first, second)

    assert bodies(first) == bodies(second) == {b"said here", b"said there"}
    assert not first.sync().problems and not second.sync().problems


def test_a_damaged_segment_does_not_keep_the_others_back(remote: Remote) -> None:
    first = MemoryMachine(remote, 1, founds=True)
    second = joined(remote, first, 2)
    everybody(first, second)
    for number in range(3):
        first.ledger.work("one", b"%d" % number)
        first.sync()
    files = remote.commits[remote.branches[first.id]]
    segments = [segment.parts[0].path for segment in first.own().manifest().segments]
    kept = files[segments[0]]
    files[segments[0]] = kept[:-1] + bytes([kept[-1] ^ 1])

    assert "can't be used" in second.sync().problems["m1"]
    assert bodies(second) == {b"1", b"2"}
    files[segments[0]] = kept
    second.sync()
    assert bodies(second) == {b"0", b"1", b"2"}


def test_of_a_removed_machine_whose_branch_is_gone_nothing_more_is_said(remote: Remote) -> None:
    first = MemoryMachine(remote, 1, founds=True)
    second = joined(remote, first, 2)
    everybody(first, second)
    first.remove(second.id)
    del remote.branches[second.id]

    assert first.sync().problems == {}


def test_a_machine_that_was_just_added_is_no_problem(remote: Remote) -> None:
    first = MemoryMachine(remote, 1, founds=True)
    second, third = joined(remote, first, 2), MemoryMachine(remote, 3)
    third.ask()
    first.add_all()

    for machine in (first, second, first):
        assert machine.sync().problems == {}
    third.join()
    for machine in (first, second, third, first, second, third):
        assert machine.sync().problems == {}


def test_a_restored_machine_finds_a_number_that_nobody_has_seen(remote: Remote) -> None:
    """Two machines have seen different manifests of it under the same one."""
    first = MemoryMachine(remote, 1, founds=True)
    second, third = joined(remote, first, 2), joined(remote, first, 3)
    everybody(first, second, third)
    backup, branches = first.folder.known, dict(remote.branches)
    for other, text in ((third, b"before"), (second, b"after")):
        first.folder.known = backup
        former, remote.branches = remote.branches, dict(branches)
        first.compact()
        other.ledger.work("other", text)
        other.sync()
    remote.branches[third.id] = former[third.id]
    everybody(first, second, third)

    assert not {**first.sync().problems, **second.sync().problems, **third.sync().problems}
