"""A machine of the store that somebody else has taken over: what it makes up gets into no handoff before the user has
allowed it, takes nothing of another machine away, and ends no synchronising.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec
import pytest

from carryover.ledger.events import session_events
from carryover.ledger.machines import taken
from carryover.ledger.queries import sessions
from carryover.ledger.rows import LOST
from carryover.publish.project_moves import link
from carryover.sync import incoming
from carryover.sync.incoming import LedgerIncoming
from carryover.sync.manifest import Membership, Seen, files_of
from carryover.sync.payload import Machine, Payload, SyncedEvent, SyncedSession, Taken
from carryover.sync.sealing import LAST_EPOCH, MachineKey, new_epoch, new_identity
from carryover.sync.trust import FORGED, View
from support.machines import OneMachine, machines
from support.sync_world import MemoryMachine, Remote, bodies, everybody

EVIL = Machine(id="e" * 16, name="evil")


def said(text: str, at_ms: int, key: bytes | None = None, secondary_key: bytes | None = None) -> SyncedEvent:
    body = msgspec.json.encode({"kind": "user_prompt", "text": text})
    return SyncedEvent(session=0, key=key or os.urandom(16), at_ms=at_ms, body=body, secondary_key=secondary_key)


async def forge(desktop: OneMachine, *events: SyncedEvent, session: str = "s1", root: str | None = "/x") -> Taken:
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
    await link(desktop.ledger, desktop.paths, "laptop:/repo", str(tmp_path / "shop"), now_ms=1)
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

    await link(desktop.ledger, desktop.paths, "laptop:/repo", str(tmp_path / "shop"), now_ms=1)
    assert "s1" not in {session for session, _, _ in shown(desktop)}
    with desktop.read() as db:
        assert not taken(db, laptop.machine.id), "all is taken again"
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
            await link(box.ledger, box.paths, f"{other.name}:/repo", str(tmp_path / "shop"), now_ms=1)
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


async def test_what_another_machine_has_forgotten_here_is_counted(desktop: OneMachine) -> None:
    await desktop.say("Mine", "And mine", session="s1", at_ms=1_000)
    [told] = await desktop.tell()
    keys = tuple(int.from_bytes(event.key[:8]) >> 2 for event in told.events)

    done = await LedgerIncoming(desktop.ledger, desktop.paths).take(EVIL, Payload(forgotten_keys=keys), "1")

    assert done.forgotten == 2


async def test_a_disk_that_is_nearly_full_has_no_room(desktop: OneMachine, monkeypatch: pytest.MonkeyPatch) -> None:
    assert LedgerIncoming(desktop.ledger, desktop.paths).has_room()
    monkeypatch.setattr(incoming, "ROOM_BYTES", 1 << 62)
    assert not LedgerIncoming(desktop.ledger, desktop.paths).has_room()


def test_without_room_nothing_more_is_taken_and_it_is_said(first: MemoryMachine, second: MemoryMachine) -> None:
    first.ledger.work("one", b"said later")
    first.sync()
    second.ledger.room = False
    problems = second.sync().problems
    second.ledger.room = True

    assert "nearly full" in problems["m1"] and bodies(second) == {b"said here"}
    assert second.sync().problems == {} and bodies(second) == {b"said here", b"said later"}


class Lie(Protocol):
    def __call__(self, view: View, first: int) -> View: ...


def lie(machine: MemoryMachine, lying: Callable[[View], View]) -> None:
    """Has a machine's newest manifest say what it makes up."""
    own = machine.own()
    own.write(lying(own.read().with_epoch()), alone=True)
    own.push()


def names(first: int, number: int) -> list[str]:
    return [f"{name:016x}" for name in range(first, first + number)]


def claims(view: View, first: int) -> View:
    """About as much as a manifest may hold, but for members: each would get its keys in every test."""
    given = {f"{number:06d}-{number:016x}": frozenset(names(first, 9)) for number in range(first, first + 990)}
    claimed = Membership(revoked=frozenset(names(first, 195)), given=given)
    return replace(view, membership=view.membership | claimed)


