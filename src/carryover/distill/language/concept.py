"""A concept that every language expresses by a few words, searched in the language of a text's script.

Latin and Cyrillic entries are regular expressions between word borders; Japanese, Chinese and Korean ones match
anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property
from itertools import chain
from typing import Final

from carryover.distill.language.beginnings import beginnings_in, beginnings_of, endings_of


class Concept:
    """Something that sentences of any language express by a few words. Compiled at its first use."""

    def __init__(self, **languages: str) -> None:
        self._languages = languages

    def search(self, text: str, *, latest: int | None = None) -> re.Match[str] | None:
        """The first place where a sentence expresses the concept in the language of its script, or None; also None
        where that begins after the character numbered `latest`. Letters count as small ones; of what is too long for a
        sentence the beginning is searched."""
        text = text[:_LONGEST].lower()
        if text.isascii():
            found = self._latin.search(text, latest)
        elif script := next((words for script, words in self._of_script if script.search(text)), None):
            found = script.search(text)
            # A sentence in Latin letters may hold a name in others.
            if found is None and len(_LATIN.findall(text)) >= _MANY_WORDS:
                found = self._latin.search(text)
        else:
            found = self._latin.search(text.translate(_CURLY), latest)
        return found if found is None or latest is None or found.start() <= latest else None

    @cached_property
    def _latin(self) -> _Words:
        latin = (_entries(words) for name, words in self._languages.items() if name not in _BY_SCRIPT)
        return _Words(list(chain.from_iterable(latin)))

    @cached_property
    def _of_script(self) -> list[tuple[re.Pattern[str], _Words | re.Pattern[str]]]:
        """How a script shows, with the words of the language that is written in it."""
        found: list[tuple[re.Pattern[str], _Words | re.Pattern[str]]] = []
        for name, script in _BY_SCRIPT.items():
            entries = _entries(self._languages.get(name, r"(?!)"))
            found.append((script, _Words(entries) if name == "ru" else re.compile("|".join(entries))))
        return found


class _Words:
    """Expressions between borders of words. Most begin with a word of certain letters, so that few places of a text
    have to be tried; some with what is before such a word; the rest anywhere."""

    def __init__(self, entries: Sequence[str]) -> None:
        self._at_word: list[str] = []
        self._before_word: list[str] = []
        self._anywhere: list[str] = []
        at_word: set[str] = set()
        before_word: set[str] = set()
        for entry in entries:
            known = beginnings_of(entry)
            if known is None:
                self._anywhere.append(entry)
            elif known[1]:
                self._at_word.append(entry)
                at_word |= known[0]
            else:
                self._before_word.append(entry)
                before_word |= known[0]
        self._beginnings = frozenset(at_word)
        self._beginnings_after = frozenset(before_word)
        self._endings = [ending for entry in self._anywhere for ending in endings_of(entry)]

    def search(self, text: str, latest: int | None = None) -> re.Match[str] | None:
        """The first place where one of the expressions matches; one after `latest` need not be found."""
        words = beginnings_in(text)
        beginnings, found = self._beginnings, None
        for letters, place in words:
            if latest is not None and place > latest:
                break
            if letters in beginnings and (found := self._of_words.match(text, place)) is not None:
                break
        after = self._beginnings_after
        if after and any(letters in after for letters, _ in words):
            found = _first(found, self._of_what_is_before.search(text))
        endings = self._endings
        if endings and any(ending in text for ending in endings):
            found = _first(found, self._of_anything.search(text))
        return found

    @cached_property
    def _of_words(self) -> re.Pattern[str]:
        return re.compile(rf"(?:{_by_first_letter(self._at_word)})(?!\w)")

    @cached_property
    def _of_what_is_before(self) -> re.Pattern[str]:
        return re.compile(_between_borders(self._before_word))

    @cached_property
    def _of_anything(self) -> re.Pattern[str]:
        return re.compile(_between_borders(self._anywhere))


def _first(one: re.Match[str] | None, other: re.Match[str] | None) -> re.Match[str] | None:
    """The one that begins earlier."""
    return other if one is None or (other is not None and other.start() < one.start()) else one


_LONGEST: Final = 500
"""Characters of a sentence."""
_BY_SCRIPT: Final = {
    "ko": re.compile(r"[\uac00-\ud7af]"),
    "ja": re.compile(r"[\u3040-\u30ff]"),
    "zh": re.compile(r"[\u4e00-\u9fff]"),
    "ru": re.compile(r"[\u0400-\u04ff]"),
}
_LATIN: Final = re.compile(r"[a-z]{2,}")
_MANY_WORDS: Final = 3
_CURLY: Final = str.maketrans({"’": "'", "‘": "'"})
_MAY_BEGIN_WITH_MARK: Final = "(?:^|["
_TWO_LETTERS: Final = re.compile(r"[^\W\d_]{2}")


def _entries(words: str) -> list[str]:
    """`words` are expressions, one per line or apart by ` | `."""
    parts = (part.strip() for line in words.splitlines() for part in line.split(" | "))
    return [part for part in parts if part]


def _between_borders(entries: Sequence[str]) -> str:
    """A pattern for any of the entries between borders of words; one may begin with the mark that ends the clause
    before, right after a word."""
    marked = [entry for entry in entries if entry.startswith(_MAY_BEGIN_WITH_MARK)]
    pattern = rf"(?<!\w)(?:{_by_first_letter(entries)})(?!\w)"
    return rf"{pattern}|(?=[.,;:!—])(?:{'|'.join(marked)})(?!\w)" if marked else pattern


def _by_first_letter(entries: Sequence[str]) -> str:
    """A pattern for any of the entries. Those that begin with the same letter share it, as `re` tries one branch after
    the other at every word."""
    groups: dict[str, list[str]] = {}
    for entry in entries:
        begins_with_letters = _TWO_LETTERS.match(entry) and not _has_open_choice(entry)
        groups.setdefault(entry[0] if begins_with_letters else "", []).append(entry)
    others = groups.pop("", [])
    shared = [f"{letter}(?:{'|'.join(entry[1:] for entry in group)})" for letter, group in groups.items()]
    return "|".join([*shared, *others])


def _has_open_choice(entry: str) -> bool:
    """A `|` outside of all brackets."""
    depth = 0
    for before, char in zip(f" {entry}", entry, strict=False):
        depth += (before != "\\") * ((char == "(") - (char == ")"))
        if char == "|" and depth == 0:
            return True
    return False
