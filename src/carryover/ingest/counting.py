"""Counts the tokens of sources that were read before Carryover counted them. Their events stay as they are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec

from carryover.adapter.contract import Agent, Source
from carryover.ingest.roots import TranscriptRoot
from carryover.ingest.sanitize import clean_tokens
from carryover.ingest.scan import find_sources, key_of
from carryover.ledger.store import Ledger
from carryover.ledger.tokens import add_older, mark_counted, uncounted
from carryover.model import TokensUsed
from carryover.probe.looks import Silent, looked_at
from carryover.transcript.bounds import read_bounded


class Counting:
    """One source, of which `step` counts a batch at a time."""

    def __init__(self, ledger: Ledger, agent: Agent, source: Source, now_ms: Callable[[], int]) -> None:
        self._ledger = ledger
        self._agent = agent
        self._source = source
        self._now_ms = now_ms
        self._cursor: bytes | None = None
        self._context: msgspec.Struct = agent.context_type()

    async def step(self) -> bool:
        """Counts one batch; returns whether another one follows.

        A source that cannot be read now stays uncounted until the next time. Raises LedgerUnavailable.
        """
        try:
            used, more = await looked_at(Path(self._source.path).parent, self._read)
        except (OSError, ValueError, Silent):
            return False
        if used:
            await self._ledger.write(add_older, self._source, used)
        if not more:
            await self._ledger.write(mark_counted, self._source)
        return more

    def _read(self) -> tuple[list[TokensUsed], bool]:
        batch = read_bounded(self._agent.reader, Path(self._source.path), self._cursor)
        if batch.restarted:
            self._context = self._agent.context_type()
        used: list[TokensUsed] = []
        for record in batch.records:
            self._context, parsed = self._agent.parse(self._source, self._context, record)
            used += (clean_tokens(one, self._now_ms()) for one in parsed.tokens)
        self._cursor = batch.cursor
        return used, batch.more


async def to_count(ledger: Ledger, agents: Mapping[str, Agent], folders: Iterable[TranscriptRoot]) -> list[Source]:
    """Returns the sources in agents' `folders` whose older tokens are still to be counted, newest first."""
    waiting = set(await ledger.write(uncounted))
    if not waiting:
        return []
    found = await asyncio.to_thread(find_sources, agents, folders)
    mine = [each for each in found if key_of(each.source) in waiting]
    mine.sort(key=lambda each: each.mtime_ns, reverse=True)
    return [each.source for each in mine]
