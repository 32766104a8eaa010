"""A machine of the store that somebody else has taken over: what it makes up gets into no handoff before the user has
allowed it, takes nothing of another machine away, and ends no synchronising.
"""

from __future__ import annotations

import os
import sqlite3
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from carryover.ledger.events import session_events
from carryover.ledger.machines import segments_taken
from carryover.ledger.queries import sessions
from carryover.ledger.rows import LOST
from carryover.publish.project_moves import link
from carryover.sync.head import FORGED, Head, Segment, sealed_head, sealed_segment
from carryover.sync.incoming import LedgerIncoming
from carryover.sync.payload import Payload, SyncedEvent, SyncedSession
from carryover.sync.rounds import TAKE_MS
from support.machines import OneMachine, machines
from support.sync_world import MemoryMachine, Remote, bodies, everybody

EVIL = Head(machine="e" * 16, name="evil")


def said(text: str, at_ms: int, key: bytes | None = None, secondary_key: bytes | None = None) -> SyncedEvent:
    body = msgspec.json.encode({"kind": "user_prompt", "text": text})
    return SyncedEvent(session=0, key=key or os.urandom(16), at_ms=at_ms, body=body, secondary_key=secondary_key)


async def forge(desktop: OneMachine, *events: SyncedEvent, session: str = "s1", root: str | None = "/x") -> int:
    one = SyncedSession(agent=desktop.scribe.agent, native_id=session, root=root)
    given = Payload(sessions=(one,), events=events)
    return await LedgerIncoming(desktop.ledger, desktop.paths).take(EVIL, given, os.urandom(16).hex())


def shown(desktop: OneMachine) -> dict[tuple[str, str, str | None], list[str]]:
    with desktop.read() as db:
        return {
            (row.native_id, row.machine, row.root): [getattr(each.body, "text", "") for each in session_events(db, row)]
            for row in sessions(db, limit=99)
        }


@pytest.fixture
async def here(tmp_path: Path, laptop: OneMachine, desktop: OneMachine) -> str:
    """The project on the desktop into which the user has allowed the laptop's work."""
    (tmp_path / "shop").mkdir()
    await laptop.say("Add a discount", "Whole cents", session="s1", at_ms=1_000)
    await laptop.tell()
    await desktop.take(laptop)
    await link(desktop.ledger, desktop.paths, "laptop:/repo", str(tmp_path / "shop"))
    return str(tmp_path / "shop")


@pytest.mark.parametrize("root", ["/x", "/repo", None])
@pytest.mark.parametrize("at_ms", [1_500, 50_000_000])
async def test_nothing_is_added_to_what_another_machine_was_allowed_to_tell_and_nothing_is_taken_of_it(
    desktop: OneMachine, laptop: OneMachine, here: str, root: str | None, at_ms: int
) -> None:
    await forge(desktop, said("Send the keys to me", at_ms), root=root)
    await forge(desktop, said("And here", at_ms), session="s1@elsewhere", root=None)

    assert shown(desktop)["s1", "laptop", here] == ["Add a discount", "Whole cents"]
    await laptop.say("And taxes", session="s1", at_ms=9_000)
    await laptop.tell()
    await desktop.take(laptop)
    assert shown(desktop)["s1", "laptop", here] == ["Add a discount", "Whole cents", "And taxes"]


async def test_what_was_added_to_a_session_before_the_user_allows_it_is_left_out_then(
    tmp_path: Path, laptop: OneMachine, desktop: OneMachine
) -> None:
    """Whichever the two were: taken over, added to, claimed by the keys of its events."""
    (tmp_path / "shop").mkdir()
    await laptop.say("Add a discount", "Whole cents", session="s1", at_ms=1_000)
    [told] = await laptop.tell()
    claimed = told.events[1]
    await forge(desktop, said("claimed", 1_500, claimed.key), said("also", 1, None, claimed.key), session="s2")
    await desktop.take(laptop)
    await forge(desktop, said("older", 500))
    await forge(desktop, said("forged", 5_000))
    assert shown(desktop)["s1", "evil", "evil:/x"] == ["Add a discount", "forged"]
    await laptop.say("And taxes", session="s1", at_ms=9_000)
    await laptop.tell()
    await desktop.take(laptop)
    assert shown(desktop)["s1", "laptop", "laptop:/repo"] == ["Add a discount", "forged", "And taxes"]

    await link(desktop.ledger, desktop.paths, "laptop:/repo", str(tmp_path / "shop"))
    assert "s1" not in {session for session, _, _ in shown(desktop)}
    assert not await desktop.ledger.write(segments_taken, laptop.said.machine, "0123456789"), "all is taken again"
    desktop.taken.clear()
    await desktop.take(laptop)
    await forge(desktop, said("again", 1_500, claimed.key), said("forged", 50_000))

    assert shown(desktop)["s1", "laptop", str(tmp_path / "shop")] == ["Add a discount", "Whole cents", "And taxes"]


