"""A ledger that knows one project by one prompt."""

from __future__ import annotations

from pathlib import Path

from carryover.adapter.contract import Source
from carryover.distill.stored_digest import DigestReducer
from carryover.facts import ProjectRoot
from carryover.ledger.batch import Entry, PreparedBatch
from carryover.ledger.store import Ledger
from carryover.model import Event, UserPrompt


async def ledger_with_prompt(ledger_path: Path, root: Path) -> int:
    """Makes the ledger; the prompt was given in `root`. The project's id."""
    event = Event(key="k1", session="s1", at_ms=1, body=UserPrompt(text="Add a parser for dates"), cwd=str(root))
    prepared = PreparedBatch(
        cursor=b"1",
        context=b"{}",
        size=10,
        mtime_ns=1,
        entries=(Entry.of("claude-code", event, {}),),
        skipped=(),
        oversized=0,
        roots={str(root): ProjectRoot(str(root))},
    )
    ledger = await Ledger.open(ledger_path, DigestReducer())
    try:
        committed = await ledger.commit(Source(agent="claude-code", path="/t/one.jsonl"), prepared, seen_rev=0)
    finally:
        await ledger.close()
    [project] = committed.projects
    return project
