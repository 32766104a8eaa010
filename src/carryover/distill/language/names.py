"""What a text is about, without knowing its language: names, paths and identifiers, and the words that carry weight."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from carryover.distill.language.tongue import tongue_of
from carryover.text import lazy_re as re

_CODE: Final = re.compile(r"`([^`\n]{2,80})`")
_URL: Final = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://\S+", re.I)
# Bounded, so that a long run of dashes or dots costs little.
_PATH: Final = re.compile(
    r"(?<![\w/])[~.\w-]{0,100}(?:/[\w.@~+-]+)+/?|(?<![\w.])[\w-]{1,100}\.[A-Za-z][A-Za-z0-9]{0,7}\b(?!\.\w)"
)
_IDENTIFIER: Final = re.compile(
    r"""(?x)(?<![\w])(?:
      [A-Za-z]\w*_\w+ | _\w+                              # snake_case
    | [a-z]+[A-Z]\w* | [A-Z][a-z0-9]+[A-Z]\w*             # camelCase
    | \w+\(\)                                             # a call
    | --?[a-z][\w-]{2,}                                   # an option
    | [A-Za-z]+[-.]?\d[\w.-]* | \#\d+                     # T-1.5, v2, py311, #42
    | [A-Z]{2,}[\w-]*                                     # ALL CAPS
    )""",
)
_IN_ANY_PATH: Final = re.compile(r"/|\.[A-Za-z]")
_IN_ANY_IDENTIFIER: Final = re.compile(r"[_#(\d-]|[a-z][A-Z]|[A-Z]{2}")
_CAPITAL: Final = re.compile(r"(?<![\w'’.-])[^\W\d_a-zа-яё][^\W\d_]*(?:[-'’][^\W\d_]+)*")
_OPENS_SENTENCE: Final = re.compile(r"(?:\A|[.!?…。！？\n]|[-*•>#]|\d[.)])[\s\"'“”„«»(\[¿¡*_]*\Z|[¿¡\"“„«(\[]\Z")
_KATAKANA: Final = re.compile(r"[\u30a1-\u30fa\u30fc]{3,}")
_LATIN_RUN: Final = re.compile(r"[A-Za-z][A-Za-z0-9._-]+")
_WITHOUT_SPACES: Final = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")
_EDGE_OF_LATIN: Final = re.compile(
    r"(?<=[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af])(?=[A-Za-z#])"
    r"|(?<=[A-Za-z0-9_)])(?=[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af])"
)
"""Where a name in Latin letters meets text without spaces, or a Korean particle."""
_WORD: Final = re.compile(r"[^\W\d_]{4,}|\d{2,}")
_HAN_PAIR: Final = re.compile(r"(?=([\u4e00-\u9fff]{2}))")
_HANGUL_STEM: Final = re.compile(r"[\uac00-\ud7af]{2,}")
_WITHOUT_WEIGHT: Final = frozenset(
    """
    also this that these those with from into onto over under than then there here when where which what should would
    could have does will just only more most some same other them they their your please first second again after before
    auch noch dann wenn nach oder aber eine einen einem einer nicht auch schon soll sollen wird werden kann können bitte
    pour avec dans aussi plus mais comme cette tout tous faire fait peut être était avez veux
    para pero como esta este esto también más todo todos hacer puede tiene desde entre sobre
    также тоже если этот этого это когда чтобы можно нужно надо будет есть уже ещё
    """.split()
)
"""Closed classes: they are in every text."""
_NO_NAMES: Final = frozenset(
    """
    I I'm I'd I'll I've OK Ok PS TODO FYI BTW ASAP PLEASE NOT AI
    Claude Code Codex Cursor Copilot Gemini Aider Windsurf ChatGPT GPT Opus Sonnet Agent
    Bescheid Fragen
    """.split()
)
"""Written with a capital and not what a text is about; an agent's name least of all."""
_ABBREVIATIONS: Final = frozenset("e.g i.e a.m p.m z.b d.h u.a p.ex".split())
"""Look like the name of a file."""
_GERMAN_NOUN_FOLLOWS: Final = re.compile(
    r"(?<!\w)(?i:d(?:er|ie|as|en|em|es)|(?:[mks]|d)?ein(?:e[rsnm]?)?|ihre?[rsnm]?|unsere?[rsnm]?|eure?[rsnm]?"
    r"|jede[rsnm]?|diese[rsnm]?|welche[rsnm]?|alle[rsnm]?|viele[rn]?|wenige[rn]?|andere[rsnm]?|beide[rn]?"
    r"|zu[mr]|im|am|beim|vom|ans|aufs|ins|als|etwas|nichts|alles|viel|zwei|drei|vier|fünf|\d+)"
    r"\s(?:[a-zäöüß]+(?:e|en|er|es|em)\s)?\Z"
)
_MOST: Final = 24
_LONGEST: Final = 3000
"""Characters that are read of a text: what it is about, it says at its beginning."""


