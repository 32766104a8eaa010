"""A payload is made elsewhere, maybe by someone else: whatever is in it, nothing here is changed or named by it."""

from __future__ import annotations

import os
from contextlib import suppress

import msgspec
import pytest

from carryover.errors import UserError
from carryover.ledger.machines import know_machine
from carryover.ledger.queries import sessions
from carryover.sync.head import Head
from carryover.sync.incoming import LedgerIncoming, machine_prefix
from carryover.sync.payload import (
    MachineName,
    Payload,
    SyncedEvent,
    SyncedSession,
)
from support.machines import OneMachine
from support.sync_world import Crash, MemoryMachine, Remote, bodies, everybody, joined

PROMPT = b'{"kind":"user_prompt","text":"Add a discount"}'
FOREVER = 1 << 52


def payload(
    *bodies: bytes, agent: str = "claude-code", session: str = "theirs", root: str = "/home/ann/shop"
) -> Payload:
    """A payload with these bodies in one session; it has passed what every payload has to pass."""
    events = tuple(
        SyncedEvent(session=0, key=os.urandom(16), at_ms=5_000 + number, body=body)
        for number, body in enumerate(bodies)
    )
    made = Payload(sessions=(SyncedSession(agent=agent, native_id=session, root=root),), events=events)
    return msgspec.msgpack.decode(msgspec.msgpack.encode(made), type=Payload)


async def taken(desktop: OneMachine, given: Payload) -> int:
    """How many events of the payload were stored."""
    laptop = Head(machine="f" * 16, name="laptop")
    return await LedgerIncoming(desktop.ledger, desktop.paths).take(laptop, given, "1")


def roots(desktop: OneMachine) -> list[str | None]:
    with desktop.read() as db:
        return [row.root for row in sessions(db, limit=99)]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"kind":"no such kind"}',
        b'{"kind":"user_prompt","text":7}',
        b'{"kind":"user_prompt","text":"\xff"}',
        b'{"kind":"user_prompt","text":"' + b"x" * (17 << 20) + b'"}',
    ],
    ids=lambda body: repr(body[:32]),
)
async def test_what_is_not_understood_is_left_out_and_the_rest_is_taken(desktop: OneMachine, body: bytes) -> None:
    assert await taken(desktop, payload(PROMPT, body, PROMPT)) == 2


async def test_what_is_nested_too_deeply_ends_nothing(desktop: OneMachine) -> None:
    body = b'{"kind":"user_prompt","text":"a","extra":' + b"[" * 100_000 + b"]" * 100_000 + b"}"

    # Python 3.14 asks how much of the stack is left, and it is enough.
    assert await taken(desktop, payload(PROMPT, body, PROMPT)) in (2, 3)


@pytest.mark.parametrize(
    ("names", "stored"),
    [
        *(({"root": root}, 1) for root in ("shop", "/home/../etc", "/home/ann/shop\nFORGED", "laptop:/x")),
        *(({"agent": agent}, 0) for agent in ("../x", "--exec", "a b")),
        ({"session": "s\x1b[2J"}, 0),
    ],
)
async def test_a_root_that_is_no_plain_path_is_no_project_and_names_that_no_agent_gives_are_skipped(
    desktop: OneMachine, names: dict[str, str], stored: int
) -> None:
    assert await taken(desktop, payload(PROMPT, **names)) == stored
    assert roots(desktop) == [None] * stored


async def test_events_and_sessions_of_this_machine_cannot_be_replaced(desktop: OneMachine) -> None:
    await desktop.say("Mine", session="s1", at_ms=1_000)
    before = desktop.dump()
    [told] = await desktop.tell()
    forged = msgspec.structs.replace(told.events[0], body=PROMPT, retracted=True)
    same_key = msgspec.structs.replace(told, events=(forged,))
    elsewhere = SyncedSession(agent="made-up", native_id="other", root="/x")
    other_session = msgspec.structs.replace(same_key, sessions=(elsewhere,))
    withdrawn = Payload(replaced=(told.events[0].key,))
    same_session = payload(PROMPT, agent="made-up", session="s1")

    for given in (same_key, other_session, withdrawn, same_session):
        assert await taken(desktop, given) == 0
    assert desktop.dump() == before


async def test_a_time_far_ahead_becomes_that_of_arrival(desktop: OneMachine) -> None:
    given = payload(PROMPT)
    ahead = msgspec.structs.replace(given, events=(msgspec.structs.replace(given.events[0], at_ms=FOREVER),))
    await taken(desktop, ahead)

    with desktop.read() as db:
        [row] = sessions(db, limit=9)
    assert row.last_ms < FOREVER // 2


async def test_of_a_diff_no_more_is_kept_than_a_page_can_show(desktop: OneMachine) -> None:
    diff = "+part\n" * 100_000
    body = {"kind": "file_edit", "path": "/home/ann/shop/cart.py", "change": "modify", "diff": diff}
    await taken(desktop, payload(msgspec.json.encode(body)))

    assert 1_000 < desktop.dump().count(b"+part") < 10_000


async def test_secrets_are_taken_out_again(desktop: OneMachine) -> None:
    token = "ghp_" + "a1B2c3D4e5" * 4
    await taken(desktop, payload(b'{"kind":"user_prompt","text":"use %s"}' % token[:40].encode()))

    assert token[:40].encode() not in desktop.dump()


