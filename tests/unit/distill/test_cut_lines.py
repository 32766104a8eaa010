"""What fifty lines could not hold is one call away: a line that is cut says which turn has the rest."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from carryover.actions.transcript import handoff_of_transcript
from carryover.distill.render import lay_out
from carryover.errors import UserError

FIXTURES: Final = Path(__file__).parents[2] / "agents"
NAMED: Final = re.compile(r"\bturn \d+(?: of [\w-]+)?\b")
TELLS: Final = re.compile(r"- pasted, [\d,]+ characters: ")
"""A line that belongs to the prompt above it, which is named."""
ABOUT_FILES: Final = ("edit", "files", "file", "git", "test run")
"""Kinds of lines that quote nobody."""


def cut_lines() -> Iterator[tuple[str, bool]]:
    """Each line of the handoffs of all recorded transcripts that lacks something, and whether its turn is named."""
    for file in sorted(FIXTURES.glob("*/fixtures/**/*.jsonl")):
        try:
            made = handoff_of_transcript(file, None, None)
        except UserError:
            continue
        for _, lines in lay_out(made.handoff):
            head = ""
            for text, entry in lines:
                head = head if text.startswith("- > ") or TELLS.match(text) else text
                if "…" in text and entry.kind not in ABOUT_FILES:
                    yield text, bool(NAMED.search(head))


def test_each_line_of_a_recorded_session_that_is_cut_names_its_turn() -> None:
    found = list(cut_lines())

    assert len(found) > 10
    assert [text for text, named in found if not named] == []
