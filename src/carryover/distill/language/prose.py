"""Reading prose: lines and sentences out of markdown, text put on one line, and what is quoted of it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import msgspec

from carryover.text import lazy_re as re
from carryover.text.markdown import is_bullet, plain, prose_lines

_SENTENCE_END: Final = re.compile(r"([.!?。！？…][\"'”’)\]*_]{0,3})(?:\s+|(?<=[。！？]))(?=[^\s」』）.!?,;:])")
_ABBREVIATION: Final = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|cf|approx|no|dr|mr|mrs|ms|prof|et al|figs?|eqs?|pp|eds|refs?"
    r"|bzw|z\. ?b|d\.h|u\.a|ca|abb|kap|nr|hrsg|vgl|evtl|ggf|inkl|zzgl"
    r"|p\. ?ex|mme"
    r"|p\. ?ej|sra?|pág|núm|aprox"
    r"|напр|т\.е|т\.п|т\.д|т\.к|см|стр|рис|др|ред"
    r")|\b[A-Z])\.$",
    re.I,
)
_LONGEST_ABBREVIATION: Final = 12
"""Characters, with one before it that parts it from another word."""
_ANY_LETTER: Final = re.compile(r"\w")
_LONGEST_KEPT: Final = 2000
"""Characters."""
_HAN: Final = re.compile(r"[\u2e80-\u2fdf\u3005-\u3007\u3400-\u9fff\uf900-\ufaff]")
_KANA: Final = re.compile(r"[\u3040-\u30ff]")
_HANGUL: Final = re.compile(r"[\uac00-\ud7af]")


class Quote(msgspec.Struct, frozen=True, omit_defaults=True):
    """Words of a text and the rule that took them out of it."""

    text: str
    rule: str
    weight: float = 0.0
    names: tuple[str, ...] = ()


def one_line(text: str) -> str:
    """`text` on one line, otherwise as it was written."""
    return " ".join(text.split())


def flat(text: str) -> str:
    """`text` on one line in plain words; former list items and lines are separated by `;`."""
    lines = [(is_bullet(line), plain(line)) for line in text.splitlines() if line.strip()]
    joined = ""
    for bullet, line in lines:
        mark = ";" if joined and bullet and not joined.endswith((":", ";", ".")) else ""
        joined = f"{joined}{mark} {line}".strip()
    return joined


def sentences(text: str) -> list[str]:
    """The sentences of `text` in order, in plain words; a bullet or heading is never joined to its neighbour."""
    return [*_kept_sentences(text)] if len(text) <= _LONGEST_KEPT else [*_sentences_on(text)]


@lru_cache(maxsize=64)  # of a prompt they are asked for by each rule that reads it
def _kept_sentences(text: str) -> tuple[str, ...]:
    return tuple(_sentences_on(text))


def _sentences_on(text: str) -> Iterator[str]:
    for line in prose_lines(text):
        yield from sentences_of_line(line)


def sentences_of_line(line: str) -> list[str]:
    """The sentences of one line of prose, in plain words."""
    parts: list[str] = []
    split = _SENTENCE_END.split(plain(line))  # the mark that ends a sentence is between it and the next
    if len(split) == 1:
        return split if split[0] else parts
    for piece in (f"{said}{closing}" for said, closing in zip(split[::2], [*split[1::2], ""], strict=True)):
        if parts and (_ends_in_abbreviation(parts[-1]) or _goes_on_in_brackets(parts[-1], piece)):
            parts[-1] = f"{parts[-1]} {piece}"
        elif piece.strip():
            parts.append(piece.strip())
    return parts


def _ends_in_abbreviation(text: str) -> bool:
    return text.endswith(".") and _ABBREVIATION.search(text[-_LONGEST_ABBREVIATION:]) is not None


def _goes_on_in_brackets(before: str, after: str) -> bool:
    """An unknown abbreviation in brackets: the bracket is open, and what follows closes it in a small letter."""
    return before.count("(") > before.count(")") and after[:1].islower() and ")" in after


def first_sentence(text: str) -> str:
    """The first sentence that says something: greetings of one word ("Done.", "Perfect!") are joined to the next."""
    found = _sentences_on(text)
    first = next(found, "")
    second = next(found, "") if word_count(first) <= 2 else ""
    return f"{first} {second}" if second else first


def word_count(text: str) -> float:
    """Words in `text`, as an English reader would count them.

    A Chinese character counts half a word, a Japanese syllable a third, a Korean word, which carries its particles, one
    and a third.
    """
    if text.isascii():
        return len(text.split())
    han, kana = len(_HAN.findall(text)), len(_KANA.findall(text))
    words = [word for word in _KANA.sub(" ", _HAN.sub(" ", text)).split() if _ANY_LETTER.search(word)]
    hangul = sum(1 for word in words if _HANGUL.search(word))
    return len(words) + han / 2 + kana / 3 + hangul / 3
