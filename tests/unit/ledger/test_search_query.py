from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.ledger.search_text import MOST_TERMS, Term, match_expression, phrase, spans, terms_of


@pytest.fixture(scope="module")
def index() -> Iterator[sqlite3.Connection]:
    db = sqlite3.connect(":memory:")
    db.execute("CREATE VIRTUAL TABLE s USING fts5(t, content='', tokenize='unicode61 remove_diacritics 2')")
    yield db
    db.close()


def test_words_phrases_and_prefixes_are_told_apart() -> None:
    assert terms_of('fix ab "not a function" ut* src/cart.py getUser') == (
        Term(words=("fix",), prefix=True),
        Term(words=("ab",), prefix=False),
        Term(words=("not", "a", "function"), prefix=False),
        Term(words=("ut",), prefix=True),
        Term(words=("src", "cart", "py"), prefix=False),
        Term(words=("getUser",), prefix=True, humps=("get", "User")),
    )


def test_each_term_counts_once_and_there_is_an_end_of_them() -> None:
    assert len(terms_of("same same")) == 1
    assert len(terms_of(" ".join(f"word{n}" for n in range(500)))) == MOST_TERMS


def test_only_quoted_words_reach_sqlite() -> None:
    typed = match_expression(terms_of('NEAR(a b) OR "x"* -col:y'))

    assert typed == '("NEAR a") AND ("b") AND ("OR") AND ("x") AND ("col y")'
    assert match_expression(terms_of("one two"), any_of=True) == '("one"*) OR ("two"*)'


@given(st.text(alphabet=st.characters() | st.sampled_from("\"*()-^:+{}'\\ \0aNOTnear")))
def test_nothing_that_is_typed_is_a_syntax_error(index: sqlite3.Connection, query: str) -> None:
    terms = terms_of(query)
    for any_of in (False, True) if terms else ():
        index.execute("SELECT rowid FROM s WHERE s MATCH ?", (match_expression(terms, any_of=any_of),)).fetchall()


@pytest.mark.parametrize("query", ["", " ", '"', "***", "?!", '""'])
def test_without_a_letter_or_digit_there_is_nothing_to_search(query: str) -> None:
    assert terms_of(query) == ()


def test_a_file_name_is_found_by_its_words() -> None:
    assert (phrase("cart-item.py"), phrase("---")) == ('"cart item py"', "")


@pytest.mark.parametrize(
    ("text", "query", "found"),
    [
        ("Wire the discount", "disc", ["disc"]),
        ("recount the discount", "count", ["count", "count"]),
        ("a count and an account", "count", ["count"]),
        ("see src/cart.py now", "cart.py", ["cart.py"]),
        ("call get_user_name", "UserName", ["user_name"]),
        ("call getUserName", "user", ["User"]),
        ("Die Größe zählt", "grosse", []),
        ("Die GRÖßE zählt", "größe", ["GRÖßE"]),
        ("価格は高い", "格は", ["格は"]),
        ("ab abc", "ab", ["ab"]),
    ],
)
def test_what_was_found_is_shown_in_its_place(text: str, query: str, found: list[str]) -> None:
    assert [text[start:end] for start, end in spans(text, terms_of(query))] == found
