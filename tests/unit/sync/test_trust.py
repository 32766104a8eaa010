"""What someone who can write to the remote, or once belonged to the store, can't do."""

from __future__ import annotations

import hashlib
import importlib
import os
import zlib
from collections.abc import Callable

import msgspec
import pytest

from carryover.errors import UserError
from carryover.sync.manifest import Manifest, Membership, Part, Segment, files_of, opened_manifest
from carryover.sync.membership import add, waiting
from carryover.sync.payload import (
    LARGEST_PAYLOAD,
    Payload,
    SyncedEvent,
    SyncedProject,
    SyncedSession,
    decode_payload,
    encode_payload,
)
from carryover.sync.sealing import (
    LARGEST,
    Epoch,
    MachineKey,
    Unreadable,
    inflated,
    new_epoch,
    new_identity,
    open_sealed,
    seal,
    seal_to,
)
from carryover.sync.segments import merged, opened_segment, sealed_segment
from support.sync_world import MemoryMachine, Remote, joined

A, B, C = f"{1:016x}", f"{2:016x}", f"{3:016x}"


@pytest.fixture
def remote() -> Remote:
    return Remote()


@pytest.fixture
def two(remote: Remote) -> tuple[MemoryMachine, MemoryMachine]:
    """Two machines that have what the other recorded."""
    first = MemoryMachine(remote, 1, founds=True)
    second = joined(remote, first, 2)
    first.ledger.work("one", b"said here")
    for machine in (first, second, first):
        machine.sync()
    return first, second


def rewritten(remote: Remote, machine: str, change: Callable[[dict[str, bytes]], None]) -> None:
    """Changes files of a branch, as whoever can write to the remote can."""
    files = dict(remote.commits[remote.branches[machine]])
    change(files)
    name = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()[:40]
    remote.commits[name] = files
    remote.branches[machine] = name


def problem(machine: MemoryMachine) -> str:
    [found] = machine.sync().problems.values()
    return found


def test_a_branch_rolled_back_is_said_and_removes_nothing(
    remote: Remote, two: tuple[MemoryMachine, MemoryMachine]
) -> None:
    first, second = two
    before = dict(remote.branches)
    first.ledger.work("one", b"later")
    first.sync()
    second.sync()
    remote.branches[A] = before[A]

    assert "older state" in problem(second)
    assert len(second.ledger.rows) == 2


def test_a_branch_that_is_gone_is_said_and_removes_nothing(
    remote: Remote, two: tuple[MemoryMachine, MemoryMachine]
) -> None:
    _, second = two
    del remote.branches[A]

    assert "older state" in problem(second)
    assert len(second.ledger.rows) == 1


def test_a_machine_puts_its_part_back_into_a_store_that_lost_it(
    remote: Remote, two: tuple[MemoryMachine, MemoryMachine]
) -> None:
    first, second = two
    del remote.branches[A]

    first.sync()

    assert second.sync().problems == {}


def test_a_machine_sees_that_a_branch_is_older_than_another_machine_saw_it(
    remote: Remote, two: tuple[MemoryMachine, MemoryMachine]
) -> None:
    first, second = two
    third = joined(remote, first, 3)
    for machine in (third, second, first, third):
        machine.sync()
    first.ledger.work("one", b"later")
    first.sync()
    before = remote.branches[A]
    first.ledger.work("one", b"still later")
    first.sync()
    second.ledger.work("two", b"and here")
    second.sync()
    remote.branches[A] = before

    assert "older state" in third.sync().problems["m1"]


def test_a_segment_whose_bytes_were_changed_is_refused(
    remote: Remote, two: tuple[MemoryMachine, MemoryMachine]
) -> None:
    first, second = two
    before = list(remote.commits.values())
    first.ledger.work("one", b"later")
    first.sync()

    known = {path for files in before for path in files}

    def flip(files: dict[str, bytes]) -> None:
        [path] = [path for path in files if path not in known and path[2] == "/"]
        files[path] = files[path][:-1] + bytes([files[path][-1] ^ 1])

    rewritten(remote, A, flip)

    assert "bytes of it were changed" in problem(second)
    assert len(second.ledger.rows) == 1


