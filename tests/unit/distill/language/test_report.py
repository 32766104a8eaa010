"""What an answer of an assistant says, as a whole."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carryover.distill.language.report import Report, read_report
from support.answers import AHEAD, BUILT, CAUSES, DOUBTS, FAILED, QUESTIONS, REQUESTS, texts


def announced(text: str) -> list[tuple[str, str]]:
    return [(quote.text, quote.rule) for quote in read_report(text).announced]


def asked(text: str) -> list[tuple[str, tuple[str, ...]]]:
    return [(one.text, one.options) for one in read_report(text).asked]


@pytest.mark.parametrize("sentence", BUILT.values(), ids=BUILT)
def test_an_outcome_alone_says_nothing_else(sentence: str) -> None:
    report = read_report(f"{sentence} {sentence}")

    assert (report.outcome, report.sentences) == (sentence, 2)
    assert (report.announced, report.asked, report.dead_ends, report.loose_ends) == ((), (), (), ())


def test_the_outcome_is_the_first_sentence_with_the_first_that_names_something() -> None:
    assert read_report("Done! It is hot. The fire is in `oven.py`.").outcome == (
        "Done! It is hot. The fire is in `oven.py`."
    )
    assert read_report("`oven.py` is hot. The fire is in `fire.py`.").outcome == "`oven.py` is hot."


def test_only_prose_counts_as_sentences() -> None:
    assert read_report("# Oven\n\nIt is hot. Good.\n- a first item\n```\ncode here\n```\n| a | b |").sentences == 1


def test_a_report_names_what_its_text_does_but_for_code() -> None:
    assert read_report("It is in `oven.py`.\n- and in `till.py`\n```\nimport bell_py\n```").names == (
        "oven.py",
        "till.py",
    )


def test_of_a_very_long_answer_beginning_and_end_are_read() -> None:
    answer = "The oven is built.\n" + "It is hot here.\n" * 2000 + "Next I will wire the till."
    report = read_report(answer)

    assert (report.outcome, texts(report.announced)) == ("The oven is built.", ["Next I will wire the till."])


def test_an_empty_answer_says_nothing() -> None:
    assert read_report("") == read_report("```\ncode\n```") == Report()


SENTENCES = st.sampled_from(
    [*AHEAD.values(), *QUESTIONS.values(), *REQUESTS.values(), *FAILED.values(), *CAUSES.values(), *DOUBTS.values()]
)
LINES = st.one_of(
    SENTENCES, st.text(max_size=80), st.sampled_from(["## Next steps", "```", "- ", "1. rye", "| a | b |"])
)


@settings(max_examples=100, deadline=None)
@given(st.lists(LINES, max_size=30))
def test_any_answer_is_read_into_a_few_short_lines(lines: list[str]) -> None:
    report = read_report("\n".join(lines))
    quotes = [*report.announced, *report.dead_ends, *report.findings, *report.loose_ends]

    assert len(report.announced) <= 3
    assert max(map(len, (report.asked, report.dead_ends, report.findings, report.loose_ends))) <= 4
    assert all(quote.text and quote.rule and len(quote.text) <= 300 for quote in quotes)
    assert all(one.text and one.rule and len(one.text) <= 300 and len(one.options) <= 6 for one in report.asked)
