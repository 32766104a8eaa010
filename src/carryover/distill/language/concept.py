"""A concept that every language expresses by a few words, searched in the language of a text's script.

Latin and Cyrillic entries are regular expressions between word borders; Japanese, Chinese and Korean ones match
anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import chain
from typing import Final

from carryover.text import lazy_re as re


class Concept:
    """Something that sentences of any language express by a few words. Compiled at its first use."""

    def __init__(self, **languages: str) -> None:
        self._languages = languages

    def search(self, text: str) -> re.Match[str] | None:
        """The first place where a sentence expresses the concept in the language of its script, or None. Letters count
        as small ones; of what is too long for a sentence the beginning is searched."""
        text = text[:_LONGEST].lower()
        if text.isascii():
            return self._latin.search(text)
        for script, pattern in self._of_script:
            if script.search(text):
                found = pattern.search(text)
                # A sentence in Latin letters may hold a name in others.
                return found or (self._latin.search(text) if len(_LATIN.findall(text)) >= _MANY_WORDS else None)
        return self._latin.search(text.translate(_CURLY))

    @cached_property
    def _latin(self) -> re.Pattern[str]:
        latin = (_entries(words) for name, words in self._languages.items() if name not in _BY_SCRIPT)
        return re.compile(_between_borders(list(chain.from_iterable(latin))))

    @cached_property
    def _of_script(self) -> list[tuple[re.Pattern[str], re.Pattern[str]]]:
        """How a script shows, with the words of the language that is written in it."""
        found = []
        for name, script in _BY_SCRIPT.items():
            entries = _entries(self._languages.get(name, r"(?!)"))
            found.append((script, re.compile(_between_borders(entries) if name == "ru" else "|".join(entries))))
        return found


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
