"""Which files tell of Cascade's conversations."""

from __future__ import annotations

from pathlib import Path

from agents.windsurf.talks import put, spool_of, transcripts_of, worked
from carryover.agents.windsurf.adapter import AGENT


def test_the_spool_comes_before_a_transcript(tmp_path: Path) -> None:
    talk = worked()
    roots = (spool_of(tmp_path / ".carryover"), transcripts_of(tmp_path))
    for root in roots:
        put(root / f"{talk.id}.jsonl", b"")

    spooled, transcript = (AGENT.sources(root)[0] for root in roots)
    assert spooled.session == transcript.session == talk.id
    assert spooled.rank > transcript.rank