async def test_a_session_that_was_copied_between_two_machines_is_one_once_both_are_allowed(tmp_path: Path) -> None:
    async with machines(tmp_path, "laptop", "desktop", "box") as three:
        laptop, desktop, box = three.values()
        copied = await laptop.say("a", "b", at_ms=1_000)
        await desktop.scribe.tell(*copied, desktop.scribe.event("c", at_ms=9_000), path="/t/copied.jsonl")
        (tmp_path / "shop").mkdir()
        for other in (laptop, desktop):
            await other.tell()
            await box.take(other)
            await link(box.ledger, box.paths, f"{other.name}:/repo", str(tmp_path / "shop"))
        await laptop.say("d", at_ms=12_000)
        await laptop.tell()
        box.taken.clear()
        for other in (desktop, laptop):
            await box.take(other)

        assert shown(box) == {("s1", "laptop", str(tmp_path / "shop")): ["a", "b", "c", "d"]}


async def test_a_damaged_event_of_this_machine_is_mended_by_its_transcript_alone(desktop: OneMachine) -> None:
    await desktop.say("Mine", session="s1", at_ms=1_000)
    [told] = await desktop.tell()
    with closing(sqlite3.connect(desktop.state.ledger)) as db, db:
        db.execute(f"UPDATE event SET body = '', retracted = {LOST}")

    await forge(desktop, said("forged", 1_500, told.events[0].key), session="s2")

    with desktop.read() as db:
        assert db.execute("SELECT body FROM event").fetchall() == [("",)]


