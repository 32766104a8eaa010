"""Turns what a person types to search into an SQLite full-text expression. Pure.

Only words get into the expression, each quoted, so nothing that is typed acts as SQLite syntax.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

import msgspec

from carryover.ledger.searchable import humps, words

SHORTEST_PREFIX: Final = 3
"""Words of at least this length also match longer words that begin with them; shorter ones need a `*`."""
MOST_TERMS: Final = 32
_BEFORE_SHARE: Final = 5
"""A fifth of a window comes before the match."""
_MOST_MATCHES: Final = 200
"""Maximum number of matches in one text that are compared."""

_TERM: Final = re.compile(r'"([^"]*)"?|([^\s"]+)')


class Term(msgspec.Struct, frozen=True):
    """Words to be found side by side: one word, the parts of a path or name, or a quoted phrase."""

    words: tuple[str, ...]
    prefix: bool
    """Whether the last word may be the beginning of a longer one."""
    humps: tuple[str, ...] = ()
    """The parts of a name in camel case, which may occur in another name too."""


def terms_of(query: str) -> tuple[Term, ...]:
    """Returns the terms of a query, without duplicates, at most `MOST_TERMS`; none if it has no letter or digit."""
    found = dict.fromkeys(filter(None, (_term(match) for match in _TERM.finditer(query))))
    return tuple(found)[:MOST_TERMS]


def match_expression(terms: Sequence[Term], *, any_of: bool = False) -> str:
    """Returns the expression that finds texts with all of `terms` (at least one), or with `any_of` them."""
    return (" OR " if any_of else " AND ").join(f"({_alternatives(term)})" for term in terms)


def phrase(text: str) -> str:
    """Returns the expression that finds the words of `text` side by side; empty if it has none."""
    found = words(text)
    return f'"{" ".join(found)}"' if found else ""


def spans(text: str, terms: Sequence[Term]) -> list[tuple[int, int]]:
    """Returns the places where `terms` are found in `text`: start and end, in order and without overlaps."""
    folded = _folded(text)
    patterns = [_pattern(term, at_start=True) for term in terms]
    found = [match.span() for pattern in patterns for match in pattern.finditer(folded)]
    if not found:  # the parts of a name in camel case begin within a word
        found = [match.span() for term in terms for match in _pattern(term, at_start=False).finditer(folded)]
    apart: list[tuple[int, int]] = []
    for start, end in sorted(found):
        if not apart or start >= apart[-1][1]:
            apart.append((start, end))
    return apart


def window(line: str, terms: Sequence[Term], chars: int) -> tuple[int, int, list[tuple[int, int]]]:
    """Returns start and end of the part of `line` that has most of the terms, and the places of all terms."""
    found = spans(line, terms)
    start = max(_densest(line, found, chars) - chars // _BEFORE_SHARE, 0) if len(line) > chars else 0
    start = max(min(start, len(line) - chars), 0)
    return start, start + chars, found


def _densest(line: str, found: list[tuple[int, int]], chars: int) -> int:
    """Returns the start of the match with most different matches in the window that begins there."""
    room = chars - chars // _BEFORE_SHARE
    different = [
        len({line[start:end].lower() for start, end in found[at : at + _MOST_MATCHES] if end <= begin + room})
        for at, (begin, _) in enumerate(found[:_MOST_MATCHES])
    ]
    return found[different.index(max(different))][0] if found else 0


def _pattern(term: Term, *, at_start: bool) -> re.Pattern[str]:
    start, end = r"(?<![^\W_])" if at_start else "", "" if term.prefix or not at_start else r"(?![^\W_])"
    alternatives = [
        r"[\W_]*".join(re.escape(_folded(word)) for word in each) for each in (term.words, term.humps) if each
    ]
    return re.compile(f"{start}(?:{'|'.join(alternatives)}){end}")


def _folded(text: str) -> str:
    """Returns `text` in lower case and without diacritics, each character in its place."""
    if text.isascii():
        return text.lower()
    return "".join(unicodedata.normalize("NFD", char)[0].lower()[:1] or char for char in text)


def _term(match: re.Match[str]) -> Term | None:
    quoted, plain = match[1], match[2]
    text = plain if quoted is None else quoted
    found = words(text)
    if not found:
        return None
    is_prefix = quoted is None and (text.endswith("*") or len(found[-1]) >= SHORTEST_PREFIX)
    parts = humps(found[0]) if quoted is None and len(found) == 1 else []
    return Term(words=tuple(found), prefix=is_prefix, humps=tuple(parts))


def _alternatives(term: Term) -> str:
    star = "*" if term.prefix else ""
    return " OR ".join(f'"{" ".join(each)}"{star}' for each in (term.words, term.humps) if each)
