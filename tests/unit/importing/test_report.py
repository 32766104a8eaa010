"""What is said of a file that gives no conversation: an empty handoff is never silent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from carryover.actions.importing import survey_file
from carryover.errors import UserError
from carryover.importing.candidate import Candidate
from carryover.past.transcript import handoff_of_transcript

META = {"id": "01a1f792-0000-7000-8000-000000000099", "timestamp": "2026-11-20T06:00:00Z", "cwd": "/home/dev/shop"}


def codex(*kinds: str) -> str:
    """A rollout of Codex with records of these types."""
    head = {"timestamp": "2026-11-20T06:00:00Z", "type": "session_meta", "payload": META}
    others = ({"timestamp": "2026-11-20T06:00:01Z", "type": kind, "payload": {"said": "secret"}} for kind in kinds)
    return "".join(json.dumps(record) + "\n" for record in (head, *others))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            codex("brand_new", "brand_new", "other_new"),
            "3 of its 4 records were not understood",
        ),
        (codex("world_state"), "0 of its 2 records were not understood"),
    ],
)
def test_a_transcript_without_a_conversation_says_how_many_were_understood(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "rollout.jsonl"
    path.write_text(text)

    with pytest.raises(UserError) as handoff:
        handoff_of_transcript(path, None, None)
    with pytest.raises(UserError) as taken:
        survey_file(Candidate(path, project=str(tmp_path)))

    assert "read as a transcript of Codex" in str(handoff.value)
    assert "no record of it is a prompt, an answer or a call" in str(handoff.value)
    assert said in str(taken.value)
