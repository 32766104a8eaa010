"""What a model's answer says that its source does not is marked; what it takes from there is not."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.export.document import tokens_in
from carryover.export.shorten import PART_TOKENS, answered, checked, splits

SOURCE = """\
## Task

- First prompt (turn 1): Add a discount to the cart, at most 1,200 cents; see `src/cart.py` and DiscountRule.
- Claude Code answered: The importer divides by 100, e.g. in convert_prices(). 3 tests fail, see https://example.org/a?b=1.
- „Nie runden“, sagte Ines, and "never floats".
"""


@pytest.mark.parametrize(
    ("sentence", "foreign"),
    [
        ("Add a discount of at most 1200 cents.", ""),
        ("The task: a discount in src/cart.py (DiscountRule).", ""),
        ("1. Claude Code: `convert_prices()` divides by 100.", ""),
        ("Three tests fail.", ""),
        ('Ines says "Nie runden" and "never floats."', ""),
        ("However, the importer, i.e. cart.py, divides and/or fails.", ""),
        ("See https://example.org/a?b=1.", ""),
        ("It is in src/cart.", ""),
        ("Add a discount of at most 12 cents.", "12"),
        ("It costs 1.200 cents.", "1.200"),
        ("Four tests fail.", "Four"),
        ("It is in art.py.", "art.py"),
        ("It is in src/cart.pyc.", "src/cart.pyc"),
        ("It is in lib/cart.py.", "lib/cart.py"),
        ("See https://example.org/b.", "https://example.org/b"),
        ("The rule is DiscountRules.", "DiscountRules"),
        ("They call convert_price().", "convert_price"),
        ("Postgres keeps them.", "Postgres"),
        ("We keep them in Postgres.", "Postgres"),
        ("Ines says 'always floats'.", "always floats"),
        ("Ines says «immer».", "immer"),
        ("Call `rm -rf /`.", "rm -rf /"),
        ("Use sha256.", "sha256"),
    ],
)
def test_what_the_source_does_not_have_is_marked(sentence: str, foreign: str) -> None:
    text, marked = checked(f"- [x] The importer divides. {sentence} The tests fail.\n# Task", SOURCE)

    mark = f" **[not in the source: {foreign}]**" if foreign else ""
    assert text == f"- [x] The importer divides. {sentence}{mark} The tests fail.\n# Task"
    assert marked == bool(foreign)


def test_a_mark_holds_no_markup_and_no_line() -> None:
    text, _ = checked(f"It says `{'x' * 90}<!-- 4711` and 1, 2, 3, 4, 5, 6.", "nothing")

    assert re.search(r"\*\*\[not in the source: x{60}, .*\]\*\*$", text)
    assert "\n" not in text


@given(st.integers(0, 10**9))
def test_no_number_gets_in(number: int) -> None:
    known = {"1", "100", "3", "1200"}

    assert bool(checked(f"The importer divides by {number}.", SOURCE)[1]) == (str(number) not in known)


@given(st.text(max_size=300) | st.text(' .!?a"`\n4', max_size=60))
def test_no_text_is_lost_by_the_check(text: str) -> None:
    found, _ = checked(text.replace("[", "("), SOURCE)
    plain = re.sub(r" \*\*\[not in the source: .*?\]\*\*", "", found)

    assert "".join(plain.split()) == "".join(text.replace("[", "(").split())


@given(st.lists(st.text("ab \n`#", max_size=400), max_size=30))
def test_parts_are_all_of_the_document_in_order(texts: list[str]) -> None:
    body = "\n\n".join(texts)
    parts = splits(body)

    assert "".join("".join(parts).split()) == "".join(body.split())
    assert all(part.strip() for part in parts)


def test_a_long_document_is_split_between_blocks_into_parts_that_a_model_can_hold() -> None:
    block = "word " * 100
    parts = splits("\n\n".join(f"## Section {number}\n\n{block}" for number in range(100)))

    assert len(parts) > 2
    assert all(tokens_in(part) <= PART_TOKENS for part in parts)
    assert all(part.strip().startswith("## ") or part.strip().startswith("word") for part in parts)
    assert [*map(int, re.findall(r"Section (\d+)", "".join(parts)))] == [*range(100)]


@pytest.mark.parametrize("unit", ["`", '"', "a", "a-", "a.", "a/", ". ", "<think>", " \n", "“"])
def test_no_answer_takes_long_to_check(unit: str) -> None:
    """Some of them took up to 40 s with patterns that tried each beginning."""
    begun = time.process_time()

    answered("word " * 20_000, unit * (32_768 // len(unit)))

    assert time.process_time() - begun < 4
