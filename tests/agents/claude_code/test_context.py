"""What is kept between two records."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.claude_code.session import Session
from carryover.agents.claude_code.context import Context
from carryover.records.fields import bounded


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("short", "short"),
        ("exactly10c", "exactly10c"),
        ("two words here", "two …"),
        ("oneverylongword", "…"),
        ("          x y", "…"),
    ],
)
def test_a_cut_falls_between_words(text: str, kept: str) -> None:
    assert bounded(text, 10) == kept


@given(text=st.text(max_size=60), limit=st.integers(1, 40))
def test_a_cut_keeps_whole_words_only(text: str, limit: int) -> None:
    kept = bounded(text, limit)

    assert len(kept) <= limit + 2
    if kept != text:
        assert set(kept.removesuffix("…").split()) <= set(text.split())


def test_a_fresh_context_is_stored_in_next_to_nothing() -> None:
    assert msgspec.json.encode(Context()) == b"{}"


def test_a_hostile_transcript_does_not_fill_the_context() -> None:
    transcript = Session(cwd="/" + "x" * 20_000)
    huge = "word " * 4_000
    for number in range(210):
        transcript.user(f"{number} {huge}", sessionId=huge, gitBranch=huge, version=huge)
        transcript.queue("enqueue", f"{number} {huge}")
        transcript.calls("Bash", command=huge, description=huge)
        transcript.record("custom-title", customTitle=huge)

    assert len(msgspec.json.encode(transcript.context)) < 400_000
