"""Machines that tell each other what they recorded have the same ledger in the end, whatever the order."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from carryover.model import AssistantMessage, Event, Retracted, UserPrompt
from support.machines import machines, meet

NAMES = ("laptop", "desktop", "box")
SESSIONS = ("a", "b")

machine = st.sampled_from(NAMES)
session = st.sampled_from(SESSIONS)
ACTIONS = st.one_of(
    st.tuples(st.just("say"), machine, session),
    st.tuples(st.just("rewrite"), machine, session),
    st.tuples(st.just("take back"), machine, session),
    st.tuples(st.just("forget"), machine, st.sampled_from([f"{one} {name}" for one in SESSIONS for name in NAMES])),
    st.tuples(st.just("tell"), machine, session),
    st.tuples(st.just("take"), machine, machine),
    st.tuples(st.just("tell all again"), machine, session),
    st.tuples(st.just("take all again"), machine, machine),
)


async def play(folder: Path, names: tuple[str, ...], actions: list[tuple[str, str, str]]) -> None:
    """Carries out the actions at moments of one clock, then has all machines meet, and compares their ledgers."""
    async with machines(folder, *names) as world:
        said: dict[tuple[str, str], list[Event]] = {}
        for moment, (what, who, which) in enumerate(actions, start=1):
            now_ms = moment * 100_000
            if who not in names or which not in (*SESSIONS, *names, *(f"{a} {b}" for a in SESSIONS for b in names)):
                continue
            one, own = world[who], f"{which} {who}"
            events = said.setdefault((who, which), [])
            match what:
                case "say":
                    events += await one.say("p", AssistantMessage(text=f"at {now_ms}"), session=own, at_ms=now_ms)
                case "rewrite" if events:
                    key = f"{who} {own} {now_ms}"
                    events[-1:] = [Event(key=key, session=own, at_ms=now_ms, body=UserPrompt(text="anew"), cwd="/repo")]
                    await one.rewrite(own, events)
                case "take back" if events:
                    events += await one.say(Retracted(keys=(events[0].key,)), session=own, at_ms=now_ms)
                case "forget":
                    await one.forget(which, now_ms=now_ms)
                    said.pop((which.split()[1], which.split()[0]), None)
                case "tell":
                    await one.tell()
                case "tell all again":
                    one.position = ""
                    await one.tell()
                case "take" if which != who:
                    await one.take(world[which])
                case "take all again" if which != who:
                    one.taken.pop(which, None)
                    await one.take(world[which])
        await meet(*world.values())
        dumps = {one.dump() for one in world.values()}
        assert len(dumps) == 1


@settings(max_examples=25, deadline=None)
@given(count=st.integers(2, 3), actions=st.lists(ACTIONS, max_size=25))
def test_machines_converge_whatever_they_do_and_in_whatever_order(
    count: int, actions: list[tuple[str, str, str]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(play(Path(folder), NAMES[:count], actions))
