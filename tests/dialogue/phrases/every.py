"""The phrases of all languages, by code."""

from __future__ import annotations

from typing import Final

from dialogue.phrases.bank import Phrases
from dialogue.phrases.de import GERMAN
from dialogue.phrases.en import ENGLISH
from dialogue.phrases.es import SPANISH
from dialogue.phrases.fr import FRENCH
from dialogue.phrases.ja import JAPANESE
from dialogue.phrases.ko import KOREAN
from dialogue.phrases.ru import RUSSIAN
from dialogue.phrases.zh import CHINESE

PHRASES: Final[dict[str, Phrases]] = {
    "en": ENGLISH,
    "de": GERMAN,
    "fr": FRENCH,
    "es": SPANISH,
    "ru": RUSSIAN,
    "ja": JAPANESE,
    "zh": CHINESE,
    "ko": KOREAN,
}