def test_segments_that_changed_places_or_are_missing_are_refused(
    remote: Remote, two: tuple[MemoryMachine, MemoryMachine]
) -> None:
    first, second = two
    first.ledger.work("one", b"later")
    first.sync()
    first.ledger.work("one", b"and later")
    first.sync()

    def swap(files: dict[str, bytes]) -> None:
        paths = [path for path in files if path[2:3] == "/"]
        contents = [files[path] for path in paths]
        files.update(zip(paths, contents[1:] + contents[:1], strict=True))

    rewritten(remote, A, swap)
    assert "bytes of it were changed" in problem(second)

    def drop(files: dict[str, bytes]) -> None:
        for path in [path for path in files if path[2:3] == "/"]:
            del files[path]

    rewritten(remote, A, drop)
    assert "missing from the store" in problem(second)
    assert len(second.ledger.rows) == 1


def test_another_machines_branch_under_this_name_is_refused(
    remote: Remote, two: tuple[MemoryMachine, MemoryMachine]
) -> None:
    _, second = two
    third = joined(remote, two[0], 3)
    for machine in (third, second, third):
        machine.sync()
    remote.branches[A] = remote.branches[C]

    assert "not written by it" in second.sync().problems["m1"]


def test_a_manifest_kept_from_before_with_a_new_number_is_not_possible(
    remote: Remote, two: tuple[MemoryMachine, MemoryMachine]
) -> None:
    """Whoever can't read the others' challenges can't answer for a machine, even with every epoch's key."""
    first, second = two
    own = first.own()
    own.fetch()
    stolen = msgspec.structs.replace(own.manifest(), sequence=999, segments=())
    epoch = own.state.epochs[0]
    forger = MachineKey(new_identity())
    forged = files_of(stolen, forger, [epoch], epoch, {B: os.urandom(32)}, former={})

    rewritten(remote, A, lambda files: files.update(forged))

    assert "not written by it" in problem(second)
    assert second.folder.known.machines[A].seen.sequence < 999


def test_a_machine_that_was_removed_reads_nothing_new_and_says_nothing_new(
    remote: Remote, two: tuple[MemoryMachine, MemoryMachine]
) -> None:
    first, second = two
    third = joined(remote, first, 3)
    for machine in (third, second, first):
        machine.sync()

    first.remove("m3")
    first.ledger.work("one", b"after that")
    first.sync()
    second.sync()
    second.ledger.work("two", b"after that, too")
    second.sync()
    third.ledger.work("three", b"from outside")
    third.sync()

    assert b"from outside" not in {body for _, body in second.ledger.rows.values()}
    second.sync()
    assert {body for _, body in third.ledger.rows.values()} == {b"said here", b"from outside"}
    assert "removed from the store and has written since" in second.sync().problems["m3"]


def test_a_machine_that_was_just_added_can_not_be_played_by_one_that_was_removed(
    remote: Remote, two: tuple[MemoryMachine, MemoryMachine]
) -> None:
    """The others have nothing from a newcomer yet by which they would know it, except for its public key."""
    first, second = two
    third = joined(remote, first, 3)
    for machine in (third, second, first, third):
        machine.sync()
    known = third.own().state.epochs
    first.remove("m3")
    fourth = joined(remote, first, 4)

    trap = new_epoch(99)
    own = fourth.own()
    own.fetch()
    forged = msgspec.structs.replace(
        own.manifest(),
        sequence=1_000,
        membership=Membership({**own.manifest().membership.members}, given={trap.id: frozenset((A, B))}),
    )
    files = files_of(forged, third.folder.key(), [*known, trap], trap, {B: os.urandom(32)}, former={})
    rewritten(remote, f"{4:016x}", lambda present: present.update(files))
    second.sync()
    second.sync()

    assert trap not in second.folder.known.epochs
    assert f"{4:016x}" not in second.own().read().accepted


