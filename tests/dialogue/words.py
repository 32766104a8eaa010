"""Invented words, written in the script of the language they are used in."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

_SYLLABLES: Final = (
    ("ba", "ба", "バ", "巴", "바"),
    ("de", "де", "デ", "德", "데"),
    ("go", "го", "ゴ", "戈", "고"),
    ("ka", "ка", "カ", "卡", "카"),
    ("ke", "ке", "ケ", "克", "케"),
    ("lu", "лу", "ル", "鲁", "루"),
    ("me", "ме", "メ", "梅", "메"),
    ("no", "но", "ノ", "诺", "노"),
    ("pi", "пи", "ピ", "皮", "피"),
    ("ri", "ри", "リ", "丽", "리"),
    ("ro", "ро", "ロ", "罗", "로"),
    ("sa", "са", "サ", "萨", "사"),
    ("so", "со", "ソ", "索", "소"),
    ("ta", "та", "タ", "塔", "타"),
    ("vi", "ви", "ヴィ", "维", "비"),
    ("zu", "зу", "ズ", "祖", "주"),
)
_ENDINGS: Final = ("badge", "cache", "feed", "inbox", "price", "quota", "rate", "sheet", "store", "sync")
_LATIN: Final = 0
_SCRIPT: Final = {"ru": 1, "ja": 2, "zh": 3, "ko": 4}
_NOUNS_HAVE_CAPITALS: Final = "de"


@dataclass(frozen=True, slots=True)
class Word:
    """An invented word, as it appears in a sentence (`shown`), and the part to search for (`mark`)."""

    shown: str
    mark: str
    stem: str
    """In Latin letters, for file names."""

    def into(self, text: str) -> str:
        """`text` with the word in its place."""
        return text.replace("{x}", self.shown)


class Inventor:
    """Invents the words of one dialogue, none twice: names, common nouns, identifiers and files."""

    def __init__(self, chance: random.Random, language: str) -> None:
        self._chance = chance
        self._language = language
        self._given: set[tuple[int, ...]] = set()

    def word(self) -> Word:
        syllables = self._syllables()
        stem = self._spelled(syllables, _LATIN)
        match self._chance.choices(("name", "noun", "identifier", "file"), (4, 3, 3, 1))[0]:
            case "identifier":
                return Word(f"`{stem}_{self._chance.choice(_ENDINGS)}`", stem, stem)
            case "file":
                return Word(f"src/{stem}.py", stem, stem)
            case form:
                spelled = self._spelled(syllables, _SCRIPT.get(self._language, _LATIN))
                capital = form == "name" or self._language == _NOUNS_HAVE_CAPITALS
                shown = spelled.capitalize() if capital else spelled
                return Word(shown, shown, stem)

    def identifier(self) -> Word:
        """A word in Latin letters, as a program prints it."""
        stem = self._spelled(self._syllables(), _LATIN)
        return Word(stem, stem, stem)

    def _syllables(self) -> tuple[int, ...]:
        while True:
            syllables = tuple(self._chance.sample(range(len(_SYLLABLES)), 3))
            if syllables not in self._given:
                self._given.add(syllables)
                return syllables

    def _spelled(self, syllables: tuple[int, ...], script: int) -> str:
        return "".join(_SYLLABLES[index][script] for index in syllables)
