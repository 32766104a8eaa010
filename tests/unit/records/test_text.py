from __future__ import annotations

import pytest

from carryover.model import SummaryPart
from carryover.records.resets import resets_in
from carryover.records.summary import Kinds, parts_by_heading, parts_by_tag
from carryover.records.text import without_ansi, without_handoff, without_last_block, without_reminders
from support.costs import costing_little


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[31;1mboom\x1b[0m",
        "\x1b]0;title\x07boom",
        "\\u001b[31;1mboom\\u001b[0m",
        "\\x1b[1mboom\\x1b[m",
        "\\033[32mboom\\e[0m",
        "^[[31mboom^[[39m",
        "\u241b[31mboom\u241b[0m",
        "\ufffd[31;1mboom\ufffd[0m",
        "[31;1mboom[0m",
        "[1mboom[22m",
        "[mboom[0m",
    ],
)
def test_terminal_escapes_go_however_their_first_sign_was_written(text: str) -> None:
    assert without_ansi(text) == "boom"


def test_brackets_of_other_kinds_stay() -> None:
    texts = ["seen [5m ago]", "a[1] + b[2m]", "[INFO] done", "x[0]", "\\u001b alone", "[1;2]"]
    assert [without_ansi(text) for text in texts] == texts


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a\n\n<system-reminder>x</system-reminder>\nb<system-reminder>y</system-reminder>", "a\nb"),
        ("a <system-reminder>never ended", "a <system-reminder>never ended"),
        ("a</system-reminder>", "a</system-reminder>"),
    ],
)
def test_what_a_client_adds_to_an_output_is_left_out(text: str, plain: str) -> None:
    assert without_reminders(text) == plain


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a \n<files>x</files>\n", "a"),
        ("a <files>x</env> <env>y</env>", "a"),
        ("<files>x</files> a", "<files>x</files> a"),
        ("a</files>", "a</files>"),
    ],
)
def test_the_block_at_the_end_is_left_out(text: str, plain: str) -> None:
    assert without_last_block(text, "files", "env") == plain


KINDS: Kinds = {"goal": "request", "errors and fixes": "errors", "next steps": "next", "current_plan": "next"}


@pytest.mark.parametrize(
    "text",
    [
        "Preface\n## Goal\n\nWhole cents.\n",
        "# Goal (of the user)\nWhole cents.",
        "1. Goal:\n   Whole cents.",
        "1. **Goal**: Whole cents.",
        "1. **Goal**\nWhole cents.",
        "1. **Goal:** Whole cents.",
        "**1. Goal:**\nWhole cents.",
        "**Goal**\nWhole cents.",
        "**Goal:** Whole cents.",
    ],
)
def test_a_heading_of_any_form_begins_a_section(text: str) -> None:
    [part] = parts_by_heading(text, KINDS)

    assert (part.kind, part.text) == ("request", "Whole cents.")


def test_a_heading_that_nobody_knows_begins_a_section_if_it_has_the_next_number() -> None:
    text = "1. Goal:\nWhole cents.\n2. Colours:\nRed.\n2. Again:\nBlue."

    assert [(part.heading, part.text) for part in parts_by_heading(text, KINDS)] == [
        ("Goal", "Whole cents."),
        ("Colours", "Red.\n2. Again:\nBlue."),
    ]


@pytest.mark.parametrize("text", ["", "The goal is cents.", "## Red\nRed.", "```\n## Goal\nx\n```", "1. Goal"])
def test_a_text_without_known_headings_has_no_sections(text: str) -> None:
    assert parts_by_heading(text, KINDS) == ()


def test_tags() -> None:
    text = "<thoughts>Hm.</thoughts>\n<current_plan>\n1. [TODO] Test.\n</current_plan>"

    assert parts_by_tag(text, KINDS) == (
        SummaryPart(kind="other", heading="thoughts", text="Hm."),
        SummaryPart(kind="next", heading="current_plan", text="1. [TODO] Test."),
    )
    assert parts_by_tag("<thoughts>Hm.</thoughts>", KINDS) == ()


@pytest.mark.parametrize("name", ["handoff.md", "handoff-chosen.md", "handoff-kilo.md", "more.md"])
def test_what_a_search_found_in_our_own_files_is_no_output(name: str) -> None:
    found = f"cart.py:1: cap\n.carryover/{name}:7: - Newest prompt: cap\ndocs/{name}:1: cap"

    assert without_handoff(found) == f"cart.py:1: cap\ndocs/{name}:1: cap"


HANDOFF = "# [CARRYOVER] Last updated 2026-11-20T06:00:00Z from Codex\n- Bake"
END = "Full history: `carryover show abc`; more: read `.carryover/more.md`."


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (HANDOFF, ""),
        (f"It says:\n> {HANDOFF}\nThe oven is next.", "It says:\n"),
        (f"It says:\n{HANDOFF}\n{END}\nThe oven is next.", "It says:\nThe oven is next."),
        (f"     1\t{HANDOFF}\n     2\t- {END}\n     3\t- Sell\n     4\t{END}\nOven", "Oven"),
        (f"{HANDOFF}\n{END}\nOven\n{HANDOFF}\n{END}\nTray\n{HANDOFF}\n- Sell", "Oven\nTray\n"),
    ],
)
def test_of_a_text_with_a_handoff_the_rest_is_kept_if_it_has_an_end(text: str, kept: str) -> None:
    assert without_handoff(text) == kept


AT_MS = 1_795_155_000_000  # 2026-11-20T06:10:00Z


@pytest.mark.parametrize(
    ("message", "when"),
    [
        ("5-hour limit reached ∙ resets 3pm", "3pm"),
        ("You've hit your session limit · resets 3pm (Europe/Amsterdam)", "3pm (Europe/Amsterdam)"),
        ("Weekly limit reached ∙ resets Oct 7 at 10am", "Oct 7 at 10am"),
        ("Claude AI usage limit reached|1795154400", "2026-11-20T06:00:00Z"),
        ("You’ve hit your usage limit. Upgrade to Pro (https://example.com) or try again at 8:05 AM.", "8:05 AM"),
        ("or try again at Nov 22nd, 2026 9:00 AM.", "Nov 22nd, 2026 9:00 AM"),
        ("Try again in 3 days 5 hours 12 minutes.", "2026-11-23T11:22:00Z"),
        ("resets in 2h 13m", "2026-11-20T08:23:00Z"),
        ("resets 15:00", "15:00"),
        ("You have exhausted your capacity. Your quota will reset after 3h12m5s.", "2026-11-20T09:22:00Z"),
        ("Weekly limit reached", None),
        ("API Error: 429 it resets the password of bob@example.com", None),
        ("resets 3", None),
        ("resets when /home/dev/secret says so", None),
        ("limit reached|99", None),
        ("x" * 3000 + " resets 3pm", None),
    ],
)
def test_the_time_is_taken_as_it_was_written_or_counted_from_then(message: str, when: str | None) -> None:
    assert resets_in(message, AT_MS) == when


@pytest.mark.parametrize(
    "text",
    [f"1){' ' * 20_000}x", f"# {' ' * 20_000}:", f"**a{' ' * 20_000}*", "<analysis> " * 20_000, "<one><two>" * 20_000],
)
def test_a_summary_of_blanks_or_of_tags_without_an_end_costs_no_time(text: str) -> None:
    with costing_little():
        assert parts_by_heading(text, {}) == ()
        assert parts_by_tag(f"</two></analysis>{text}", {}) == ()
