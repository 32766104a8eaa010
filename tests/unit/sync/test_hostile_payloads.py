"""A payload is made elsewhere, maybe by someone else: whatever is in it, nothing here is changed or named by it."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from carryover.ledger.foreign import know_machine
from carryover.ledger.queries import sessions
from carryover.ledger.tombstones import EVERYTHING, project_scope
from carryover.sync.incoming import label
from carryover.sync.payload import Machine, Payload, SyncedEvent, SyncedSession, SyncedTombstone, decode_payloads
from support.machines import OneMachine, machines

PROMPT = b'{"kind":"user_prompt","text":"Add a discount"}'
FOREVER = 1 << 52


def payload(
    *bodies: bytes, agent: str = "claude-code", session: str = "theirs", root: str | None = "/home/ann/shop"
) -> Payload:
    """A payload with these bodies in one session; it has passed what every payload has to pass."""
    events = tuple(
        SyncedEvent(session=0, key=os.urandom(16), at_ms=5_000 + number, body=body)
        for number, body in enumerate(bodies)
    )
    made = Payload(sessions=(SyncedSession(agent=agent, native_id=session, root=root),), events=events)
    return decode_payloads(msgspec.msgpack.encode([made]))[0]


async def taken(desktop: OneMachine, given: Payload) -> tuple[int, int]:
    """How many events of the payload were stored, and how many skipped."""
    from carryover.sync.incoming import LedgerIncoming

    done = await LedgerIncoming(desktop.ledger, desktop.paths).take(Machine(id="f" * 16, name="laptop"), given, "1")
    return done.events, done.skipped


def roots(desktop: OneMachine) -> list[str | None]:
    with desktop.read() as db:
        return [row.root for row in sessions(db, limit=99)]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not JSON",
        b'{"kind":"no such kind"}',
        b'{"kind":"user_prompt","text":7}',
        b'{"kind":"user_prompt","text":"a","extra":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"kind":"user_prompt","text":"\xff"}',
        b'{"kind":"file_edit","path":["/etc/passwd"],"change":"add"}',
        b'{"kind":"user_prompt","text":"' + b"x" * (17 << 20) + b'"}',
    ],
    ids=lambda body: repr(body[:32]),
)
async def test_what_is_not_understood_is_counted_and_the_rest_is_taken(tmp_path: Path, body: bytes) -> None:
    async with machines(tmp_path, "desktop") as one:
        assert await taken(one["desktop"], payload(PROMPT, body, PROMPT)) == (2, 1)


@pytest.mark.parametrize(
    "root",
    [
        "shop",
        "/home/../etc",
        "/home/ann/shop\nFORGED",
        "laptop:/x",
    ],
)
async def test_a_root_that_is_no_plain_path_is_no_project(tmp_path: Path, root: str) -> None:
    async with machines(tmp_path, "desktop") as one:
        assert await taken(one["desktop"], payload(PROMPT, root=root)) == (1, 0)
        assert roots(one["desktop"]) == [None]


@pytest.mark.parametrize(("agent", "session"), [("../x", "s"), ("--exec", "s"), ("a b", "s"), ("codex", "s\x1b[2J")])
async def test_names_that_no_agent_gives_are_skipped(tmp_path: Path, agent: str, session: str) -> None:
    async with machines(tmp_path, "desktop") as one:
        assert await taken(one["desktop"], payload(PROMPT, agent=agent, session=session)) == (0, 1)


async def test_events_and_sessions_of_this_machine_cannot_be_replaced(tmp_path: Path) -> None:
    async with machines(tmp_path, "desktop") as one:
        desktop = one["desktop"]
        await desktop.say("Mine", session="s1", at_ms=1_000)
        before = desktop.dump()
        [told] = await desktop.tell()
        forged = msgspec.structs.replace(told.events[0], body=PROMPT, retracted=True)
        same_key = msgspec.structs.replace(told, events=(forged,))
        other_session = msgspec.structs.replace(
            same_key, sessions=(SyncedSession(agent="made-up", native_id="other", root="/x"),)
        )
        withdrawn = Payload(replaced=(told.events[0].key,))
        same_session = payload(PROMPT, agent="made-up", session="s1")

        for given in (same_key, other_session, withdrawn, same_session):
            assert (await taken(desktop, given))[0] == 0
        assert desktop.dump() == before


async def test_nobody_elsewhere_forgets_a_project_or_everything_of_this_machine(tmp_path: Path) -> None:
    async with machines(tmp_path, "desktop") as one:
        desktop = one["desktop"]
        await desktop.say("Mine", session="s1", at_ms=1_000)
        before = desktop.dump()
        stones = tuple(
            SyncedTombstone(scope, 0, FOREVER) for scope in (EVERYTHING, *map(project_scope, ("/repo", "/later")))
        )

        await taken(desktop, Payload(tombstones=stones, forgotten_keys=(-1, 1 << 62, 1 << 63, 7)))
        await desktop.say("Mine too", session="s2", at_ms=2_000)
        await desktop.say("And here", session="s3", at_ms=2_000, cwd="/later")

        assert desktop.dump().startswith(before[:-2])
        assert len(roots(desktop)) == 3


async def test_a_time_far_ahead_becomes_that_of_arrival(tmp_path: Path) -> None:
    async with machines(tmp_path, "desktop") as one:
        given = payload(PROMPT)
        ahead = msgspec.structs.replace(given, events=(msgspec.structs.replace(given.events[0], at_ms=FOREVER),))
        await taken(one["desktop"], ahead)

        with one["desktop"].read() as db:
            [row] = sessions(db, limit=9)
        assert row.last_ms < FOREVER // 2


async def test_secrets_are_taken_out_again(tmp_path: Path) -> None:
    async with machines(tmp_path, "desktop") as one:
        token = "ghp_" + "a1B2c3D4e5" * 4
        await taken(one["desktop"], payload(b'{"kind":"user_prompt","text":"use %s"}' % token[:40].encode()))

        assert token[:40].encode() not in one["desktop"].dump()


def test_a_machine_s_name_before_a_path_is_never_a_disk() -> None:
    assert label(Machine(id="abcd" * 4, name="c")) == "c-abcd"
    assert label(Machine(id="abcd" * 4, name="../x")) == "abcdabcd"


async def test_two_machines_of_one_name_are_told_apart(tmp_path: Path) -> None:
    async with machines(tmp_path, "desktop") as one:
        ledger = one["desktop"].ledger
        names = [await ledger.write(know_machine, number * 16, "laptop") for number in "ab"]
        assert [*names, await ledger.write(know_machine, "a" * 16, "renamed")] == ["laptop", "laptop-2", "laptop"]
