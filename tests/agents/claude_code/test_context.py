"""What is kept between two records."""

from __future__ import annotations

import msgspec

from agents.claude_code.session import Session


def test_a_hostile_transcript_does_not_fill_the_context() -> None:
    transcript = Session(cwd="/" + "x" * 20_000)
    huge = "word " * 4_000
    for number in range(210):
        transcript.user(f"{number} {huge}", sessionId=huge, gitBranch=huge, version=huge)
        transcript.queue("enqueue", f"{number} {huge}")
        transcript.calls("Bash", command=huge, description=huge)
        transcript.record("custom-title", customTitle=huge)

    assert len(msgspec.json.encode(transcript.context)) < 400_000