async def test_machines_of_one_name_are_told_apart_and_none_is_a_disk_before_a_path(desktop: OneMachine) -> None:
    assert machine_prefix(Head(machine="abcd" * 4, name="c")) == "c-abcd"
    assert machine_prefix(Head(machine="abcd" * 4, name="pc")) == "pc"
    for name in ("../x", "laptop\n", "", "a b", "x" * 33):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(name, MachineName)
    ledger = desktop.ledger
    names = [await ledger.write(know_machine, number * 16, "laptop") for number in "ab"]
    assert [*names, await ledger.write(know_machine, "a" * 16, "renamed")] == ["laptop", "laptop-2", "laptop"]


@pytest.mark.parametrize("step", range(24))
def test_a_machine_that_is_killed_while_it_joins_joins_later(remote: Remote, first: MemoryMachine, step: int) -> None:
    first.ledger.work("one", b"said here")
    second = MemoryMachine(remote, 2)
    second.ledger.work("two", b"said there")
    second.store.crash_in = step
    for _ in range(3):
        with suppress(Crash, UserError):
            second.sync()
            second.add(first)
        first.add(second)
    second.store.crash_in = None
    second.add(first)
    everybody(first, second)

    assert bodies(first) == bodies(second) == {b"said here", b"said there"}


@pytest.mark.parametrize("step", range(12))
def test_a_machine_that_is_killed_while_it_adds_or_removes_another_does_so_later(
    remote: Remote, first: MemoryMachine, step: int
) -> None:
    second, third = joined(remote, first, number=2), MemoryMachine(remote, 3)
    third.sync()
    third.add(first)
    everybody(first, second)
    first.store.crash_in = step
    with suppress(Crash):
        first.add(third)
        first.remove(second.id)
    first.store.crash_in = None
    first.sync()
    first.add(third)
    if first.folder.known.peers[second.id].removed is None:
        first.remove(second.id)
    third.ledger.work("three", b"said there")
    everybody(first, third)
    second.sync()

    assert b"said there" in bodies(first)
    assert b"said there" not in bodies(second)


def test_a_machine_that_only_another_one_has_added_asks_here_and_is_not_read(
    remote: Remote, first: MemoryMachine, second: MemoryMachine
) -> None:
    third = joined(remote, second, number=3)
    third.ledger.work("three", b"said there")
    everybody(first, second, third)

    assert bodies(second) == {b"said here", b"said there"}
    assert (bodies(first), bodies(third)) == ({b"said here"}, {b"said there"})
    assert first.sync().waiting == 1
    first.add(third)
    third.add(first)
    everybody(first, third)
    assert bodies(first) == bodies(third) == {b"said here", b"said there"}


def test_a_machine_restored_together_with_the_store_from_before_another_was_added_adds_it_again(
    remote: Remote, first: MemoryMachine
) -> None:
    first.sync()
    before, logs = first.folder.known, remote.copy()
    second = joined(remote, first, number=2)
    everybody(first, second)
    first.folder.known, remote.logs = before, logs
    first.ledger.work("one", b"said here")
    second.ledger.work("two", b"said there")
    everybody(first, second)
    first.add(second)
    everybody(first, second)

    assert bodies(first) == bodies(second) == {b"said here", b"said there"}
    assert not first.sync().problems and not second.sync().problems


def test_a_damaged_segment_keeps_nothing_else_back(remote: Remote, first: MemoryMachine) -> None:
    second = joined(remote, first, number=2)
    everybody(first, second)
    for number in range(3):
        first.ledger.work("one", b"%d" % number)
        first.sync()
    files = remote.logs[first.id]
    damaged = first.folder.known.own.segments[0].name
    kept = files[damaged]
    files[damaged] = kept[:-1] + bytes([kept[-1] ^ 1])

    assert "can't be used" in second.sync().problems["m1"]
    assert bodies(second) == {b"1", b"2"}
    files[damaged] = kept
    assert second.sync().problems == {}
    assert bodies(second) == {b"0", b"1", b"2"}


def test_of_a_removed_machine_whose_branch_is_gone_nothing_more_is_said(remote: Remote, first: MemoryMachine) -> None:
    second = joined(remote, first, number=2)
    everybody(first, second)
    first.remove(second.id)
    del remote.logs[second.id]

    assert first.sync().problems == {}


def test_a_restored_machine_finds_a_number_that_nobody_has_seen(remote: Remote, first: MemoryMachine) -> None:
    """Two machines have seen different heads of it under the same one."""
    second = joined(remote, first, number=2)
    third = joined(remote, first, second, number=3)
    everybody(first, second, third)
    backup, logs = first.folder.known, remote.copy()
    for other, text in ((third, b"before"), (second, b"after")):
        first.folder.known = backup
        former, remote.logs = remote.logs, {machine: dict(files) for machine, files in logs.items()}
        first.ledger.work("one", text)
        first.sync()
        other.ledger.work("other", text)
        other.sync()
    remote.logs[third.id] = former[third.id]
    everybody(first, second, third)

    assert not {**first.sync().problems, **second.sync().problems, **third.sync().problems}