def test_a_removed_machine_can_not_give_the_others_a_key_of_its_own(
    remote: Remote, two: tuple[MemoryMachine, MemoryMachine]
) -> None:
    first, second = two
    third = joined(remote, first, 3)
    for machine in (third, second, first, third):
        machine.sync()
    known = third.own().state.epochs
    first.remove("m3")
    trap = new_epoch(99)

    # It writes the branch of the first machine, as a server that lets all machines write allows.
    own = third.own()
    own.fetch()
    manifest = opened_manifest(own.branch(B), known)
    forged = msgspec.structs.replace(
        manifest,
        machine=A,
        sequence=1_000,
        membership=Membership({**own.manifest().membership.members}, given={trap.id: frozenset((A, B))}),
    )
    files = files_of(forged, third.folder.key(), [*known, trap], trap, {B: os.urandom(32)}, former={})
    rewritten(remote, A, lambda present: present.update(files))
    second.sync()
    second.ledger.work("two", b"secret")
    second.sync()

    assert trap not in second.folder.known.epochs


def test_two_machines_that_remove_another_at_once_agree_on_a_key_that_none_of_these_has(remote: Remote) -> None:
    first = MemoryMachine(remote, 1, founds=True)
    second, third, fourth = (joined(remote, first, number) for number in (2, 3, 4))
    for machine in (first, second, third, fourth) * 2:
        machine.sync()

    before = dict(remote.branches)
    first.remove("m3")
    ours, remote.branches = remote.branches, dict(before)
    second.remove("m4")
    remote.branches = {**remote.branches, A: ours[A]}
    for machine in (first, second, first, second):
        machine.sync()
    first.ledger.work("one", b"for the two of us")
    first.sync()
    second.sync()

    epochs = first.folder.known.epochs
    newest = max(epochs, key=lambda epoch: epoch.id)
    assert newest in second.folder.known.epochs
    for removed in (third, fourth):
        removed.sync()
        assert newest not in removed.folder.known.epochs
    assert b"for the two of us" in {body for _, body in second.ledger.rows.values()}


def test_a_removed_machine_is_told_by_what_it_can_not_read(
    remote: Remote, two: tuple[MemoryMachine, MemoryMachine]
) -> None:
    first, second = two

    first.remove("m2")

    assert "has removed this machine" in problem(second)


def test_a_key_that_is_swapped_while_the_user_compares_codes_is_not_added(remote: Remote) -> None:
    first, third = MemoryMachine(remote, 1, founds=True), MemoryMachine(remote, 3)
    third.ask()
    [(machine, code)] = waiting(first.own()).items()
    stranger = MachineKey(new_identity()).recipient.encode()
    rewritten(remote, C, lambda files: files.update(join=stranger))

    with pytest.raises(UserError, match="no longer asks to be added"):
        add(first.own(), machine, code)
    assert C not in first.folder.known.membership.members


def test_an_offer_without_the_key_of_this_machine_is_no_offer(remote: Remote) -> None:
    first = MemoryMachine(remote, 1, founds=True)
    third = MemoryMachine(remote, 3)
    third.ask()
    stranger = MachineKey(new_identity())
    own = first.own()
    files = files_of(own.manifest(), stranger, own.state.epochs, own.state.epochs[0], {}, former={})
    rewritten(remote, A, lambda present: present.update({**files, f"keys/{C}": files["head"]}))

    assert not third.join()
    with pytest.raises(UserError, match="waits to be added"):
        third.sync()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\x91" * 5_000,
        msgspec.msgpack.encode({"version": 2}),
        msgspec.msgpack.encode({"events": [{"session": 0, "key": b"k" * 16, "at_ms": 1, "body": b""}]}),
        msgspec.msgpack.encode({"sessions": [{"agent": "", "native_id": "x"}]}),
        msgspec.msgpack.encode({"sessions": [{"agent": "a", "native_id": "x" * 2_000}]}),
        msgspec.msgpack.encode({"tombstones": [{"scope": b"short", "from_ms": 0, "until_ms": 1}]}),
        msgspec.msgpack.encode({"tombstones": [{"scope": b"k" * 16, "from_ms": -1, "until_ms": 1}]}),
        b"\xdf\xff\xff\xff\xff",
        b"\x81\xa6events\xdd\xff\xff\xff\xff",
    ],
)
def test_what_is_not_exactly_a_payload_is_refused(data: bytes) -> None:
    epoch = new_epoch(1)
    segment, files = _segment(epoch, data)

    with pytest.raises(Unreadable, match="damaged"):
        opened_segment(segment, {epoch.id: epoch}, files.__getitem__)


