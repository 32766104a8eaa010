from __future__ import annotations

import asyncio

import pytest

from carryover.daemon.hooks.shared_work import SharedWork


class Work:
    """Gives the number of its runs so far, each once `may_end` is set."""

    def __init__(self) -> None:
        self.runs = 0
        self.began = asyncio.Event()
        self.may_end = asyncio.Event()

    async def __call__(self) -> int:
        self.runs += 1
        run = self.runs
        self.began.set()
        await self.may_end.wait()
        return run


async def test_those_who_ask_while_it_runs_share_a_run_that_begins_later() -> None:
    work, shared = Work(), SharedWork[int]()
    first = asyncio.create_task(shared.result("a", work))
    await work.began.wait()
    others = [asyncio.create_task(shared.result("a", work)) for _ in range(5)]
    await asyncio.sleep(0)

    work.may_end.set()

    assert await asyncio.gather(first, *others) == [1, 2, 2, 2, 2, 2]


async def test_who_gives_up_leaves_the_work_to_the_others() -> None:
    work, shared = Work(), SharedWork[int]()
    impatient, patient = (asyncio.create_task(shared.result("a", work)) for _ in range(2))
    await work.began.wait()

    impatient.cancel()
    work.may_end.set()

    assert await patient == 1
    with pytest.raises(asyncio.CancelledError):
        await impatient


async def test_an_error_reaches_all_who_asked_and_nobody_later() -> None:
    async def fail() -> int:
        raise LookupError("gone")

    work, shared = Work(), SharedWork[int]()
    work.may_end.set()

    failed = await asyncio.gather(*(shared.result("a", fail) for _ in range(2)), return_exceptions=True)

    assert [type(error) for error in failed] == [LookupError, LookupError]
    assert await shared.result("a", work) == 1
