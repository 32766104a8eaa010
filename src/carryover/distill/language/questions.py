"""What an assistant's text asks the user, with the choices it offers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from carryover.distill.clip import clip
from carryover.distill.language import lexicon
from carryover.distill.language.answer import Part
from carryover.distill.language.prose import Quote
from carryover.text import lazy_re as re

_MOST: Final = 4
_MOST_OPTIONS: Final = 6
_NEAR_END_PARTS: Final = 14
_BARE_QUESTION_WORDS: Final = 6
_SHORT_QUESTION_WORDS: Final = 12
_MOST_ADVICE: Final = 3
"""Sentences between a list of choices and the question which one it shall be."""
_LAST_OFFERS: Final = 3
_SHORTEST_OFFER: Final = 6
_LONGEST_OFFER: Final = 60
_LABEL: Final = re.compile(r"\W{0,3}((?:[^\s:：]{1,20}\s){0,2}[^\s:：]{2,20})\W{0,3}[:：]\W{0,3}(?<=[\s：])(?=\w)")
_OPENS_LETTER: Final = re.compile(
    r"\W{0,3}(?:subject|betreff|objet|asunto|assunto|oggetto|тема|件名|主题|主題|제목)\W{0,3}[:：]"
    r"|\W{0,3}(?:dear|hi|hello|hey|hallo|lieber?|sehr geehrte[rs]?|bonjour|cher|chère|hola|estimad[oa]s?|querid[oa]|olá"
    r"|prezad[oa]s?|ciao|gentile|caro|cara|привет|здравствуйте|уважаем\w+)\s[^.?!]{1,40},$",
    re.I,
)
REQUESTED: Final = "request for the user's word"
OFFERED: Final = "offer at the end of the answer"


class Asked(msgspec.Struct, frozen=True, omit_defaults=True):
    """A question that an assistant put to the user, with the choices it offered."""

    text: str
    rule: str
    options: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


def asked_in(parts: Sequence[Part]) -> list[tuple[Asked, set[int]]]:
    """The questions near the end, each with its options and the lines these take up."""
    found: list[tuple[Asked, set[int]]] = []
    last_prose = [index for index, part in enumerate(parts) if part.kind in ("prose", "item", "heading")][
        -_NEAR_END_PARTS:
    ]
    letter = _letter_in(parts)
    for index in last_prose:
        if index in letter:
            continue
        part = parts[index]
        by_mark = part.asks
        if not by_mark and not (part.kind == "prose" and _is_among_last(parts, index) and part.requests):
            continue
        if part.is_courtesy or lexicon.PROTOCOL_QUESTION.search(part.text) or _is_followed_by_explanation(parts, index):
            continue
        options, lines = _options(parts, index)
        text = part.text
        if options and not by_mark:  # what is asked comes before the options
            text = next((one.text for one in reversed(parts[:index]) if one.kind in ("prose", "heading")), text)
        if not options and not part.names and (part.words < _BARE_QUESTION_WORDS):
            text = _with_what_stands_before(parts, index, letter)
        rule = "question at the end of the answer" if by_mark else REQUESTED
        asked = Asked(clip(_without_label(text), chars=300), rule, options, part.names)
        if not any(asked.text == other.text for other, _ in found):
            found.append((asked, lines))
    return found[-_MOST:]


def choices_in(parts: Sequence[Part]) -> tuple[str, ...]:
    """The items of the last numbered list, with at most a few sentences after it."""
    last = next((index for index in reversed(range(len(parts))) if parts[index].kind == "item"), -1)
    chosen = [part for part in _run(parts, last, -1)[::-1] if part.numbered]
    if len(chosen) < 2 or len(parts) - 1 - last > _MOST_ADVICE or any(part.checked for part in chosen):
        return ()
    return tuple(clip(part.text, chars=70) for part in chosen[:_MOST_OPTIONS])


def offers_in(parts: Sequence[Part], taken: set[str]) -> tuple[Quote, ...]:
    """What the last sentences offer to do, with the list that spells it out where one follows."""
    prose = [index for index, part in enumerate(parts) if part.kind == "prose"]
    found = []
    for index in prose[-_LAST_OFFERS:]:
        part = parts[index]
        if part.text in taken or not _SHORTEST_OFFER <= part.words <= _LONGEST_OFFER or not part.offers:
            continue
        spelled = [one for one in _run(parts, index + 1, 1) if not one.asks] if part.text.endswith((":", "：")) else []
        text = " ".join([part.text, "; ".join(one.text for one in spelled)]) if spelled else part.text
        names = tuple(dict.fromkeys((*part.names, *(name for one in spelled for name in one.names))))
        found.append(Quote(clip(text, chars=260), OFFERED, names=names))
    return tuple(found[-1:])


def _without_label(text: str) -> str:
    """A question without the words that only say that it is one: "Open question: …"."""
    label = _LABEL.match(text)
    return text[label.end() :] if label is not None and lexicon.QUESTION_LABEL.search(label[1]) else text


def _is_among_last(parts: Sequence[Part], index: int) -> bool:
    return sum(1 for part in parts[index + 1 :] if part.kind in ("prose", "item")) <= 2


def _is_followed_by_explanation(parts: Sequence[Part], index: int) -> bool:
    """A question that the text itself then answers is rhetoric."""
    return sum(1 for part in parts[index + 1 :] if part.kind == "prose" and not part.asks) > 3


def _letter_in(parts: Sequence[Part]) -> range:
    """The parts that are a letter the assistant drafted, from its subject or salutation on. What it asks in there is
    asked of somebody else; its last paragraph may be the assistant's own."""
    begun = next((index for index, part in enumerate(parts) if _OPENS_LETTER.match(part.text)), len(parts))
    ends = len(parts)
    while ends > begun and parts[-1].line - parts[ends - 1].line <= len(parts) - ends:
        ends -= 1
    return range(begun, ends)


