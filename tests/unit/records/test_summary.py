from __future__ import annotations

import pytest

from carryover.model import SummaryPart
from carryover.records.summary import Kinds, parts_by_heading, parts_by_tag

KINDS: Kinds = {"goal": "request", "errors and fixes": "errors", "next steps": "next", "current_plan": "next"}


@pytest.mark.parametrize(
    "text",
    [
        "Preface\n## Goal\n\nWhole cents.\n",
        "# Goal (of the user)\nWhole cents.",
        "1. Goal:\n   Whole cents.",
        "1. **Goal**: Whole cents.",
        "1. **Goal:** Whole cents.",
        "**1. Goal:**\nWhole cents.",
        "**Goal**\nWhole cents.",
        "**Goal:** Whole cents.",
    ],
)
def test_a_heading_of_any_form_begins_a_section(text: str) -> None:
    [part] = parts_by_heading(text, KINDS)

    assert (part.kind, part.text) == ("request", "Whole cents.")


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
