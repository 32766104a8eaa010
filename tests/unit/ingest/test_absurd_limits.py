from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from carryover.adapter.contract import Agent, Parsed, Record, Source
from carryover.facts import ProjectRoot
from carryover.ingest.pipeline import ingest
from carryover.ledger.store import Ledger
from carryover.ledger.usage import open_windows, plausible
from carryover.model import WindowUsed

AT_MS = 40_000
HUGE = 1 << 80


def saying(agent: Agent, window: WindowUsed) -> Agent:
    """The agent, of which each record says how much of a limit is used."""

    def parse(source: Source, context: Any, record: Record) -> tuple[Any, Parsed]:
        context, parsed = agent.parse(source, context, record)
        return context, msgspec.structs.replace(parsed, windows=(window,))

    return replace(agent, parse=parse)


@pytest.mark.parametrize(("minutes", "resets_ms"), [(HUGE, None), (None, HUGE), (300, -HUGE), (-HUGE, HUGE)])
async def test_a_limit_with_absurd_numbers_does_not_keep_a_transcript_from_being_read(
    minutes: int | None,
    resets_ms: int | None,
    tmp_path: Path,
    ledger: Ledger,
    agent: Agent,
    reading: Callable[[], sqlite3.Connection],
) -> None:
    """SQLite takes no number of more than 64 bits, and one batch is stored whole or not at all."""
    transcript = tmp_path / "one.jsonl"
    transcript.write_text('{"id": "1", "cwd": "/repo", "body": {"kind": "user_prompt", "text": "Go on"}}\n')
    source = Source(agent=agent.id, path=str(transcript))
    window = WindowUsed(name="primary", at_ms=AT_MS, used_percent=12.5, minutes=minutes, resets_ms=resets_ms)

    await ingest(ledger, saying(agent, window), source, root_of=ProjectRoot, now_ms=lambda: 50_000)

    known = [(used.minutes, used.resets_ms) for _, used in open_windows(reading(), AT_MS)]
    assert known == ([(300, None)] if minutes == 300 else [])
    assert reading().execute("SELECT count(*) FROM event").fetchone() == (1,)


def test_a_share_that_no_limit_has_is_bounded() -> None:
    absurd = (-1e300, 1e300, float("nan"))
    shares = [plausible(WindowUsed(name="primary", at_ms=AT_MS, used_percent=share)) for share in absurd]

    assert [window.used_percent for window in shares] == [0, 1000, 0]
