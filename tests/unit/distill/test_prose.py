from __future__ import annotations

import pytest

from carryover.distill.language.prose import first_sentence, sentences, word_count


def test_sentences_leave_markdown_code_and_tables_behind() -> None:
    text = (
        "## Done\n\nI fixed **it**, e.g. the cap. See [the doc](https://x.test).\n```py\nx = 1? 2\n```\n"
        "| a | b |\n|---|---|\n- first\n- [x] second one"
    )

    assert sentences(text) == ["Done", "I fixed it, e.g. the cap.", "See the doc.", "first", "second one"]


def test_a_one_word_opening_is_joined_to_what_follows() -> None:
    assert first_sentence("Done! The cart works now. More.") == "Done! The cart works now."


def test_scripts_without_spaces_are_counted_by_sign() -> None:
    assert word_count("add 割引関数を追加") == 1 + 4


@pytest.mark.parametrize(
    "line",
    ["Add a section (напр. частые сбои, шум)?", "Add it (see approxx. the usual cases)?", "Добавить, напр. меню?"],
)
def test_an_abbreviation_ends_no_sentence(line: str) -> None:
    assert sentences(line) == [line]


def test_a_bracket_that_is_not_closed_joins_nothing() -> None:
    assert sentences("It was sad :( today. then it rained.") == ["It was sad :( today.", "then it rained."]
