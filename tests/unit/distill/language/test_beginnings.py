from __future__ import annotations

import pytest

from carryover.distill.language.beginnings import beginnings_of, endings_of, searched


@pytest.mark.parametrize(
    ("expression", "beginnings"),
    [
        pytest.param("oven", {"ove"}, id="a word"),
        pytest.param("no", {"no"}, id="a short word is a whole one"),
        pytest.param("no sugar", {"no"}, id="up to the space"),
        pytest.param("i'm", {"i"}, id="up to the apostrophe"),
        pytest.param("cakes?", {"cak"}, id="what may be left out later does not matter"),
        pytest.param("eggs?", {"egg"}, id="nor in the next letter"),
        pytest.param("pi?es?", {"pie", "pe", "pes"}, id="it does within the first letters"),
        pytest.param("(?:re)?heat", {"reh", "hea"}, id="a beginning that may be left out"),
        pytest.param("(?:a|the|some) cake", {"a", "the", "som"}, id="a choice"),
        pytest.param("tin|tray", {"tin", "tra"}, id="a choice without brackets"),
        pytest.param("b[ua]n", {"bun", "ban"}, id="one of some letters"),
        pytest.param(r"(?<!\bhalf )baked(?! beans)", {"bak"}, id="what must not be around it"),
        pytest.param(r"^bake\w*", {"bak"}, id="at the beginning of the text"),
        pytest.param("печь", {"печ"}, id="Cyrillic"),
    ],
)
def test_the_first_letters_of_a_match_are_known(expression: str, beginnings: set[str]) -> None:
    assert beginnings_of(expression) == (frozenset(beginnings), True)


@pytest.mark.parametrize(
    ("expression", "beginnings"),
    [
        pytest.param("(?:^|[.,;:!] ?)no cake", {"no"}, id="a mark"),
        pytest.param(r"^\W*choose", {"cho"}, id="any marks"),
        pytest.param("(?:[,;] ?|but )never", {"nev", "but"}, id="a mark or a word"),
    ],
)
def test_a_mark_may_come_before_the_first_word(expression: str, beginnings: set[str]) -> None:
    assert beginnings_of(expression) == (frozenset(beginnings), False)


@pytest.mark.parametrize("expression", [r"\w{3,}rai", r"no\w*", "[^a]b", "o+ven", r"\d eggs", "[a-f]lour", ".oven", ""])
def test_an_expression_that_may_begin_with_any_word_is_not_known(expression: str) -> None:
    assert beginnings_of(expression) is None


def test_an_ending_is_known_where_only_that_counts() -> None:
    assert endings_of(r"\w{3,}(?:erò|irò)") == ("erò", "irò")
    assert endings_of(r"\w{3,}(?:er[òo]|irò)") == ("",)
    assert endings_of("oven") == ("",)


def test_words_are_known_by_their_first_letters_and_place() -> None:
    assert searched("I'd BAKE it").words == [("i", 0), ("d", 2), ("bak", 4), ("it", 9)]
