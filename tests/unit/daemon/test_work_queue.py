from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.daemon.work_queue import WorkQueue
from support.clock import Clock


class Board(WorkQueue[str]):
    async def handle(self, key: str) -> bool:
        raise AssertionError(f"{key} was handled; these tests take keys themselves")


@pytest.fixture
def board(clock: Clock) -> WorkQueue[str]:
    return Board(quiet_s=0.1, cap_s=0.5, clock=clock)


def popped(board: WorkQueue[str]) -> Iterator[str]:
    """Everything that is due now, each finished at once."""
    while (key := board.pop()) is not None:
        board.done(key)
        yield key


def test_hints_that_follow_wait_for_a_pause(board: WorkQueue[str], clock: Clock) -> None:
    board.hint("a")
    assert list(popped(board)) == ["a"]
    for pause_s in (0.05, 0.06):
        clock.now += pause_s
        board.hint("a")
    assert not board.idle
    clock.now += 0.09
    assert list(popped(board)) == []
    clock.now += 0.02
    assert list(popped(board)) == ["a"]


def test_hints_without_hurry_are_merged_and_delay_no_other(board: WorkQueue[str], clock: Clock) -> None:
    board.hint("a", within_s=2)
    assert list(popped(board)) == ["a"]
    for _ in range(3):
        clock.now += 0.6
        board.hint("a", within_s=2)
        assert list(popped(board)) == []
    clock.now += 0.9
    assert list(popped(board)) == ["a"]


@pytest.mark.parametrize("waits_already", [True, False])
def test_a_hint_does_not_wait_for_one_that_is_merged_for_longer(
    board: WorkQueue[str], clock: Clock, waits_already: bool
) -> None:
    board.hint("a", within_s=2)
    assert list(popped(board)) == ["a"]
    clock.now += 0.05
    if waits_already:
        board.hint("a", within_s=2)

    board.hint("a")
    assert list(popped(board)) == ["a"]

    board.hint("a", within_s=2)
    board.hint("a")
    board.hint("a", within_s=2)
    assert list(popped(board)) == []
    clock.now += 0.11
    assert list(popped(board)) == ["a"]


def test_only_what_is_waiting_can_be_hurried(board: WorkQueue[str]) -> None:
    for _ in range(2):
        board.hint("a", within_s=2)
        board.hurry(["a", "b"])
        assert list(popped(board)) == ["a"]
    board.later("b", 5)
    board.hurry(["a", "b"])
    assert list(popped(board)) == []


def test_a_key_in_flight_is_not_given_out_again_before_it_is_done(board: WorkQueue[str], clock: Clock) -> None:
    board.hint("a")
    assert board.pop() == "a"
    board.hint("a", urgent=True)
    clock.now += 1

    assert board.pop() is None
    board.done("a")
    assert board.pop() == "a"


def test_others_are_taken_in_turn_with_a_key_that_takes_long(clock: Clock) -> None:
    class Slow(Board):
        def takes_long(self, key: str) -> bool:
            return key == "long"

    board = Slow(quiet_s=0.1, cap_s=0.5, clock=clock)
    board.queue(["short", "long", "a", "b"])
    taken = []
    left = {"short": 2, "long": 5, "a": 1, "b": 1}
    while (key := board.pop()) is not None:
        taken.append(key)
        left[key] -= 1
        board.done(key, more=left[key] > 0)

    assert taken == ["short", "short", "long", "a", "long", "b", "long", "long", "long"]


async def test_a_taker_of_live_hints_leaves_the_backlog_to_others(board: WorkQueue[str]) -> None:
    board.queue(["old", "older"])
    live = asyncio.ensure_future(board.take(live_only=True))
    assert await board.take() == "old"
    await asyncio.sleep(0)
    assert not live.done()

    board.hint("new")

    assert await live == "new"
    board.done("old")
    assert board.pop(live_only=True) is None
    assert board.pop() == "older"


async def test_draining_gives_out_what_was_hinted_and_drops_the_rest(board: WorkQueue[str], clock: Clock) -> None:
    board.hint("merged")
    assert list(popped(board)) == ["merged"]
    board.hint("merged")
    board.queue(["old history"])
    board.later("broken", 0)
    board.drain()

    assert await board.take() == "merged"
    board.later("merged", 9)
    board.done("merged")
    assert await asyncio.wait_for(board.take(), 1) is None


async def test_draining_wakes_who_waits_for_a_key(board: WorkQueue[str]) -> None:
    waiting = asyncio.ensure_future(board.take())
    await asyncio.sleep(0)
    board.drain()

    assert await asyncio.wait_for(waiting, 1) is None