def test_a_segment_that_inflates_to_more_than_it_may_is_refused() -> None:
    epoch = new_epoch(1)
    bomb = zlib.compress(bytes(LARGEST_PAYLOAD + 1), 9)

    with pytest.raises(Unreadable, match="larger than it may be"):
        inflated([bomb], LARGEST_PAYLOAD)
    assert len(bomb) < LARGEST
    assert open_sealed(epoch, "segment", seal(epoch, "segment", bomb)) == bomb


def test_an_object_serves_no_other_purpose_and_no_other_epoch() -> None:
    epoch, other = new_epoch(1), new_epoch(1)
    sealed = seal(epoch, "segment", b"content")

    with pytest.raises(Unreadable):
        open_sealed(epoch, "manifest", sealed)
    with pytest.raises(Unreadable):
        open_sealed(other, "segment", sealed)
    with pytest.raises(Unreadable):
        open_sealed(epoch, "segment", seal_to(epoch.recipient, b"from somebody who knows the recipient"))


def test_sizes_fall_into_few_classes() -> None:
    epoch = new_epoch(1)
    pyrage = importlib.import_module("pyrage")
    key = pyrage.x25519.Identity.from_str(epoch.secret)
    lengths = range(0, 60_000, 100)

    # What age adds has a random length, so it is taken off first.
    sizes = [len(pyrage.decrypt(seal(epoch, "segment", bytes(length)), [key])) for length in lengths]

    assert len(set(sizes)) <= 64
    assert all(size <= max(4096, 1.07 * (length + 64)) for length, size in zip(lengths, sizes, strict=True))


def test_a_prompt_larger_than_an_object_is_sent_in_parts() -> None:
    epoch = new_epoch(1)
    body = hashlib.shake_256(b"a prompt").digest(9 << 20)
    payload = Payload(sessions=(SyncedSession("a", "s"),), events=(SyncedEvent(0, b"k" * 16, 1, body),))

    segment, files = sealed_segment(epoch, payload)

    assert [len(data) <= 4 << 20 for data in files.values()] == [True] * 3
    assert opened_segment(segment, {epoch.id: epoch}, files.__getitem__) == payload


def test_merged_payloads_say_the_same() -> None:
    def payload(*numbers: int) -> Payload:
        return Payload(
            projects=(SyncedProject("/p"),),
            sessions=(SyncedSession("a", "other"), SyncedSession("a", f"s{numbers[0] % 2}")),
            events=tuple(SyncedEvent(1, bytes([number]) * 16, number, b"{}") for number in numbers),
        )

    [one] = merged([payload(0, 2), payload(1), payload(4)])

    found = {(one.sessions[event.session].native_id, event.at_ms) for event in one.events}
    assert found == {("s0", 0), ("s0", 2), ("s1", 1), ("s0", 4)}
    assert decode_payload(encode_payload(one)) == one


def _segment(epoch: Epoch, data: bytes) -> tuple[Segment, dict[str, bytes]]:
    sealed = seal(epoch, "segment", zlib.compress(data))
    part = Part("0" * 32, hashlib.sha256(sealed).digest())
    return Segment(epoch.id, (part,)), {part.path: sealed}


def test_a_manifest_has_bounds() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(
            msgspec.msgpack.encode(
                {"store": "x", "machine": A, "sequence": 1, "synced_ms": 1, "segments": [["e", [["../../etc", b""]]]]}
            ),
            type=Manifest,
        )
