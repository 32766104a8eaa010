"""What someone who can write to the store, or once belonged to it, can't do."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from carryover.actions.syncing import add_machines, join_with
from carryover.errors import UserError
from carryover.sync.head import MOST_MACHINES, Branch, Head, Membership, opened_head, sealed_head, sealed_segment
from carryover.sync.payload import Payload
from support.sync_world import MemoryMachine, Remote, bodies, everybody, joined, key_of

A, B, C, D = (f"{number:016x}" for number in (1, 2, 3, 4))
Files = dict[str, bytes]


def problem(machine: MemoryMachine) -> str:
    [found] = machine.sync().problems.values()
    return found


def head_of(remote: Remote, machine: MemoryMachine) -> Head:
    return opened_head(Branch(machine.id, head=remote.logs[machine.id]["head"]), machine.key.public, machine.key)


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


def test_a_machine_sees_that_a_log_is_older_than_another_machine_saw_it(
    remote: Remote, first: MemoryMachine, second: MemoryMachine, third: MemoryMachine
) -> None:
    first.ledger.work("one", b"later")
    first.sync()
    before = remote.copy()[A]
    first.ledger.work("one", b"still later")
    first.sync()
    second.ledger.work("two", b"and here")
    second.sync()
    remote.logs[A] = before

    assert "older state" in third.sync().problems["m1"]


def test_another_head_under_a_number_that_was_taken_is_refused(
    remote: Remote, first: MemoryMachine, second: MemoryMachine
) -> None:
    known = head_of(remote, first)
    remote.logs[A]["head"] = sealed_head(msgspec.structs.replace(known, name="other"), first.key)

    assert "older state of it than was there before, or another one" in problem(second)


def segments(files: Files) -> list[str]:
    return [name for name in files if name[0] == "0"]


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
    joined(remote, first, 4)
    segment, data = sealed_segment(1, [Payload()])
    forged = Head(
        store=third.own().head.store,
        machine=machine,
        name="m1",
        sequence=1_000,
        segments=(segment,),
        membership=Membership({B: second.key.public, C: third.key.public}),
    )
    remote.logs[machine] |= {"head": sealed_head(forged, third.key), segment.name: data}

    outcome = second.sync()

    assert "not written by it" in outcome.problems.get("m1", outcome.problems.get(machine, ""))
    assert second.folder.known.machines[A].seen.sequence < 999
    assert C in second.folder.known.membership.removed or machine == A


def test_a_machine_that_was_removed_reads_nothing_new_and_says_nothing_new(
    remote: Remote, first: MemoryMachine, second: MemoryMachine, third: MemoryMachine
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
    for machine in (first, second):
        with pytest.raises(ValueError, match="for others"):
            opened_head(Branch(machine.id, head=remote.logs[machine.id]["head"]), machine.key.public, third.key)


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
    fourth = joined(remote, first, 4)
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


@pytest.mark.parametrize("number", [2, 3])
def test_whom_a_removed_machine_has_added_since_does_not_belong_to_the_store(
    remote: Remote, first: MemoryMachine, second: MemoryMachine, third: MemoryMachine, number: int
) -> None:
    """Whether what it wrote is read before or after what says that it was removed."""
    removed, other = (second, third) if number == 2 else (third, second)
    first.remove(removed.name)
    stranger = MemoryMachine(remote, 5)
    stranger.ask()
    removed.add_all()
    for _ in range(2):
        for machine in (other, first):
            machine.sync()

    assert stranger.id in removed.folder.known.membership.members
    for machine in (other, first):
        assert stranger.id not in machine.folder.known.membership.members


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

    assert C in second.folder.known.membership.removed
    assert b"after that" not in bodies(third)


def test_a_key_that_is_swapped_while_the_user_compares_codes_is_not_added(remote: Remote, first: MemoryMachine) -> None:
    third = MemoryMachine(remote, 3)
    third.ask()

    def compared(_code: str) -> bool:
        remote.logs[C]["key"] = key_of(9).public.encode()
        return True

    assert [*add_machines(first.own(), None, compared)] == [C]
    assert first.folder.known.membership.members[C] == third.key.public


@pytest.mark.parametrize("key", [b"", b"ssh-ed25519 AAAA", b"age1x", b"\xff", b"ssh-ed25519 " + b"A" * 68 + b"\n* x"])
def test_what_is_no_key_asks_for_nothing(remote: Remote, first: MemoryMachine, key: bytes) -> None:
    remote.logs[C] = {"key": key}

    assert first.sync().waiting == ()


def test_whoever_knows_a_machines_code_joins_in_its_place_only_with_its_key(
    remote: Remote, first: MemoryMachine
) -> None:
    """The code is no secret: it is shown on screens, and stands for a key that never leaves its machine."""
    third = MemoryMachine(remote, 3)
    third.ask()
    add_machines(first.own(), None, lambda _: True)
    thief = MemoryMachine(remote, 3)
    thief.key = key_of(9)
    remote.logs[C]["key"] = thief.key.public.encode()

    assert not thief.join()
    assert third.join() and third.sync().problems == {}


def test_what_strangers_add_to_the_store_fills_no_memory(
    remote: Remote, first: MemoryMachine, second: MemoryMachine
) -> None:
    first.most_read = 64 << 10
    key = key_of(9).public.encode()
    for name in ("0" * 16, "e" * 16, "f" * 16):
        remote.logs[name] = {"key": key if name != "f" * 16 else key * 100, "head": bytes(60 << 10)}
    second.ledger.work("two", b"said there")
    second.sync()

    branches = {branch.machine: branch for branch in first.own().fetch()}
    assert sum(len(branch.head or b"") for branch in branches.values()) <= 64 << 10
    assert {A, B} == {name for name, branch in branches.items() if branch.head is not None}
    assert branches["0" * 16].public is not None and branches["f" * 16].public is None
    assert first.sync().problems == {}
    assert b"said there" in bodies(first)


def test_a_machine_for_which_no_head_has_room_is_not_said_to_be_added(remote: Remote, first: MemoryMachine) -> None:
    invented = Membership({f"{number:016x}": key_of(9).public for number in range(1_000, 1_000 + MOST_MACHINES)})
    first.folder.known = msgspec.structs.replace(first.folder.known, membership=first.own().head.membership | invented)
    third = MemoryMachine(remote, 3)
    third.ask()
    before = remote.copy()

    with pytest.raises(UserError, match="has had 100 machines"):
        first.add_all()
    assert remote.copy() == before


def test_an_offer_that_only_looks_like_one_is_no_offer(remote: Remote, first: MemoryMachine) -> None:
    """Signed by somebody else than the owner of the key beside it, or without this machine among those it adds."""
    third = MemoryMachine(remote, 3)
    third.ask()
    known = first.own().head
    offer = msgspec.structs.replace(known, membership=Membership({A: first.key.public, C: third.key.public}))
    remote.logs[A]["head"] = sealed_head(offer, key_of(9))
    assert not third.join()
    other = msgspec.structs.replace(known, membership=Membership({A: first.key.public, D: third.key.public}))
    remote.logs[A]["head"] = sealed_head(other, first.key)

    assert not third.join()
    with pytest.raises(UserError, match="waits to be added"):
        third.sync()


def test_an_offer_of_somebody_else_has_another_code_than_the_machine_that_the_user_looks_at(
    remote: Remote, first: MemoryMachine
) -> None:
    third, evil = MemoryMachine(remote, 3), MemoryMachine(remote, 9)
    third.ask()
    members = Membership({evil.id: evil.key.public, C: third.key.public})
    forged = Head(store="f" * 16, machine=evil.id, name="m1", sequence=5, membership=members)
    remote.logs[evil.id] = {"key": evil.key.public.encode(), "head": sealed_head(forged, evil.key)}
    right = first.own().code

    with pytest.raises(UserError, match="somebody else answers"):
        join_with(third.own(), lambda _name, code: code == right)
    assert third.folder.known.own is None


def test_of_another_store_nothing_is_taken(remote: Remote, first: MemoryMachine, second: MemoryMachine) -> None:
    head = msgspec.structs.replace(head_of(remote, second), store="0" * 16, sequence=99)
    remote.logs[B]["head"] = sealed_head(head, second.key)

    assert "belongs to another store" in problem(first)