def _with_what_stands_before(parts: Sequence[Part], index: int, letter: range) -> str:
    """A bare question with the sentence before it; with two, where that one names nothing either."""
    text = parts[index].text
    for place in reversed(range(max(0, index - 2), index)):
        before = parts[place]
        if place in letter:
            break
        if before.kind not in ("prose", "item") or before.asks:
            break
        text = f"{clip(before.text, chars=200)} {text}"
        if before.names:
            break
    return text


def _options(parts: Sequence[Part], index: int) -> tuple[tuple[str, ...], set[int]]:
    """The list or table right after the question, else the one right before it, or before advice on which to take."""
    after = _run(parts, index + 1, 1)
    before = (_run(parts, index - 1, -1) or _run(parts, _before_advice(parts, index), -1))[::-1]
    if parts[index].kind == "item" or len(after) < 2:
        chosen = before if parts[index].kind != "item" else []
        if chosen and chosen[0].kind == "item" and not all(part.numbered for part in chosen):
            chosen = []
    else:
        chosen = after
    chosen = [part for part in chosen if not part.asks]
    if len(chosen) < 2:
        return (), set()
    return tuple(clip(part.text, chars=70) for part in chosen[:_MOST_OPTIONS]), {part.line for part in chosen}


def _before_advice(parts: Sequence[Part], index: int) -> int:
    """Where a numbered list may end that a question of few words without a name is about, a few sentences later."""
    if parts[index].kind != "prose" or parts[index].names or parts[index].words > _SHORT_QUESTION_WORDS:
        return -1
    for back in range(index - 1, max(index - 2 - _MOST_ADVICE, -1), -1):
        if parts[back].kind == "item":
            return back if parts[back].numbered else -1
        if parts[back].kind != "prose" or parts[back].asks:
            return -1
    return -1


def _run(parts: Sequence[Part], index: int, step: int) -> list[Part]:
    """The items or rows that follow each other from `index` on."""
    found: list[Part] = []
    while 0 <= index < len(parts) and parts[index].kind in ("item", "table"):
        found.append(parts[index])
        index += step
    return found
