from __future__ import annotations

import pytest

from carryover.distill.language.prose import (
    first_sentence,
    flat,
    one_line,
    sentences,
    word_count,
)


def test_sentences_leave_markdown_code_and_tables_behind() -> None:
    text = (
        "## Done\n\nI fixed **it**, e.g. the cap. See [the doc](https://x.test).\n```py\nx = 1? 2\n```\n"
        "| a | b |\n|---|---|\n- first\n- [x] second one"
    )

    assert sentences(text) == ["Done", "I fixed it, e.g. the cap.", "See the doc.", "first", "second one"]


@pytest.mark.parametrize(
    ("text", "parted"),
    [
        ("酵母が古い。新しいものを買う。", ["酵母が古い。", "新しいものを買う。"]),
        ("面团太干！再加水？好。", ["面团太干！", "再加水？", "好。"]),
        ("반죽이 말랐어요. 물을 더 넣을게요.", ["반죽이 말랐어요.", "물을 더 넣을게요."]),
        ("Тесто сухое. Добавим воды.", ["Тесто сухое.", "Добавим воды."]),
        ('He said "enough." Then he left.', ['He said "enough."', "Then he left."]),
        ("It rose (at last.) Then it fell.", ["It rose (at last.)", "Then it fell."]),
        ("彼は「もういい。」と言った。帰った。", ["彼は「もういい。」と言った。", "帰った。"]),
    ],
    ids=["ja", "zh", "ko", "ru", "quoted", "in brackets", "quoted in ja"],
)
def test_sentences_end_as_their_script_ends_them(text: str, parted: list[str]) -> None:
    assert sentences(text) == parted


@pytest.mark.parametrize(
    "line",
    [
        "Add a section (напр. частые сбои, шум)?",
        "Add it (see approxx. the usual cases)?",
        "Добавить, напр. меню?",
        "Powlson et al. (2014) argue so.",
        "Das zeigt z. B. Abb. 3 gut.",
        "Ver pág. 12 de la guía.",
    ],
)
def test_an_abbreviation_ends_no_sentence(line: str) -> None:
    assert sentences(line) == [line]


def test_a_bracket_that_is_not_closed_joins_nothing() -> None:
    assert sentences("It was sad :( today. then it rained.") == ["It was sad :( today.", "then it rained."]


def test_a_one_word_opening_is_joined_to_what_follows() -> None:
    assert first_sentence("Done! The cart works now. More.") == "Done! The cart works now."
    assert first_sentence("The cart works now. More.") == "The cart works now."
    assert first_sentence("```\nonly code\n```") == ""


def test_one_line_changes_nothing_but_white_space() -> None:
    assert one_line(" - **a**\n\t b\u3000c ") == "- **a** b c"


def test_list_items_stay_apart_on_one_line_and_plain_lines_are_joined() -> None:
    assert (
        flat("Bake it:\n- rye\n- spelt\n1. wheat\nand cool\nit down") == "Bake it: rye; spelt; wheat and cool it down"
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("bake three loaves", 3),
        ("испеки три хлеба", 3),
        ("烤面包", 3 / 2),
        ("パンを", 3 / 3),
        ("add 割引関数を追加", 1 + 6 / 2 + 1 / 3),
        ("빵을 구워", 2 + 2 / 3),
    ],
)
def test_words_are_counted_as_an_english_reader_would_in_any_script(text: str, words: float) -> None:
    assert word_count(text) == pytest.approx(words)
