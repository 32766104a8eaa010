"""Every agent: what other processes prepare gives the same ledger as what is prepared here."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import pytest

from carryover.adapter.contract import Agent, Source
from carryover.agents import adapters
from carryover.distill.stored_digest import DigestReducer
from carryover.facts import ProjectRoot
from carryover.ingest import prepare as in_process
from carryover.ingest.pipeline import ingest
from carryover.ingest.prepare import Prepare, Step, prepare
from carryover.ingest.read_ahead import ReadAhead
from carryover.ingest.scan import key_of
from carryover.ledger.store import Ledger
from carryover.model import Event
from contract.case import source_at
from contract.folder import folders
from support.daemon_process import wait_until
from support.ledger_dump import dump

LATER_MS = 1_900_000_000_000


def now_ms() -> int:
    return LATER_MS


@pytest.fixture
def sources(tmp_path: Path) -> list[Source]:
    """The recordings of all agents, and the last state of each source that is rewritten."""
    found: list[Source] = []
    for folder in folders():
        for case in folder.cases.values():
            assert folder.agent is not None
            last = [
                list(stages(_made(tmp_path / f"{len(found)}/{stage}")))[-1] for stage, stages in case.stages.items()
            ]
            found += [source_at(folder.agent, recording) for recording in (*case.recordings, *last)]
    return found


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder


class CountingReducer(DigestReducer):
    """Counts how often it was asked to fold."""

    folded = 0

    def reduce(self, state: bytes, events: Iterable[Event]) -> bytes:
        self.folded += 1
        return super().reduce(state, events)


async def read(path: Path, sources: Sequence[Source], ahead: ReadAhead | None) -> int:
    """Reads all into a new ledger; how many threads the ledger had to fold itself."""
    reducer = CountingReducer()
    ledger = await Ledger.open(path, reducer)
    agents = adapters()
    try:
        for source in sources:
            how: Prepare = prepare
            if ahead is not None:
                ahead.plan([(source, await ledger.source_state(source))], agents)
                wait_until("a process that begins", partial(_has_begun, ahead, source))
                how = ahead.prepare
            result = await ingest(ledger, agents[source.agent], source, root_of=ProjectRoot, now_ms=now_ms, prepare=how)
            assert result.error is None
    finally:
        await ledger.close()
    return reducer.folded


def _has_begun(ahead: ReadAhead, source: Source) -> bool:
    return key_of(source) in ahead.begun()


async def test_what_other_processes_prepare_gives_the_same_ledger(
    sources: list[Source], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folded_here = await read(tmp_path / "here.sqlite", sources, None)
    prepared_here: list[Source] = []

    def noted(agent: Agent, source: Source, *rest: object) -> Step:
        prepared_here.append(source)
        return prepare(agent, source, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(in_process, "prepare", noted)
    ahead = ReadAhead(ProjectRoot, now_ms, processes=2)
    ahead.start()
    try:
        folded = await read(tmp_path / "ahead.sqlite", sources, ahead)
    finally:
        ahead.close()

    assert dump(tmp_path / "ahead.sqlite") == dump(tmp_path / "here.sqlite")
    assert prepared_here == []
    assert folded < folded_here / 4, "what was folded ahead was not used"
    assert not [thread for thread in threading.enumerate() if thread.name == "read-ahead"]