def test_a_hint_takes_its_key_out_of_the_backlog(board: WorkQueue[str]) -> None:
    board.queue(["old", "older"])
    board.hint("old")

    assert (board.hinted, board.waiting) == (1, 2)
    assert list(popped(board)) == ["older", "old"]


@pytest.mark.parametrize("opened_before", [True, False])
async def test_flush_waits_for_a_look_that_began_after_it_was_asked_and_came_to_the_end(
    board: WorkQueue[str], opened_before: bool
) -> None:
    """What is being read just now may have been opened before the last change."""
    board.queue(["a"])
    if opened_before:
        assert board.pop() == "a"
    flushing = asyncio.ensure_future(board.flush())
    await asyncio.sleep(0)
    if not opened_before:
        assert board.pop() == "a"
    board.done("a", more=not opened_before)
    await asyncio.sleep(0)
    assert not flushing.done()

    assert list(popped(board)) == ["a"]
    await asyncio.wait_for(flushing, 1)


STEPS = st.lists(st.tuples(st.sampled_from("abc"), st.floats(0, 0.3), st.booleans()), max_size=60)


@given(steps=STEPS)
def test_no_hint_is_lost_and_none_waits_longer_than_the_cap(steps: list[tuple[str, float, bool]]) -> None:
    """Whatever comes when: each hint is followed by a look at its key within the cap, were there always a taker."""
    clock = Clock()
    board = Board(quiet_s=0.1, cap_s=0.5, clock=clock)
    waiting_since: dict[str, float] = {}
    for key, pause_s, urgent in steps:
        end = clock.now + pause_s
        while clock.now < end:
            clock.now = min(clock.now + 0.01, end)
            for taken in popped(board):
                assert clock.now - waiting_since.pop(taken) <= 0.5 + 0.011
        board.hint(key, urgent=urgent)
        waiting_since.setdefault(key, clock.now)
    clock.now += 0.5
    assert set(popped(board)) == set(waiting_since)
    assert board.idle


async def test_a_look_is_due_at_once_and_waited_for_alone(board: WorkQueue[str]) -> None:
    board.hint("a")
    assert list(popped(board)) == ["a"]
    board.hint("a")
    board.queue(["b", "history"])
    looking = asyncio.ensure_future(board.do_now(["a", "b", "new"]))
    await asyncio.sleep(0)

    for key in ("a", "b", "new"):
        assert not looking.done()
        assert board.pop(live_only=True) == key
        board.done(key)
    await asyncio.wait_for(looking, 1)
    assert board.waiting == 1


def test_what_was_not_finished_comes_next_in_its_lane(board: WorkQueue[str]) -> None:
    board.queue(["long", "other"])
    assert board.pop() == "long"
    board.hint("live")
    board.done("long", more=True)

    assert board.pop(live_only=True) == "live"
    assert list(popped(board)) == ["long", "other"]


def test_of_what_is_due_the_first_in_rank_comes_first_but_for_what_is_urgent(clock: Clock) -> None:
    ranks = {"old": 2.0, "new": 1.0, "urgent": 3.0}

    class Ranked(Board):
        def rank(self, key: str) -> float:
            return ranks[key]

    board = Ranked(quiet_s=0.1, cap_s=0.5, clock=clock)
    for key in ("old", "new"):
        board.hint(key)
    board.hint("urgent", urgent=True)
    assert list(popped(board)) == ["urgent", "new", "old"]

    for key in ("new", "old"):
        board.hint(key)
    clock.now += 0.2
    assert board.pop() == "new"
    board.hint("new")
    board.hint("urgent")
    ranks["urgent"] = 0.0
    board.hint("urgent")
    clock.now += 0.2
    assert list(popped(board)) == ["urgent", "old"]
    board.done("new")
    assert list(popped(board)) == ["new"]


@pytest.mark.parametrize("lane", ["live", "backlog", "backlog in parts"])
def test_taking_the_next_key_costs_the_same_however_many_wait(lane: str, clock: Clock) -> None:
    looked_at = 0

    class Key(str):
        __slots__ = ()

        def __hash__(self) -> int:
            nonlocal looked_at
            looked_at += 1
            return super().__hash__()

    def cost(waiting: int) -> int:
        """How often keys are looked up for ten that are taken, after the first: then each hint becomes due, once."""
        board = Board(quiet_s=0.1, cap_s=0.5, clock=clock)
        keys = [Key(number) for number in range(waiting)]
        if lane == "live":
            for key in keys:
                board.hint(key)
        else:
            board.queue(keys)
        board.done(board.pop() or Key())
        before = looked_at
        for more in [lane == "backlog in parts"] * 9 + [False]:
            board.done(board.pop() or Key(), more=more)
        return looked_at - before

    assert cost(20) == cost(2000)
