"""What a new version or new settings leave to do is done in steps, and again when settings change."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from carryover.config import Config
from carryover.daemon import upkeep
from carryover.daemon.context import DaemonContext
from carryover.daemon.upkeep import Upkeep
from carryover.publish.withdrawal import Withdrawn


async def test_what_is_no_longer_allowed_is_taken_out_at_the_start_and_when_settings_change(
    context: DaemonContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: asyncio.Queue[Path] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def withdraw(state: Path, config: Config) -> tuple[Withdrawn, ...]:
        loop.call_soon_threadsafe(done.put_nowait, state)
        return ()

    monkeypatch.setattr(upkeep, "withdraw", withdraw)
    work = Upkeep(context, busy=lambda: False)
    task = asyncio.create_task(work.withdraw())
    try:
        assert await done.get() == context.state.root
        work.settings_changed()
        assert await done.get() == context.state.root
        assert done.empty()
    finally:
        task.cancel()
