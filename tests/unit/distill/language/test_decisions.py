"""What an answer labels as decided counts as a decision; what somebody still has to decide does not."""

from __future__ import annotations

import pytest

from carryover.distill.language.report import read_report


def decided(text: str) -> list[str]:
    return [quote.text for quote in read_report(text).decided]


LABELLED = {
    "en": "Decision: amounts are Decimal, never float.",
    "bold": "**Decision:** amounts are Decimal, never float.",
    "item": "- Agreed on: amounts are Decimal, never float.",
    "de": "Entscheidung: amounts are Decimal, never float.",
    "es": "Decisión final: amounts are Decimal, never float.",
    "ru": "Решение: amounts are Decimal, never float.",
    "ja": "決定事項： amounts are Decimal, never float.",
}


@pytest.mark.parametrize("text", LABELLED.values(), ids=LABELLED.keys())
def test_a_label_makes_a_decision(text: str) -> None:
    assert decided(f"The cart is done. It took an hour.\n\n{text}") == ["amounts are Decimal, never float."]


@pytest.mark.parametrize("heading", ["## Decisions", "## Design decisions", "**Entscheidungen**:", "Decisions made:"])
def test_the_items_of_a_list_below_its_heading_are_decisions(heading: str) -> None:
    text = f"Done.\n\n{heading}\n\n- Amounts are Decimal\n- Tax is rounded per line\n\n## Files\n\n- cart.py\n"

    assert decided(text) == ["Amounts are Decimal", "Tax is rounded per line"]


@pytest.mark.parametrize(
    "text",
    [
        "Decision needed: which database do we take for the orders",
        "## Open decisions\n\n- The database of the orders\n",
        "## Decisions for you\n\n- Postgres or SQLite for the orders\n",
        "Decision: should amounts be Decimal?",
        "Decision: maybe amounts are better as Decimal.",
        "The decision to use Decimal was right: it rounds as people do.",
        "```\nDecision: amounts are Decimal, never float.\n```",
    ],
)
def test_what_is_still_to_be_decided_or_only_mentions_a_decision_is_none(text: str) -> None:
    assert decided(text) == []


def test_a_decision_is_no_finding_too() -> None:
    report = read_report("Decision: `cart.py` computes with Decimal because float loses cents.")

    assert [quote.text for quote in report.decided] == ["`cart.py` computes with Decimal because float loses cents."]
    assert report.findings == ()
