"""What someone who can write to the store, or once belonged to it, can't do."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from carryover.errors import UserError
from carryover.sync.head import Head, Peer, accepted_head, code_of, opened_segment, sealed_head, sealed_segment
from carryover.sync.payload import Payload
from support.sync_world import MemoryMachine, Remote, bodies, everybody, joined, key_of

A, B, C, D = (f"{number:016x}" for number in (1, 2, 3, 4))
Files = dict[str, bytes]


def problem(machine: MemoryMachine) -> str:
    [found] = machine.sync().problems.values()
    return found


def sealed(head: Head, by: MemoryMachine, *readers: MemoryMachine) -> bytes:
    return sealed_head(head, [machine.key.public for machine in (by, *readers)], by.key)


@pytest.mark.parametrize("gone", ["nothing", "head", "all"])
def test_a_log_rolled_back_is_said_removes_nothing_and_is_put_back_by_its_machine(
    remote: Remote, first: MemoryMachine, second: MemoryMachine, gone: str
) -> None:
    before = remote.copy()[A]
    first.ledger.work("one", b"later")
    everybody(first, second)
    remote.logs[A] = before
    if gone == "head":
        del remote.logs[A]["head"]
    if gone == "all":
        del remote.logs[A]

    assert "older state" in problem(second)
    assert bodies(second) == {b"said here", b"later"}
    first.sync()
    assert second.sync().problems == {}


def test_another_head_under_a_number_that_was_taken_is_refused(
    remote: Remote, first: MemoryMachine, second: MemoryMachine
) -> None:
    remote.logs[A]["head"] = sealed(replace(first.folder.known.own, name="other"), first, second)

    assert "older state of it than was there before" in problem(second)


def test_a_machine_whose_clock_was_ahead_when_a_sync_was_cut_off_is_still_believed(
    first: MemoryMachine, second: MemoryMachine
) -> None:
    known, first.now_ms = first.folder.known, 1_000_000
    first.ledger.work("one", b"sent at a wrong time")
    first.sync()
    second.sync()
    first.folder.known, first.now_ms = known, 100  # what was sent was not noted any more
    first.ledger.work("one", b"sent at the right time")
    first.sync()

    assert second.sync().problems == {}
    assert bodies(second) == {b"said here", b"sent at a wrong time", b"sent at the right time"}


def test_what_is_wrong_with_two_machines_of_one_name_is_said_of_both(
    remote: Remote, first: MemoryMachine, second: MemoryMachine, third: MemoryMachine
) -> None:
    for machine in (second, third):
        known = machine.folder.known
        machine.folder.known = replace(known, own=replace(known.own, name="laptop"), sha=b"")
        machine.sync()
    first.sync()
    for machine in (second, third):
        del remote.logs[machine.id]["head"]

    assert set(first.sync().problems) == {f"laptop ({B})", f"laptop ({C})"}


def segments(files: Files) -> list[str]:
    return sorted(files.keys() - {"key", "head"})


def swapped(files: Files) -> None:
    names = segments(files)
    files.update(zip(names, [files[name] for name in (*names[1:], names[0])], strict=True))


def changed(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda files: files.update({one: changed(files[one]) for one in segments(files)}), "bytes of it were changed"),
        (lambda files: files.update({one: files[one][:-1] for one in segments(files)}), "bytes of it were changed"),
        (swapped, "bytes of it were changed"),
        (lambda files: [files.pop(one) for one in segments(files)], "missing from the store"),
    ],
    ids=["changed", "cut", "swapped", "missing"],
)
def test_segments_that_are_not_as_their_machine_wrote_them_are_refused(
    remote: Remote, first: MemoryMachine, second: MemoryMachine, change: Callable[[Files], None], said: str
) -> None:
    for text in (b"later", b"and later"):
        first.ledger.work("one", text)
        first.sync()
    change(remote.logs[A])

    assert said in problem(second)
    assert bodies(second) < {b"said here", b"later", b"and later"}


@pytest.mark.parametrize("cut", [0, 1, 100])
def test_a_head_that_is_cut_or_changed_is_refused(
    remote: Remote, first: MemoryMachine, second: MemoryMachine, cut: int
) -> None:
    first.ledger.work("one", b"later")
    first.sync()
    whole = remote.logs[A]["head"]
    remote.logs[A]["head"] = whole[:-cut] if cut else changed(whole)

    assert problem(second)
    assert bodies(second) == {b"said here"}


@pytest.mark.usefixtures("third")
@pytest.mark.parametrize("name", ["head", "all"])
def test_another_machines_log_under_this_name_is_refused(remote: Remote, second: MemoryMachine, name: str) -> None:
    remote.logs[A] = {**(remote.logs[A] if name == "head" else {}), **remote.logs[C]}

    assert "not written by it" in second.sync().problems["m1"]


@pytest.mark.parametrize("machine", [A, D])
def test_a_removed_machine_speaks_for_no_other(
    remote: Remote, first: MemoryMachine, second: MemoryMachine, third: MemoryMachine, machine: str
) -> None:
    """It knows whom to encrypt to, and can write to the store, but has no other's key: neither that of one that the
    others know, nor of one that was just added."""
    first.remove("m3")
    joined(remote, first, second, number=4)
    segment, data = sealed_segment(Payload(), [second.key.public])
    forged = Head(machine=machine, name="m1", sequence=1_000, segments=(segment,), removed={A: b"x"})
    remote.logs[machine] |= {"head": sealed(forged, third, second), segment.name: data}

    outcome = second.sync()

    assert "not written by it" in outcome.problems.get("m1", outcome.problems.get(machine, ""))
    assert second.folder.known.peers[machine].sequence < 999
    assert second.folder.known.peers[A].removed is None


def test_a_machine_that_was_removed_reads_nothing_new_and_says_nothing_new(
    remote: Remote, first: MemoryMachine, second: MemoryMachine, third: MemoryMachine
) -> None:
    before = {machine.id: len(machine.folder.known.own.segments) for machine in (first, second)}
    first.remove("m3")
    for machine in (first, second):
        machine.ledger.work(machine.name, b"after that")
        machine.sync()
    third.ledger.work("three", b"from outside")

    assert "nothing that this machine can read" in third.sync().problems["m1"]
    assert bodies(third) == {b"said here", b"from outside"}
    assert "removed from the store and has written since" in second.sync().problems["m3"]
    assert b"from outside" not in bodies(second)
    for machine in (first, second):
        known = Peer(key=machine.key.public, name="")
        with pytest.raises(ValueError, match="nothing that this machine can read"):
            accepted_head(machine.id, remote.logs[machine.id]["head"], known, third.key)
        [*_, new] = machine.folder.known.own.segments[before[machine.id] :]
        with pytest.raises(ValueError, match="for others"):
            opened_segment(new, remote.logs[machine.id][new.name], third.key)


def test_what_a_machine_wrote_before_it_was_removed_is_taken_by_those_that_had_not(
    first: MemoryMachine, second: MemoryMachine, third: MemoryMachine
) -> None:
    third.ledger.work("three", b"while it belonged")
    third.sync()
    first.sync()
    first.remove("m3")

    assert second.sync().problems == {}
    assert b"while it belonged" in bodies(second)


def test_two_machines_that_remove_another_at_once_agree_and_write_for_none_of_these(
    remote: Remote, first: MemoryMachine, second: MemoryMachine, third: MemoryMachine
) -> None:
    fourth = joined(remote, first, second, third, number=4)
    everybody(first, second, third, fourth)
    before = remote.copy()
    first.remove("m3")
    ours, remote.logs = remote.logs[A], before
    second.remove("m4")
    remote.logs[A] = ours
    everybody(first, second)
    first.ledger.work("one", b"for the two of us")
    everybody(first, second)

    for removed in (third, fourth):
        removed.sync()
        assert b"for the two of us" not in bodies(removed)
    assert b"for the two of us" in bodies(second)


def test_a_store_that_is_rolled_back_undoes_no_removal(
    remote: Remote, first: MemoryMachine, second: MemoryMachine, third: MemoryMachine
) -> None:
    before = remote.copy()
    first.remove("m3")
    second.sync()
    remote.logs = before
    second.ledger.work("two", b"after that")
    second.sync()
    third.sync()

    assert second.folder.known.peers[C].removed is not None
    assert b"after that" not in bodies(third)


def test_what_a_removed_machine_says_of_others_does_not_count(
    remote: Remote, first: MemoryMachine, second: MemoryMachine, third: MemoryMachine
) -> None:
    first.remove("m3")
    second.sync()
    head = replace(third.folder.known.own, sequence=1_000, removed={A: b""})
    remote.logs[C]["head"] = sealed(head, third, first, second)
    everybody(first, second)

    assert second.folder.known.peers[A].removed is None


def test_nor_does_what_it_said_before_it_was_removed(
    remote: Remote, first: MemoryMachine, second: MemoryMachine
) -> None:
    fourth = MemoryMachine(remote, 4)
    fourth.sync()
    second.add(fourth)
    second.remove(fourth.id)
    first.sync()
    first.remove("m2")
    first.add(fourth)

    first.sync()
    assert first.folder.known.peers[fourth.id].removed is None


def test_a_machine_is_read_only_after_its_code_was_compared_and_reads_only_where_its_own_was(
    remote: Remote, first: MemoryMachine
) -> None:
    """Two that were set up at one place at once, or a stranger and a machine of the user."""
    second = MemoryMachine(remote, 2)
    for machine in (first, second):
        machine.ledger.work(machine.name, machine.name.encode())
    everybody(first, second)
    assert (bodies(first), bodies(second)) == ({b"m1"}, {b"m2"})
    assert (first.sync().waiting, second.sync().waiting) == (1, 1)

    first.add(second)
    everybody(first, second)
    assert (bodies(first), bodies(second)) == ({b"m1"}, {b"m2"})
    assert "nothing that this machine can read" in problem(first)

    second.add(first)
    everybody(first, second)
    assert bodies(first) == bodies(second) == {b"m1", b"m2"}
    assert first.sync().problems == second.sync().problems == {}


def test_no_more_machines_are_added_than_can_be_written_for(remote: Remote, first: MemoryMachine) -> None:
    known, new = first.folder.known, MemoryMachine(remote, 2)
    peers = {f"{number:016x}": Peer(key=key_of(9).public, name="other") for number in range(1_000, 1_099)}
    first.folder.known = replace(known, peers=peers)
    new.sync()

    with pytest.raises(UserError, match="writes for 99 others, and can't for more"):
        first.own().add(new.code)
    first.ledger.work("one", b"later")
    assert first.sync().sent_events == 1


@pytest.mark.parametrize(
    "key",
    [
        *(b"", b"ssh-ed25519 AAAA", b"age1x", b"\xff"),
        b"ssh-ed25519 " + b"A" * 68,  # as long as one
        b"ssh-ed25519 " + b"A" * 68 + b"\n* x",
    ],
)
def test_what_is_no_key_asks_for_nothing(remote: Remote, first: MemoryMachine, key: bytes) -> None:
    remote.logs[C] = {"key": key}

    assert first.sync().waiting == 0


def test_whoever_knows_a_machines_code_joins_in_its_place_only_with_its_key(
    remote: Remote, first: MemoryMachine
) -> None:
    """The code is no secret: it is shown on screens, and stands for a key that never leaves its machine."""
    third = MemoryMachine(remote, 3)
    third.sync()
    first.add(third)
    third.add(first)
    first.ledger.work("one", b"for the third")
    first.sync()
    thief = MemoryMachine(remote, 3)
    thief.key = key_of(9)
    thief.sync()
    thief.add(first)

    assert "nothing that this machine can read" in problem(thief)
    assert "not written by it" in problem(first)
    third.sync()
    assert (bodies(thief), bodies(third)) == (set(), {b"for the third"})


def test_a_key_of_somebody_else_has_another_code_than_the_machine_that_the_user_looks_at(
    remote: Remote, first: MemoryMachine
) -> None:
    third, evil = MemoryMachine(remote, 3), MemoryMachine(remote, 9)
    third.sync()
    evil.sync()
    evil.add(third)
    remote.logs[A] = {**remote.logs[evil.id]}

    with pytest.raises(UserError, match="2 other machines ask to be added, none with this code"):
        third.own().add(first.code)
    assert code_of(A, evil.key.public) != first.code
    assert third.folder.known.peers == {}


def test_of_what_strangers_add_to_the_store_little_is_read(
    remote: Remote, first: MemoryMachine, second: MemoryMachine
) -> None:
    for number in range(1_000, 2_000):
        remote.logs[f"{number:016x}"] = {"key": key_of(9).public.encode(), "head": b"x"}
    second.ledger.work("two", b"said there")
    second.sync()
    first.store.reads.clear()

    assert first.sync().problems == {}
    assert len(first.store.reads) < 200
    assert b"said there" in bodies(first)
