"""In which language a text is, as far as script and function words show."""

from __future__ import annotations

from typing import Final

from carryover.text import lazy_re as re

_SCRIPTS: Final = (
    ("ko", re.compile(r"[\uac00-\ud7af]")),
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("zh", re.compile(r"[\u4e00-\u9fff]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
)
_LETTER: Final = re.compile(r"[^\W\d_]")
_MARKS: Final = '.,;:!?…()[]{}<>*"“”„«»¿¡-–—`'
_APOSTROPHES: Final = str.maketrans("'’", "  ")
_FUNCTION_WORDS: Final = {
    "en": "the and is are was of to in it i that this with for on be not have has we you my your me can please will"
    " from a an as at do no me or by come per",  # the last ones are words of others too, and then show nothing
    "de": "der die das und ist sind nicht ein eine mit für auf zu im den dem des ich du wir es auch noch nur wie was"
    " wenn als ja bitte mach dann oder aber wird soll kann bei von nach",
    "fr": "le la les et est un une des du que qui dans pour pas avec sur je tu nous il elle ce cette au aux ne mais"
    " ou on",
    "es": "el la los las y es un una de que en no con para por lo se su al del yo me mi te como más esto esta está",
    "pt": "o a os as e é um uma de que em não com para por no na do da se eu me meu está isso como mais",
    "it": "il lo la gli e è un una di che in non con per del della si mi ma come più questo questa sono ho",
}
_TONGUES_OF: Final[dict[str, list[str]]] = {}
for _name, _words in _FUNCTION_WORDS.items():
    for _word in set(_words.split()):
        _TONGUES_OF.setdefault(_word, []).append(_name)
_SAMPLE: Final = 800
_SHARE_OF_SCRIPT: Final = 0.2


def tongue_of(text: str, *, least: int = 2) -> str | None:
    """The language's code (en, de, fr, es, pt, it, ru, ja, zh, ko), or None where fewer than `least` words show it."""
    sample = text[:_SAMPLE]
    if not sample.isascii():
        letters = None
        for name, script in _SCRIPTS:
            if written := len(script.findall(sample)):
                letters = letters or len(_LETTER.findall(sample))
                if written > _SHARE_OF_SCRIPT * letters:
                    return name
    # Whole words only: the pieces of a path, an address or an id are words of no language.
    hits = dict.fromkeys(_FUNCTION_WORDS, 0)
    for token in sample.casefold().translate(_APOSTROPHES).split():
        for name in _TONGUES_OF.get(token.strip(_MARKS), ()):
            hits[name] += 1
    best, second = sorted(hits, key=lambda name: -hits[name])[:2]
    return best if hits[best] >= least and hits[best] > hits[second] else None
