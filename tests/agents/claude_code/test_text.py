"""Text without what the client put around it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from carryover.agents.claude_code.prompts import own_words, plain_output, without_reminders
from carryover.records.text import tagged, without_ansi, without_handoff

REMINDER = "<system-reminder>\nBe careful.\n</system-reminder>"


def test_glued_blocks_are_taken_off_both_ends() -> None:
    opened = "<ide_opened_file>x</ide_opened_file>"

    assert own_words(f" {opened}\n{REMINDER}\nfix it\n\n{REMINDER}\n{opened}\n") == "fix it"


def test_what_stands_in_the_middle_is_the_users() -> None:
    assert own_words(f"why does {REMINDER} appear?") == f"why does {REMINDER} appear?"


def test_a_block_that_never_ends_is_the_users() -> None:
    assert own_words("<system-reminder> is what I see") == "<system-reminder> is what I see"
    assert own_words("I see </system-reminder>") == "I see </system-reminder>"


def test_nothing_but_context_is_no_words() -> None:
    assert own_words(REMINDER) == ""


def test_reminders_are_taken_out_of_outputs_anywhere() -> None:
    assert without_reminders(f"one\n\n{REMINDER}\ntwo{REMINDER}") == "one\ntwo"
    assert without_reminders("one <system-reminder> two") == "one <system-reminder> two"


@pytest.mark.parametrize(
    "escaped",
    ["\x1b[2mplain\x1b[22m", "\x1b]0;title\x07plain", "\x1b]8;;http://x\x1b\\plain", "\x1b[?25lplain", "\x1bMplain"],
)
def test_terminal_escapes_are_taken_out(escaped: str) -> None:
    assert without_ansi(escaped) == "plain"


def test_the_first_pair_of_tags_counts() -> None:
    assert tagged("<a>1</a><a>2</a>", "a") == "1"
    assert tagged("<a>1", "a") is None
    assert tagged("1</a>", "a") is None


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