def test_what_is_known_of_machines_never_outgrows_a_manifest() -> None:
    recipient = MachineKey(new_identity()).recipient
    mine = names(9_000, 3)
    epoch = "000001-" + "a" * 16
    known = Membership(dict.fromkeys(mine, recipient), given={epoch: frozenset(mine)})
    for first in (1_000, 2_000):
        members = dict.fromkeys(names(first, 110), recipient)
        given = {f"{number:06d}-{number:016x}": frozenset(names(first, 900)) for number in range(first, first + 900)}
        known |= Membership(members, frozenset(names(first, 190)), given)
    known |= Membership(revoked=frozenset(mine[:1]))

    assert msgspec.msgpack.decode(msgspec.msgpack.encode(known), type=Membership) == known
    assert known.members.keys() >= set(mine) and mine[0] in known.revoked
    assert known.has(epoch) == set(mine)
    assert all(having <= known.members.keys() for having in known.given.values())


def old_epochs(view: View, first: int) -> View:
    made = [new_epoch(number) for number in range(first, first + 150)]
    return replace(view, epochs={**view.epochs, **{epoch.id: epoch for epoch in made}})


def last_epoch(view: View, first: int) -> View:
    made = new_epoch(LAST_EPOCH)
    return replace(view, epochs={**view.epochs, made.id: made})


def highest_number(view: View, first: int) -> View:
    return replace(view, seen={**view.seen, "1".zfill(16): Seen((1 << 53) - 2, bytes(32))})


@pytest.mark.parametrize("lying", [claims, old_epochs, last_epoch, highest_number])
def test_no_claim_ends_the_synchronising_of_the_others(
    remote: Remote,
    first: MemoryMachine,
    second: MemoryMachine,
    third: MemoryMachine,
    lying: Lie,
) -> None:
    for start in (100_000, 200_000):
        lie(second, partial(lying, first=start))
        for machine in (first, third):
            machine.sync()
    first.remove(second.id)
    first.ledger.work("one", b"said later")
    third.ledger.work("three", b"said elsewhere")
    for _ in range(3):
        problems = [name for machine in (first, third) for name in machine.sync().problems]

    assert set(problems) <= {"m2"}
    assert bodies(first) == bodies(third) == {b"said here", b"said later", b"said elsewhere"}
    for machine in (first, third):
        state = machine.folder.known
        assert second.id in state.membership.revoked
        assert msgspec.json.decode(msgspec.json.encode(state), type=type(state)) == state


@pytest.mark.parametrize("answers", [True, False])
def test_no_machine_vouches_for_what_another_has_not_written(
    remote: Remote, first: MemoryMachine, second: MemoryMachine, third: MemoryMachine, *, answers: bool
) -> None:
    """It knows the store's key and can write to the remote, but not what the other would prove itself with."""
    everybody(first, second, third)
    own = second.own()
    view = own.read().with_epoch()
    theirs = view.accepted[first.id]
    forged = msgspec.structs.replace(theirs, sequence=theirs.sequence + 1, name="forged")
    current = view.current
    assert current is not None
    challenges = {third.id: bytes(32)} if answers else {}
    files = files_of(forged, own.key, view.epochs.values(), current, challenges, former={})
    branch = remote.branches[first.id]
    remote.commits["forged"] = {**remote.commits[branch], **files}
    remote.branches[first.id] = "forged"
    lie(
        second,
        lambda view: replace(
            view, seen={**view.seen, first.id: Seen(forged.sequence, hashlib.sha256(files["head"]).digest())}
        ),
    )

    outcome = third.sync()

    assert "m1" in outcome.unmet or outcome.problems["m1"] == FORGED
    assert third.folder.known.machines[first.id].name == "m1"
