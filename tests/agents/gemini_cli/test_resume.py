"""A session that goes on, and whose files the client deletes (0.61.0)."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

from agents.gemini_cli.contract_case import FIXTURES
from carryover.agents.gemini_cli.adapter import AGENT
from carryover.distill.stored_digest import DigestReducer
from carryover.facts import ProjectRoot
from carryover.ingest.pipeline import IngestResult, ingest
from carryover.ledger.connect import connect_read_only
from carryover.ledger.queries import session_events, sessions
from carryover.ledger.store import Ledger
from carryover.model import UserPrompt
from support.clock import LATER_MS

FIRST_RUN, RESUMED, NEXT_START = (
    FIXTURES / "0.61.0" / name / "tmp" for name in ("interactive", "resumed", "next-start")
)


async def read_all(ledger: Ledger, root: Path) -> list[IngestResult]:
    return [
        await ingest(ledger, AGENT, source, root_of=ProjectRoot, now_ms=lambda: LATER_MS)
        for source in AGENT.sources(root)
    ]


async def test_what_the_client_deletes_stays_and_a_resume_adds_only_what_is_new(tmp_path: Path) -> None:
    """A resume leaves a second file of the same session; the next start deletes both."""
    root, path = tmp_path / "tmp", tmp_path / "ledger.sqlite"
    ledger = await Ledger.open(path, DigestReducer())
    try:
        shutil.copytree(FIRST_RUN, root)
        [first] = await read_all(ledger, root)
        known = AGENT.sources(root)
        shutil.copytree(RESUMED, root, dirs_exist_ok=True)
        resumed = await read_all(ledger, root)
        shutil.rmtree(root)
        shutil.copytree(NEXT_START, root)
        gone = [await ingest(ledger, AGENT, one, root_of=ProjectRoot, now_ms=lambda: LATER_MS) for one in known]
        [other] = await read_all(ledger, root)
    finally:
        await ledger.close()

    assert first.new_events > 5
    assert sorted(result.new_events for result in resumed) == [0, 4]
    assert [result.gone for result in gone] == [True]
    assert other.error is None
    with closing(connect_read_only(path)) as db:
        prompts = {
            session.native_id[:8]: [
                stored.body.text for stored in session_events(db, session) if isinstance(stored.body, UserPrompt)
            ]
            for session in sessions(db, limit=10)
        }
    assert prompts["3b971be9"] == [
        "Fix rounding in pricing.py",
        "Explain rounding",
        "go on",
        "What did we do?",
        "And now?",
    ]
    assert prompts["1fdb4fef"] == ["A new session"]
