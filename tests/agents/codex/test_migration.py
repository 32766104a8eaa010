"""`codex migrate-rollouts` writes a file again in the other family's records: nothing of it may count twice."""

from __future__ import annotations

from pathlib import Path

from agents.codex.contract_case import recording
from agents.codex.rollout import Rollout, exited
from carryover.adapter.contract import Source
from carryover.agents.codex.adapter import AGENT
from carryover.distill.stored_digest import DigestReducer
from carryover.facts import ProjectRoot
from carryover.ingest.pipeline import IngestResult, ingest
from carryover.ledger.store import Ledger
from contract.case import moved, source_at
from support.clock import LATER_MS

OLD = recording("0.125.0/exec-and-resume")
MIGRATED = recording("0.169.0/old-file-migrated")


async def read(ledger: Ledger, source: Source) -> IngestResult:
    return await ingest(ledger, AGENT, source, root_of=ProjectRoot, now_ms=lambda: LATER_MS)


async def test_a_migrated_file_adds_nothing(tmp_path: Path) -> None:
    """As recorded: written by 0.125.0, migrated by 0.169.0, under the same name."""
    path = tmp_path / OLD.path.name
    source = moved(source_at(AGENT, OLD), path)
    ledger = await Ledger.open(tmp_path / "ledger.sqlite", DigestReducer())
    try:
        path.write_bytes(OLD.path.read_bytes())
        first = await read(ledger, source)
        path.write_bytes(MIGRATED.path.read_bytes())
        second = await read(ledger, source)
    finally:
        await ledger.close()

    assert first.new_events > 20
    assert (second.new_events, second.error) == (0, None)


def test_a_file_of_a_client_without_turn_ids_has_the_same_twins() -> None:
    """Whatever turn ids a migration makes up for it: the times of its records stay."""
    old = Rollout(family="legacy", version="0.99.0")
    new = Rollout(version="0.99.0")
    for rollout in (old, new):
        if rollout is new:
            rollout.turn("made-up")
        else:
            rollout.lines += 2
        rollout.asks("Fix the test.")
        rollout.runs("exec_command", exited(1, "FAILED"), cmd="python3 -m unittest -q")
        rollout.says("Fixed.")

    twins = [event.secondary_key for event in old.events if event.secondary_key and not event.key.startswith("info/")]
    assert len(twins) == 4
    assert [
        event.secondary_key for event in new.events if event.secondary_key and not event.key.startswith("info/")
    ] == twins
