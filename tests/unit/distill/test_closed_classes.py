"""The distiller knows few words, and a handoff says nearly the same without them."""

from __future__ import annotations

import pytest

from carryover.distill import closed_classes
from carryover.distill.closed_classes import (
    GO_ON,
    LABELS,
    NEGATED_ENDS,
    NEGATIONS,
    REPLIES,
    is_list_item,
    is_numbered,
    is_question,
    label_of,
    only_replies,
)
from carryover.distill.quotes import sentences
from dialogue.checks import outcomes, rates
from dialogue.scenario import dialogue
from dialogue.test_takeover import held
from support.conversation import under, worked
from support.costs import costing_little


@pytest.mark.night
def test_without_them_what_the_work_needs_and_the_users_rules_are_handed_over_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    labels = [word for names in LABELS.values() for name in names for word in name.split()]
    assert len(labels) <= 60
    assert len(NEGATIONS) + len(NEGATED_ENDS) <= 30
    assert len(REPLIES) + len(labels) + sum(len(words.split()) for words in GO_ON) <= 200
    with_words = measured()
    monkeypatch.setattr(closed_classes, "REPLIES", frozenset())
    monkeypatch.setattr(closed_classes, "LABELS", {})
    monkeypatch.setattr(closed_classes, "GO_ON", ())

    assert not only_replies("yes")
    assert label_of("Next: the receipt") == ("", False)
    assert {kind: rate for kind, rate in measured().items() if rate < 0.97 * with_words[kind]} == {}


def test_without_labels_the_same_lines_stand_where_they_were_said(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = ("Next: the receipt.", "Open question: per item or per cart", "All tests pass.")
    talk = worked(says="\n".join(("It rounds down.", *lines)))
    assert lines[0] in under("Next action", talk)
    assert lines[1] in under("Open questions", talk)
    monkeypatch.setattr(closed_classes, "LABELS", {})

    unlabelled = worked(says="\n".join(("It rounds up.", *lines)))
    assert " ¶ ".join(lines) in under("Where it stands", unlabelled)
    assert under("Next action", unlabelled) == under("Open questions", unlabelled) == ""


def measured() -> dict[str, float]:
    """How often things are said in their place, and the share of what the work went on to need."""
    needed = sum(held.__wrapped__(seed)[0] for seed in range(24)) / 24
    return {"needed": needed, **rates(one for seed in range(96) for one in outcomes(dialogue(seed)))}


@pytest.mark.parametrize(
    "text",
    ["Yes, go ahead.", "ok", "Let's start", "let’s go!", "vas-y", "да", "はい", "继续", "네", "👍", "...", "quit"],
)
def test_a_reply_is_only_that(text: str) -> None:
    assert only_replies(text)
    assert not only_replies(f"{text} cart.py")


@pytest.mark.parametrize(
    "line",
    [
        *("Which one?", "¿Cuál?", "どちらですか？", "أيهما؟", 'Is it "done?"', "**Which one?**"),
        *("要不要刪，你說一聲。", "Which one? (a or b)", "どちらですか？（AかB）"),
    ],
)
def test_a_question_ends_in_a_mark_of_any_script_or_needs_none(line: str) -> None:
    assert is_question(line)
    assert not is_question(f"{line} This one.")
    assert is_question(f"`{line}`")
    assert not is_question(f"It has the type `{line}`")


@pytest.mark.parametrize("mark", ['"?"', "'?'", "“??”", "«?»"])
def test_a_mark_that_is_only_named_ends_no_question(mark: str) -> None:
    assert not is_question(f"Count every {mark}")
    assert not is_question("on_change?(value)")
    assert not is_question("INSERT INTO carts VALUES (?, ?)")
    assert is_question(f"Shall I count every {mark}?")
    assert sentences(f"Look for any {mark} signs in the chapter:") == [f"Look for any {mark} signs in the chapter:"]
    assert is_question('Did you say "which one?"')


@pytest.mark.parametrize(
    ("lines", "item", "numbered"),
    [
        (("- a", "• a"), True, False),
        (("1. a", "(2) a", "b) a", "  3: a"), True, True),
        (("-5 degrees", "2031 was a year", "a cart", "e.g. this", "3.5 is enough"), False, False),
    ],
)
def test_an_item_of_a_list_is_known_by_what_stands_before_it(
    lines: tuple[str, ...], item: bool, numbered: bool
) -> None:
    assert [(is_list_item(line), is_numbered(line)) for line in lines] == [(item, numbered)] * len(lines)


def test_a_line_of_blanks_costs_no_time() -> None:
    with costing_little():
        assert label_of(f"Next{' ' * 20_000}x") == ("", False)
        assert label_of(f"Next (soon){' ' * 20_000}: x")[0] == ""
        assert label_of("Next   (soon)  : x") == ("next", True)
