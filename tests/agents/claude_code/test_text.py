"""Text without what the client put around it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from carryover.agents.claude_code.prompts import own_words, plain_output, without_reminders
from carryover.records.text import without_ansi, without_handoff

REMINDER = "<system-reminder>\nBe careful.\n</system-reminder>"


def test_glued_blocks_are_taken_off_both_ends() -> None:
    opened = "<ide_opened_file>x</ide_opened_file>"

    assert own_words(f" {opened}\n{REMINDER}\nfix it\n\n{REMINDER}\n{opened}\n") == "fix it"


def test_a_handoff_and_lines_of_it_are_taken_out() -> None:
    assert without_handoff("x\n# [CARRYOVER] Last updated 2026\ny") == ""
    assert without_handoff("a\n.carryover/handoff.md:3:Task\nb") == "a\nb"
    assert without_handoff("a\nb") == "a\nb"


@pytest.mark.parametrize("strip", [own_words, plain_output, without_reminders, without_ansi])
@pytest.mark.parametrize(
    "piece", ["<system-reminder>", "</system-reminder>", REMINDER, "\n", " ", "\x1b]", "\x1b[", "<ide_opened_file>"]
)
def test_hostile_text_costs_no_time(strip: Callable[[str], str], piece: str) -> None:
    """Each takes time in proportion to the text, whatever stands in it."""
    text = piece * (2_000_000 // len(piece))
    started = time.process_time()
    strip(text)

    assert time.process_time() - started < 2
