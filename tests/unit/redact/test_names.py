"""Which names a text holds is found by parts that several of them have."""

from __future__ import annotations

import pytest

from carryover.redact import named
from carryover.redact.names import NAMES, lowered, names_in


@pytest.mark.parametrize("name", sorted(NAMES))
def test_each_name_is_found_anywhere(name: str) -> None:
    assert names_in(f"x{name}") == {name}
    assert names_in(f"{name}y and more") == {name}


def test_all_names_of_a_text_are_found() -> None:
    assert names_in(" ".join(NAMES)) == NAMES
    assert names_in("packed wide paper, kind credit, both author names: kept") == {"auth"}


def test_each_word_that_names_a_secret_holds_one_of_them() -> None:
    assert all(any(name in word for name in NAMES) for word in named._WORDS)


def test_a_text_in_lower_case_is_as_long() -> None:
    assert lowered("İ API_KEY") == "İ api_key"
    assert lowered("API_KEY É") == "api_key é"
