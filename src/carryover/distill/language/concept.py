"""A concept that every language expresses by a few words of its own, searched in the language of a text's script.

Latin and Cyrillic entries are regular expressions between word borders; Japanese, Chinese and Korean ones match
anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property
from typing import Final


class Concept:
    """Something that sentences of any language express by a few words. Compiled at its first use."""

    def __init__(self, **languages: str) -> None:
        self._languages = languages

    def search(self, text: str) -> re.Match[str] | None:
        """The first place where `text` expresses the concept in the language of its script, or None."""
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
        words = "|".join(_alternatives(words) for name, words in self._languages.items() if name not in _BY_SCRIPT)
        return re.compile(_between_borders(words), re.I)

    @cached_property
    def _of_script(self) -> list[tuple[re.Pattern[str], re.Pattern[str]]]:
        """How a script shows, with the words of the language that is written in it."""
        found = []
        for name, script in _BY_SCRIPT.items():
            words = _alternatives(self._languages.get(name, r"(?!)"))
            found.append((script, re.compile(_between_borders(words) if name == "ru" else words, re.I)))
        return found


_BY_SCRIPT: Final = {
    "ko": re.compile(r"[\uac00-\ud7af]"),
    "ja": re.compile(r"[\u3040-\u30ff]"),
    "zh": re.compile(r"[\u4e00-\u9fff]"),
    "ru": re.compile(r"[\u0400-\u04ff]"),
}
_LATIN: Final = re.compile(r"[A-Za-z]{2,}")
_MANY_WORDS: Final = 3
_CURLY: Final = str.maketrans({"’": "'", "‘": "'"})


def _between_borders(words: str) -> str:
    # An expression may begin with the mark that ends the clause before, right after a word.
    return rf"(?:(?<!\w)|(?=[.,;:!—]))(?:{words})(?!\w)"


def _alternatives(words: str) -> str:
    """`words` are expressions, one per line or apart by ` | `."""
    entries: Iterable[str] = (part.strip() for line in words.splitlines() for part in line.split(" | "))
    return "|".join(entry for entry in entries if entry)