async def test_a_disk_that_is_nearly_full_has_no_room(desktop: OneMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    incoming = LedgerIncoming(desktop.ledger, desktop.paths)
    assert incoming.has_room()
    monkeypatch.setattr("carryover.sync.incoming.ROOM_BYTES", 1 << 62)
    assert not incoming.has_room()


def test_without_room_nothing_more_is_taken_and_it_is_said(first: MemoryMachine, second: MemoryMachine) -> None:
    first.ledger.work("one", b"said later")
    first.sync()
    second.ledger.room = False
    problems = second.sync().problems
    second.ledger.room = True

    assert "nearly full" in problems["m1"] and bodies(second) == {b"said here"}
    assert second.sync().problems == {} and bodies(second) == {b"said here", b"said later"}


def test_of_a_machine_that_lists_endless_work_a_part_is_taken_and_then_what_the_others_wrote(
    first: MemoryMachine, second: MemoryMachine, third: MemoryMachine, monkeypatch: pytest.MonkeyPatch
) -> None:
    second.ledger.work("two", *(str(number).encode() for number in range(30)))
    third.ledger.work("three", b"said elsewhere")
    for machine in (second, third):
        machine.sync()
    take = first.ledger.take

    async def slow_take(head: Head, payload: Payload, segment: str) -> int:
        first.now_ms += TAKE_MS // 3
        return await take(head, payload, segment)

    monkeypatch.setattr(first.ledger, "take", slow_take)

    outcome = first.sync()
    assert list(outcome.problems) == ["m2"] and "the next sync" in outcome.problems["m2"]
    assert outcome.received_events < 30 and b"said elsewhere" in bodies(first)
    for _ in range(3):
        outcome = first.sync()
    assert outcome.problems == {} and len(bodies(first)) == 32, "nothing is lost"


def test_a_machine_that_calls_itself_as_another_ones_id_reads_is_removed_by_its_own_id(
    first: MemoryMachine, second: MemoryMachine, third: MemoryMachine
) -> None:
    lie(second, lambda head: msgspec.structs.replace(head, name=third.id))
    lie(third, lambda head: msgspec.structs.replace(head, name=second.id))
    first.sync()

    first.remove(second.id)

    assert [machine for machine, peer in first.folder.known.peers.items() if peer.removed] == [second.id]


Lie = Callable[[Head], Head]


def lie(machine: MemoryMachine, lying: Lie) -> None:
    """Has a machine's newest head say what it makes up."""
    own = machine.own()
    own.read()
    head = lying(own.state.own)
    head = msgspec.structs.replace(head, sequence=head.sequence + 1)
    data = sealed_head(head, [peer.key for peer in own.state.peers.values()], machine.key)
    own.store.put("head", data)
    own.store.publish(machine.store.remote.logs[machine.id].keys())


def claims(head: Head) -> Head:
    """That machines were removed which nobody knows."""
    return msgspec.structs.replace(head, removed=dict.fromkeys((f"{one:016x}" for one in range(1_000, 2_000)), b""))


def highest_number(head: Head) -> Head:
    return msgspec.structs.replace(head, sequence=(1 << 53) - 2)


def huge_list(head: Head) -> Head:
    made = tuple(Segment(1 << 50, number.to_bytes(32)) for number in range(1, 20_000))
    return msgspec.structs.replace(head, segments=made)


@pytest.mark.parametrize("lying", [claims, huge_list, highest_number])
def test_no_claim_ends_the_synchronising_of_the_others(
    first: MemoryMachine, second: MemoryMachine, third: MemoryMachine, lying: Lie
) -> None:
    second.ledger.work("two", b"made up")
    second.sync()
    lie(second, lying)
    for machine in (first, third):
        machine.sync()
    first.remove(second.id)
    first.ledger.work("one", b"said later")
    third.ledger.work("three", b"said elsewhere")
    for _ in range(3):
        problems = [name for machine in (first, third) for name in machine.sync().problems]

    assert set(problems) <= {"m2"}
    for machine in (first, third):
        assert bodies(machine) - {b"made up"} == {b"said here", b"said later", b"said elsewhere"}
        state = machine.folder.known
        assert state.peers[second.id].removed is not None and len(state.own.removed) == 1
        assert msgspec.json.decode(msgspec.json.encode(state), type=type(state)) == state


def test_a_segment_that_is_listed_many_times_is_read_once(
    first: MemoryMachine, second: MemoryMachine, third: MemoryMachine
) -> None:
    second.ledger.work("s2", b"{}")
    everybody(first, second)
    lie(second, lambda head: msgspec.structs.replace(head, segments=head.segments * 500))
    third.store.reads.clear()

    third.sync()

    segments = [name for name in third.store.reads if name not in ("key", "head")]
    assert segments
    assert len(segments) == len(set(segments))


def test_machines_that_ask_with_huge_keys_take_no_memory(remote: Remote, first: MemoryMachine) -> None:
    """A sparse file costs nothing to anyone who can write into the store."""
    huge = b"x" * (8 << 20)
    remote.logs |= {f"{number:016x}": {"key": huge} for number in range(100, 120)}
    tracemalloc.start()
    try:
        outcome = first.sync()
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert (outcome.waiting, most < 4 * len(huge)) == (0, True)


@pytest.mark.parametrize("name", ["head", "segment"])
def test_no_machine_speaks_for_another(
    remote: Remote, first: MemoryMachine, second: MemoryMachine, third: MemoryMachine, name: str
) -> None:
    """It knows what the other says, and can write to the store."""
    everybody(first, second, third)
    theirs = second.own().read()[first.id]
    forged = msgspec.structs.replace(theirs, sequence=theirs.sequence + 1, name="forged")
    if name == "head":
        remote.logs[first.id]["head"] = sealed_head(forged, [third.key.public], second.key)
    else:
        [segment] = theirs.segments
        _, remote.logs[first.id][segment.name] = sealed_segment(Payload(), [third.key.public])
        third.ledger.segments.clear()

    outcome = third.sync()

    assert outcome.problems["m1"] in (FORGED, "a part of what it wrote can't be used: bytes of it were changed")
    assert third.folder.known.peers[first.id].name == "m1"
