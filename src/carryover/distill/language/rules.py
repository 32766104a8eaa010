"""What the user decided: orders to last, bans and preferences, in their own words."""

from __future__ import annotations

from typing import Final

from carryover.distill.clip import clip
from carryover.distill.language import lexicon, outcomes
from carryover.distill.language.forms import is_question, without_yes
from carryover.distill.language.machine_lines import is_code, is_surely_printed
from carryover.distill.language.names import names_in
from carryover.distill.language.prose import Quote, one_line, sentences, word_count
from carryover.text import lazy_re as re
from carryover.text.markdown import is_bullet, prose_lines

LASTING: Final = 3.0
"""From this weight on a rule outlives its session."""
_MOST_OF_PROMPT: Final = 8
_LONGEST_WORDS: Final = 60
_LONGEST_PROMPT: Final = 16_000
_SHORTEST_WORDS: Final = 2
_LABEL_WORDS: Final = 4
_LABEL_CAPITALS: Final = 0.8
_WORD: Final = re.compile(r"\w+")
_ASKS_WHY_OR_HOW: Final = re.compile(
    r"^\W*(?:(?:why|how|warum|wieso|weshalb|wie|pourquoi|comment|por ?qu[eé]|cómo|perché|почему|зачем|как)\b"
    r"|なぜ|どうして|どうやって|为什么|为啥|为何|怎么|如何|왜|어째서|어떻게)",
    re.I,
)
"""A closed class, which often comes without a question mark."""


_DIAGNOSTIC: Final = re.compile(r"\(\d+(?:,\d+)?\): (?:warning|error|info)\b")
_INTERROGATIVE: Final = re.compile(
    r"^(?:\S+\s+){1,4}(?:how|why|wie|warum|wieso|comment|pourquoi|cómo|por qué|come|perché|как|почему|зачем)\b", re.I
)
"""A question inside an order: "Describe to me how it ought to work"."""


def rules_in(prompt: str) -> tuple[Quote, ...]:
    """The sentences of a prompt that decide something, with their weight, at most 8, in the order of the prompt.

    A question decides nothing; of a very long prompt its beginning and its end are read.
    """
    text = prompt if len(prompt) <= _LONGEST_PROMPT else f"{prompt[:8000]}\n{prompt[-8000:]}"
    found = [
        Quote(clip(one_line(sentence).lstrip("-–— "), chars=240), rule, weight, names_in(sentence))
        for line in prose_lines(text)
        if not is_code(line) and not is_surely_printed(line) and not _DIAGNOSTIC.search(line)
        for sentence in sentences(line)
        for weight, rule in [_weight(sentence, bullet=is_bullet(line))]
        if weight
    ]
    strongest = sorted(range(len(found)), key=lambda index: (-found[index].weight, index))[:_MOST_OF_PROMPT]
    return tuple(found[index] for index in sorted(strongest))


def _weight(sentence: str, *, bullet: bool) -> tuple[float, str]:
    sentence = without_yes(sentence)
    if is_question(sentence) or _ASKS_WHY_OR_HOW.match(sentence):
        return 0.0, ""
    if not _SHORTEST_WORDS <= word_count(sentence) <= _LONGEST_WORDS:
        return 0.0, ""
    if sentence.rstrip().endswith((":", "：")):
        return 0.0, ""
    if _is_label(sentence):
        return 0.0, ""
    weight, rule = _by_words(sentence, bullet=bullet)
    if weight and outcomes.FAILURE.search(sentence) and not lexicon.PROHIBITION.search(sentence):
        return 0.0, ""  # says what went wrong
    if weight and lexicon.HEDGE.search(sentence):
        return 0.0, ""  # thinks aloud
    return weight, rule


def _by_words(sentence: str, *, bullet: bool) -> tuple[float, str]:
    if lexicon.STANDING.search(sentence):
        lasts = not lexicon.LASTS_BRIEFLY.search(sentence)
        return (LASTING if lasts else 2.0), "order or ban in the user's words"
    obligation = lexicon.OBLIGATION.search(sentence)
    asks = _INTERROGATIVE.search(sentence)
    if obligation is not None and not (asks is not None and asks.start() < obligation.start()):
        return 2.0 if bullet else 1.5, "requirement in the user's words"
    if lexicon.PROHIBITION.search(sentence) or lexicon.CHOICE.search(sentence):
        return 1.0, "preference in the user's words"
    return 0.0, ""


def _is_label(sentence: str) -> bool:
    """A heading or a feature in a list, such as "Config 2025 Compatible (Variables, Layouts)": no verb, and each word
    with a capital. An order in capitals is none."""
    words = [word for word in _WORD.findall(sentence) if word[0].isalpha()]
    capitals = sum(word[0].isupper() and not word.isupper() for word in words)
    return len(words) >= _LABEL_WORDS and capitals >= _LABEL_CAPITALS * len(words)