def names_in(text: str) -> tuple[str, ...]:
    """What `text` names, in one case, the surest first: code spans, paths, identifiers, and words with a capital letter
    inside a sentence; in text without spaces the runs in Latin letters or katakana. At most 24.

    Every German noun looks like a name, and Chinese and Korean names never do: nothing may rest on this alone.
    """
    return _names_in(text[:_LONGEST])


@lru_cache(maxsize=256)  # a prompt is asked at its arrival, with each of its sentences, and when its turn is left
def _names_in(text: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    if "`" in text:
        text = _CODE.sub(lambda code: _add(found, code[1]), text)
    spaceless = not text.isascii() and _WITHOUT_SPACES.search(text) is not None
    if spaceless:
        text = _EDGE_OF_LATIN.sub(" ", text)
    if "://" in text:
        text = _URL.sub(lambda url: _add(found, url.group().rstrip(".,;:)")), text)
    if _IN_ANY_PATH.search(text):
        text = _PATH.sub(lambda path: _add(found, path.group().rstrip("/.")), text)
    if _IN_ANY_IDENTIFIER.search(text):
        shouted = text.isupper() and not spaceless
        text = _IDENTIFIER.sub(
            lambda word: "" if shouted or word.group() in _NO_NAMES else _add(found, word.group()), text
        )
    if spaceless:
        for run in _KATAKANA.findall(text) + _LATIN_RUN.findall(text):
            _add(found, run)
    elif not text.islower():
        for name in _with_capital(text):
            _add(found, name)
    return tuple(found)[:_MOST]


def _with_capital(text: str) -> Iterator[str]:
    """The words with a capital letter inside a sentence, but for those of a language where every noun has one."""
    german = None
    for capital in _CAPITAL.finditer(text):
        before = text[max(0, capital.start() - 24) : capital.start()]
        if not capital.group()[0].isupper() or capital.group() in _NO_NAMES or _OPENS_SENTENCE.search(before):
            continue
        if german is None:
            german = tongue_of(text, least=1) == "de"
        if not (german and _GERMAN_NOUN_FOLLOWS.search(before)):
            yield capital.group()


def _add(found: dict[str, None], name: str) -> str:
    key = name.casefold().strip("()` ")
    if len(key) > 1 and key not in _ABBREVIATIONS:
        found.setdefault(key)
    return " \u241f "


def weighty_words(text: str) -> frozenset[str]:
    """The words of `text` that may carry its matter: those of at least four letters, numbers, pairs of Chinese
    characters, the stems of Korean words."""
    return _weighty_words(text[:_LONGEST])


@lru_cache(maxsize=256)  # what a line of work holds is asked for at every turn
def _weighty_words(text: str) -> frozenset[str]:
    text = text.casefold()
    words = {_stem(word) for word in _WORD.findall(text) if word not in _WITHOUT_WEIGHT}
    if not text.isascii():
        words.update(_HAN_PAIR.findall(text))
        words.update(word[:2] for word in _HANGUL_STEM.findall(text))
    return frozenset(words)


def _stem(word: str) -> str:
    """Long words without their ending, so that cases and plurals meet."""
    return word[: max(4, len(word) - 2)] if len(word) > 5 else word


def shared_names(names: Iterable[str], others: Iterable[str]) -> int:
    """How many of `names` are among the `others`, or part of one, or with one as a part."""
    others = tuple(others)
    return sum(1 for name in names if any(_same(name, other) for other in others))


def _same(one: str, other: str) -> bool:
    if one == other:
        return True
    short, long = (one, other) if len(one) <= len(other) else (other, one)
    return len(short) >= 4 and (short in long or _stem(short) == _stem(long))
