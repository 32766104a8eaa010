"""Which words say nothing of what is looked for, and the other forms and spellings that a word may have in a text.
Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from carryover.text.pattern import later

SHORTEST: Final = 4
"""Shorter words have no other forms here, and no typos."""
COMMON: Final = frozenset(
    """
    a an the this that these those it its i we you our my your of to in on at for from with by and or as so if is are
    was were be been do does did has have had can could should would will need how why what which who where when s t re
    ve ll isn aren wasn weren don doesn didn hasn haven couldn shouldn wouldn
    der die das den dem ein eine und oder ist sind war wie warum wieso was wer wo wann welche welcher mit für von zu wir
    le la les l un une des du de d et ou est sont dans pour par sur avec ce c cette il elle on au à que qu qui quel
    quelle quoi comment pourquoi où quand
    el los las del en y o con es son fue se cual cuál qué quién quien por como cómo cuando cuándo donde dónde cuanto
    cuánto cuantos cuántos cuántas al
    os um uma do da no na em foi qual com porque onde quando
    il lo gli uno di che e è perché dove chi
    и в на с у к о по за из для это что как какой какая какое какие почему зачем когда где кто мы
    """.split()
)
"""Words that ask or join in seven languages, none that negates."""
_WITHOUT_YO: Final = str.maketrans("ёЁ", "еЕ")
_SHORTEST_STEM: Final = 6
_LONG: Final = 9
"""Letters from which three may be an ending, not two."""
_ENDINGS: Final = ("", "s", "es", "ed", "er", "ers", "ing", "ings", "ment", "ments", "ion", "ions", "able")
_AFTER_E: Final = ("e", "es", "ed", "er", "ers", "ing", "ings", "ement", "ements", "ion", "ions", "able")
_AFTER_Y: Final = ("y", "ies", "ied", "ier", "iers", "ying")
_PLAIN: Final = later(r"[a-z]{4,40}")
_ENDING: Final = later(r"(?:ings?|ed|ers?|es|s|ements?|ments?|ions?|able|e)\Z")
_Y_ENDING: Final = later(r"(?:y|ies|ied|iers?|ying)\Z")
_DOUBLED: Final = later(r"([bdgklmnprt])\1\Z")
_VOWEL: Final = later(r"[aeiouy]")


def forms_of(word: str) -> tuple[str, ...]:
    """Returns words that may be other forms of an English one, without it: some of them are no words. None for a name
    with a capital or a digit in it."""
    if not _PLAIN.fullmatch(word):
        return ()
    found: dict[str, None] = {}
    for base in _bases(word):
        _add(found, base, _ENDINGS)
        _add(found, base, _AFTER_E)
        if not _VOWEL.fullmatch(base[-1]):
            _add(found, base + base[-1], ("ed", "er", "ers", "ing", "ings"))
        single = _DOUBLED.sub(r"\1", base)
        if single != base:
            _add(found, single, _ENDINGS)
    before_y = _Y_ENDING.sub("", word)
    if before_y != word:
        _add(found, before_y, _AFTER_Y)
    found.pop(word, None)
    return tuple(found)


def stem_of(word: str) -> str:
    """Returns the beginning that a word with letters outside of ASCII shares with its other forms, by length alone;
    empty for a word of ASCII, one with a digit, and a short one.

    >>> stem_of("картинки"), stem_of("календари"), stem_of("código"), stem_of("banana")
    ('картин', 'календ', 'códi', '')
    """
    if word.isascii() or not word.isalpha() or len(word) < _SHORTEST_STEM:
        return ""
    return word[: -3 if len(word) >= _LONG else -2]


def _bases(word: str) -> Iterable[str]:
    """Yields the word and what is before its ending, if that may be a word: it has a vowel and does not end in e."""
    for base in dict.fromkeys((word, _ENDING.sub("", word))):
        if len(base) >= SHORTEST - 1 and _VOWEL.search(base) and not base.endswith("e"):
            yield base


def _add(found: dict[str, None], base: str, endings: Iterable[str]) -> None:
    found.update(dict.fromkeys(base + ending for ending in endings))


def spellings(words: Sequence[str]) -> list[Sequence[str]]:
    """Returns words as they are, then with and without the `ё` that Russian may leave out.

    >>> spellings(["till"]), spellings(["отчет"]), spellings(["передёрнут"]), spellings(["отчет", "тут"])
    ([['till']], [['отчет'], ['отчёт']], [['передёрнут'], ['передернут']], [['отчет', 'тут']])
    """
    without = [word.translate(_WITHOUT_YO) for word in words]
    if without != list(words):
        return [words, without]
    word = words[0] if len(words) == 1 else ""  # a word has one `ё` at most
    return [words, *([f"{word[:at]}ё{word[at + 1 :]}"] for at, letter in enumerate(word) if letter in "еЕ")]
