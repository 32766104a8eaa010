"""What a new version or new settings leave to do is done in steps, and again when settings change."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import cast

import pytest

from carryover.config import Config
from carryover.daemon import upkeep
from carryover.daemon.log import Log
from carryover.daemon.upkeep import BUSY_PAUSE_S, PAUSE_S, Upkeep
from carryover.ledger.store import Ledger
from carryover.publish.withdrawal import Withdrawn


class LedgerWithWork:
    """One with so many steps left to index."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    async def index_more(self) -> bool:
        self.steps -= 1
        return self.steps >= 0


def upkeep_of(ledger: LedgerWithWork, busy: list[bool]) -> Upkeep:
    return Upkeep(
        cast("Ledger", ledger), Path("state"), config=Config, busy=lambda: busy.pop(0), log=Log(lambda *_: None)
    )


async def test_history_is_indexed_to_its_end_and_slowly_while_transcripts_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr("carryover.daemon.upkeep.asyncio.sleep", sleep)
    ledger = LedgerWithWork(3)

    await upkeep_of(ledger, [False, True, False]).index_history()

    assert ledger.steps == -1
    assert pauses == [PAUSE_S, BUSY_PAUSE_S, PAUSE_S]


async def test_what_is_no_longer_allowed_is_taken_out_at_the_start_and_when_settings_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: asyncio.Queue[Path] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def withdraw(state: Path, config: Config) -> tuple[Withdrawn, ...]:
        loop.call_soon_threadsafe(done.put_nowait, state)
        return ()

    monkeypatch.setattr(upkeep, "withdraw", withdraw)
    work = upkeep_of(LedgerWithWork(0), [])
    task = asyncio.create_task(work.withdraw())
    try:
        assert await done.get() == Path("state")
        work.settings_changed()
        assert await done.get() == Path("state")
        assert done.empty()
    finally:
        task.cancel()
