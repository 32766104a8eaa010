"""Tokens are searched for by their hints in the long words of a text alone: no form may match anything else."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable
from itertools import product
from re import _parser as regex_parser  # type: ignore[attr-defined]
from typing import Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carryover.redact import redact, tokens
from carryover.redact.issued import ISSUED, long_words, possibly_issued
from support.secret_kinds import ISSUED as KNOWN_FORMS
from support.secret_kinds import secrets

LETTERS: Final = string.ascii_letters + string.digits
CATEGORIES: Final = {"CATEGORY_WORD": LETTERS + "_", "CATEGORY_DIGIT": string.digits}
RULES: Final = [(rule.hint, rule.pattern) for rule in tokens._RULES]
FORMS: Final = [*RULES, *((form.hint, form.pattern) for form in ISSUED)]
IN_WORDS: Final = [("Q~", tokens._AZURE_SECRET), (".atlasv1.", tokens._TERRAFORM), ("", tokens._DISCORD_BOT)]


def joined(text: str) -> str:
    return b" ".join(long_words(text)).decode()


def shortest_matches(parsed: Iterable[tuple[object, Any]]) -> list[str]:
    """What the parts of a pattern match at least, one text for each way through it."""
    parts = [_shortest_of(str(code), detail) for code, detail in parsed]
    return ["".join(way) for way in product(*parts)]


def _shortest_of(code: str, detail: Any) -> list[str]:
    match code:
        case "ASSERT" | "ASSERT_NOT" | "AT":
            return [""]
        case "LITERAL":
            return [chr(detail)]
        case "IN":
            return sorted(characters(detail))[:1]
        case "SUBPATTERN":
            return shortest_matches(detail[3])
        case "BRANCH":
            return [text for way in detail[1] for text in shortest_matches(way)]
        case "MAX_REPEAT" | "POSSESSIVE_REPEAT":
            # More of it is made of the same characters, which `sets_in` gives.
            return [text * detail[0] for text in shortest_matches(detail[2])]
        case _:
            pytest.fail(f"{code} is used in a pattern, and this test cannot tell what it matches")


def sets_in(parsed: Iterable[tuple[object, Any]]) -> set[str]:
    """Every character that any part of a pattern can match; letters outside ASCII aside."""
    found: set[str] = set()
    for code, detail in parsed:
        match str(code):
            case "LITERAL":
                found.add(chr(detail))
            case "IN":
                found |= characters(detail)
            case "SUBPATTERN":
                found |= sets_in(detail[3])
            case "BRANCH":
                found = found.union(*map(sets_in, detail[1]))
            case "MAX_REPEAT" | "POSSESSIVE_REPEAT":
                found |= sets_in(detail[2])
    return found


def characters(members: Iterable[tuple[object, Any]]) -> set[str]:
    found: set[str] = set()
    for code, detail in members:
        match str(code):
            case "LITERAL":
                found.add(chr(detail))
            case "RANGE":
                found.update(map(chr, range(detail[0], detail[1] + 1)))
            case _:
                found.update(CATEGORIES[str(detail)])
    return found


@pytest.mark.parametrize(("hint", "pattern"), [*FORMS, *IN_WORDS], ids=lambda value: getattr(value, "pattern", value))
def test_whatever_a_form_matches_is_part_of_a_long_word_with_its_hint(hint: str, pattern: re.Pattern[str]) -> None:
    parsed = regex_parser.parse(pattern.pattern)

    shortest = shortest_matches(parsed)

    assert shortest
    assert [text for text in shortest if long_words(f" {text} ") != [text.encode()] or hint not in text] == []
    assert [sign for sign in sets_in(parsed) if not long_words(sign * 15)] == []


@pytest.mark.parametrize("before", ["", " ", "/", "a/", "=", "%20_", "é", "\\n", "\\t", "key=\\r"])
def test_a_form_is_found_wherever_its_prefix_begins_a_word(before: str) -> None:
    for form in ISSUED:
        for example in shortest_matches(regex_parser.parse(form.pattern.pattern)):
            words = joined(before + example)
            assert form in possibly_issued(words), (words, form.hint)


def test_hints_are_not_searched_for_in_a_text_without_them() -> None:
    assert list(possibly_issued(joined("src/carryover/handoff/sections.py and tests/unit/some_path_name"))) == []


@pytest.mark.parametrize(("hint", "pattern"), [*RULES, *IN_WORDS], ids=lambda value: getattr(value, "pattern", value))
def test_words_with_what_a_rule_matches_are_suspicious(hint: str, pattern: re.Pattern[str]) -> None:
    for example in shortest_matches(regex_parser.parse(pattern.pattern)):
        assert tokens._SUSPICIOUS.search(joined(f" {example} ")), hint


@pytest.mark.parametrize(
    "start", ["ghp_", "gho_", "ghu_", "ghs_", "ghr_", "glpat-", "glptt-", "gldt-", "glrt-", "glcbt-"]
)
def test_each_start_of_a_rule_is_suspicious(start: str) -> None:
    assert tokens._SUSPICIOUS.search(joined(start + "a1B2c3D4e5" * 4))


@pytest.mark.parametrize(
    "secret",
    [
        f":{'Ab3dEfgHij' * 3}abcde",  # Telegram
        f":{'0123456789abcdef' * 2}",  # Asana
        f"[redacted:aws] {'Ab3d/fgH+j' * 4}",
        f"{'0123456789abcdef' * 2}-us1",  # Mailchimp
        f"{'0123456789abcdef' * 2}-us\u0661",
        f"{'Ab3dEfgHij' * 7}Ab3dEfAZDOAb3d",
    ],
)
@pytest.mark.parametrize("after", ["", " ", "\u00e9", "\n", ":"])
def test_so_are_words_of_which_the_form_alone_says_nothing(secret: str, after: str) -> None:
    assert tokens._SUSPICIOUS.search(joined(f"1{secret}{after}"))


def test_words_of_code_and_paths_are_not_suspicious() -> None:
    text = "ALERT_DESCRIPTION_BAD_CERTIFICATE_STATUS tests/path/to/filters.py right_highlight_english SKIPPED_IAM_ROLES"

    assert len(long_words(text)) == 4
    assert not tokens._can_hold_a_token(long_words(text))


@settings(deadline=None)
@given(st.text(st.sampled_from('aZ09_.+/=$~@%- \n:"é\ud800\U0001f600'), max_size=80))
def test_long_words_are_the_runs_of_fifteen_and_more(text: str) -> None:
    runs = re.findall(r"[A-Za-z0-9_.+/=$~@%-]{15,}", text)

    assert long_words(text) == list(dict.fromkeys(run.encode() for run in runs))


def test_long_data_hides_no_token_beside_it() -> None:
    for text, _ in secrets(KNOWN_FORMS, seed=3).values():
        alone = redact(text)[1]
        assert redact(f"{'Zm9vYmFy' * 700} {text}")[1] == alone, text


def test_a_text_that_comes_again_is_redacted_again() -> None:
    secret = "ghp_" + "a1B2c3D4e5" * 4

    assert [redact(text) for text in ("src/app.py", secret, "src/app.py", secret)] == [
        ("src/app.py", {}),
        ("[redacted:github]", {"github": 1}),
        ("src/app.py", {}),
        ("[redacted:github]", {"github": 1}),
    ]
