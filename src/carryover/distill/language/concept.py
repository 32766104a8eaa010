"""A concept that every language expresses by a few words, searched in the language of a text's script.

Latin and Cyrillic entries are regular expressions between word borders; Japanese, Chinese and Korean ones match
anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from itertools import chain
from typing import Final

from carryover.distill.language.beginnings import Searched, beginnings_of, endings_of, searched
from carryover.text import lazy_re as re


class Concept:
    """Something that sentences of any language express by a few words. Compiled at its first use."""

    def __init__(self, **languages: str) -> None:
        self._languages = languages

    def search(self, text: str, *, latest: int | None = None) -> re.Match[str] | None:
        """The first place where a sentence expresses the concept in the language of its script, or None; also None
        where that begins after the character numbered `latest`. Letters count as small ones; of what is too long for a
        sentence the beginning is searched."""
        sentence, script = _read(text[:_LONGEST])
        if not script:
            found = self._latin.search(sentence, latest)
        else:
            found = self._of_script[script].search(sentence)
            # A sentence in Latin letters may hold a name in others.
            if found is None and len(_LATIN.findall(sentence.text)) >= _MANY_WORDS:
                found = self._latin.search(sentence)
        return found if found is None or latest is None or found.start() <= latest else None

    @cached_property
    def _latin(self) -> _Words:
        latin = (_entries(words) for name, words in self._languages.items() if name not in _BY_SCRIPT)
        return _Words(list(chain.from_iterable(latin)))

    @cached_property
    def _of_script(self) -> dict[str, _Words | _Signs]:
        """The words of the languages that have a script of their own."""
        entries = {name: _entries(self._languages.get(name, r"(?!)")) for name in _BY_SCRIPT}
        return {name: _Words(words) if name == "ru" else _Signs(words) for name, words in entries.items()}


@lru_cache(maxsize=32)  # each concept that a rule asks for is searched in the same sentence
def _read(text: str) -> tuple[Searched, str]:
    """`text` to be searched, and the language whose script is in it; empty where all of it is Latin."""
    if not text.isascii():
        small = text.lower()
        for name, script in _BY_SCRIPT.items():
            if script.search(small):
                return searched(text), name
        text = text.lower().translate(_CURLY)
    return searched(text), ""


class _Signs:
    """Expressions of a language whose words no space parts."""

    def __init__(self, entries: Sequence[str]) -> None:
        self._pattern = re.compile("|".join(entries))

    def search(self, sentence: Searched) -> re.Match[str] | None:
        """The first place where one of the expressions matches."""
        return self._pattern.search(sentence.text)


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

    def search(self, sentence: Searched, latest: int | None = None) -> re.Match[str] | None:
        """The first place where one of the expressions matches; one after `latest` need not be found."""
        text, words, beginnings = sentence
        found = None
        if not beginnings.isdisjoint(self._beginnings):
            for letters, place in words if latest is None else [word for word in words if word[1] <= latest]:
                if letters in self._beginnings and (found := self._of_words.match(text, place)) is not None:
                    break
        if self._before_word and not beginnings.isdisjoint(self._beginnings_after):
            found = _first(found, self._of_what_is_before.search(text))
        if self._endings and any(ending in text for ending in self._endings):
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
