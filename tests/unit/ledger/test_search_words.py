"""What is found beside the words as they were typed: their other forms, and the words that were meant."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import islice, product
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.ledger.search import Found, Query, search
from carryover.ledger.search_text import spans, terms_of, with_forms
from carryover.ledger.word_forms import forms_of
from support.scribe import Scribe


def find(db: sqlite3.Connection, query: str, project: int | None = None, limit: int = 20) -> Found:
    return search(db, Query(terms=terms_of(query), project_id=project), limit=limit, now_ms=0)


def texts(found: Found) -> list[str]:
    return [hit.text for hit in found.hits]


@pytest.mark.parametrize(
    ("typed", "recorded"),
    [
        ("deploying", "deploy"),
        ("deploys", "deployed"),
        ("caching", "cache"),
        ("cached", "caches"),
        ("tries", "trying"),
        ("planned", "plan"),
        ("plans", "planning"),
        ("parser", "parse"),
        ("managed", "management"),
        ("connected", "connection"),
        ("retries", "retry"),
    ],
)
def test_a_word_finds_its_other_forms(typed: str, recorded: str) -> None:
    assert recorded in forms_of(typed)


@pytest.mark.parametrize("word", ["getUser", "sha256", "ab", "größe", "the", ""])
def test_a_name_has_no_other_forms(word: str) -> None:
    assert forms_of(word) == ()


@given(st.text(alphabet="abcdeginrsty", min_size=4, max_size=12))
def test_no_word_is_its_own_other_form(word: str) -> None:
    assert word not in forms_of(word)


@pytest.mark.parametrize(
    ("typed", "recorded"),
    [
        ("отчет", "Где отчёты?"),
        ("отчёт", "Открой отчет"),
        ("переведённый", "Он переведен"),
    ],
)
async def test_a_word_is_found_in_its_other_spelling(scribe: Scribe, typed: str, recorded: str) -> None:
    await scribe.tell(scribe.event(recorded), scribe.event("другое"))
    found = find(scribe.db, typed)

    assert texts(found) == [recorded]
    assert spans(recorded, found.terms) != []


async def test_the_word_itself_comes_before_its_other_forms(scribe: Scribe) -> None:
    await scribe.tell(
        *(scribe.event(text) for text in ("they planned it", "planning was hard", "we are still planning"))
    )

    assert texts(find(scribe.db, "planning"))[-1] == "they planned it"
    assert len(find(scribe.db, "planning").hits) == 3
    assert len(find(scribe.db, "planning", limit=2).hits) == 2
    assert texts(find(scribe.db, '"they planning"')) == []


async def test_other_forms_are_lit_where_they_are_found(scribe: Scribe) -> None:
    text = "a plan that was planned"
    lit = [text[start:end] for start, end in spans(text, with_forms(terms_of("planning")))]

    assert lit == ["plan", "planned"]
    assert spans("airplane", with_forms(terms_of("planned"))) == []


async def test_a_word_beyond_ascii_is_found_in_other_forms_after_the_typed_one(scribe: Scribe) -> None:
    await scribe.tell("размер изображений", "два изображения", "изобретение")

    assert texts(find(scribe.db, "изображения")) == ["два изображения", "размер изображений"]


async def test_a_word_that_nothing_has_is_taken_for_the_nearest(scribe: Scribe) -> None:
    await scribe.tell(scribe.event("make it serverless"), scribe.event("serverless costs"), scribe.event("a servlet"))

    found = find(scribe.db, "srverless")
    assert found.corrected == (("srverless", ("serverless",)),)
    assert sorted(texts(found)) == ["make it serverless", "serverless costs"]
    assert find(scribe.db, "srverless costs").corrected == (("srverless", ("serverless",)),)
    assert texts(find(scribe.db, "esrverless costs")) == ["serverless costs", "make it serverless"]


async def test_what_is_found_as_typed_is_not_corrected(scribe: Scribe) -> None:
    await scribe.tell(
        scribe.event("serverles, as he wrote"), scribe.event("serverless"), scribe.event("serverless costs")
    )

    assert find(scribe.db, "serverles costs").corrected == ()
    assert find(scribe.db, "serverless").corrected == ()
    for typed in ('"srverless costs"', '"srverless"', "srverless/costs"):
        assert find(scribe.db, typed).corrected == (), typed


async def test_of_equally_near_words_all_are_searched_and_those_that_are_further_away_are_not(scribe: Scribe) -> None:
    said = ("we decided on it", "as desired", "a desired state", "besides", "a design")
    await scribe.tell(*(scribe.event(text) for text in said))

    found = find(scribe.db, "desided")

    assert found.corrected == (("desided", ("desired", "decided")),)  # the one that is said more often comes first
    assert sorted(texts(found)) == ["a desired state", "as desired", "we decided on it"]
    assert [said[0][start:end] for start, end in spans(said[0], found.terms)] == ["decided"]


@pytest.mark.parametrize("typed", ["erverless", "xerverless", "xerberless", "ervreless", "0erverless"])
async def test_a_word_is_found_without_its_first_letters_or_with_another_one(typed: str, scribe: Scribe) -> None:
    await scribe.tell(scribe.event("make it serverless"), scribe.event("a rivet"), scribe.event("everyone"))

    assert find(scribe.db, typed).corrected == ((typed, ("serverless",)),)


async def test_a_short_word_has_at_most_one_typo(scribe: Scribe) -> None:
    await scribe.tell("restart it in 2025, and save some")

    for typed in ("start", "sone", "stavr", "2026"):
        assert find(scribe.db, typed).corrected == ((("sone", ("some",)),) if typed == "sone" else ()), typed


async def test_a_short_word_is_not_taken_for_every_word_near_it(scribe: Scribe) -> None:
    await scribe.tell(*(scribe.event(f"{first}est") for first in "bfhjlnprtvwyz"))

    ((typed, meant),) = find(scribe.db, "qest").corrected

    assert (typed, len(meant)) == ("qest", 6)


async def test_a_correction_names_no_word_of_another_project(scribe: Scribe) -> None:
    await scribe.tell(
        scribe.event("kubernetes it is", cwd="/other", session="theirs"),
        scribe.event("a plain server", cwd="/repo", session="own"),
    )
    (own,) = scribe.db.execute("SELECT id FROM project WHERE root = '/repo'").fetchone()

    assert find(scribe.db, "kubernetis").corrected == (("kubernetis", ("kubernetes",)),)
    assert find(scribe.db, "kubernetis", project=own) == Found(
        hits=(), whole=0, indexed=1.0, terms=with_forms(terms_of("kubernetis"))
    )


@pytest.mark.parametrize("beginning", ["dis", "ais"])
async def test_of_however_many_words_that_begin_alike_a_bounded_number_is_compared(
    scribe: Scribe, monkeypatch: pytest.MonkeyPatch, beginning: str
) -> None:
    """Whatever another project brought, a query takes no minutes, and begins with those that begin as was typed."""
    alike = [f"{beginning}{''.join(letters)}" for letters in islice(product("acegikmo", repeat=5), 30_000)]
    await scribe.tell(*(scribe.event(" ".join(some), cwd="/other", session="theirs") for some in batched(alike)))
    await scribe.tell(scribe.event("a discount", cwd="/repo", session="own"))
    compared = Mock(wraps=SequenceMatcher.set_seq1)
    monkeypatch.setattr(SequenceMatcher, "set_seq1", lambda self, word: compared(self, word))

    assert find(scribe.db, "discuont").corrected == (("discuont", ("discount",)),)
    assert compared.call_count < 25_000


def batched(words: list[str]) -> Iterator[list[str]]:
    """The words in texts that are short enough to be searched whole."""
    return (words[at : at + 5_000] for at in range(0, len(words), 5_000))


async def test_the_ledger_is_still_read_only_after_a_correction(scribe: Scribe) -> None:
    await scribe.tell(scribe.event("make it serverless"))

    assert find(scribe.db, "srverless").corrected
    with pytest.raises(sqlite3.OperationalError):
        scribe.db.execute("DELETE FROM event")
