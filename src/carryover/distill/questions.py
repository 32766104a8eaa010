"""Questions in what the assistant wrote: those it put to the user, and doubts it voiced in passing."""

from __future__ import annotations

import re
from typing import Final

from carryover.distill.clip import clip
from carryover.distill.prose import is_bullet, plain, prose_lines, sentences, word_count
from carryover.distill.words import is_question

# Asks for nothing but the next prompt, which the user gives anyway.
_COURTESY: Final = re.compile(
    r"\b(?:anything else|any other|any questions|let me know|how can i help|what next|what's next"
    r"|what (?:would you like|do you want) (?:me )?(?:to )?(?:do|work on)?\s*next"
    r"|does (?:that|this) (?:make sense|help|look good|sound good)|how does (?:that|this) (?:look|sound)|sound good"
    r"|ready to (?:continue|proceed|start)|would you like (?:me )?to (?:continue|proceed)"
    r"|(?:shall (?:i|we)|should i) (?:go on|continue|proceed|start))\b",
    re.I,
)
# A line a language, in the order of `words`.
_OFFER: Final = re.compile(
    r"\b(?:if you (?:want|like|prefer|wish)|want me to|would you like|i can (?:also|then|next)|happy to"
    r"|shall i|should i|let me know (?:if|which|whether)"
    r"|falls du|wenn du|möchtest du"
    r"|si tu veux"
    r"|si quieres"
    r"|хотите|могу|если хочешь)\b"
    r"|必要なら|よろしければ"
    r"|需要我|如果你"
    r"|원하시면",
    re.I,
)
# In English only: without them a handoff lacks a doubt, and is not wrong.
_DOUBT: Final = re.compile(
    r"\b(?:not (?:yet )?(?:tested|verified|confirmed|implemented|committed|covered|checked)|untested|unverified"
    r"|(?:haven't|have not) (?:tested|verified|run|checked)|could(?:n't| not) (?:verify|test|confirm|reproduce|run)"
    r"|must (?:be )?verif\w+|verify (?:that|whether|if)|needs? (?:verification|confirmation|a decision)"
    r"|needs? to be (?:verified|confirmed|checked|decided|tested)"
    r"|(?:still|remains?) (?:open|to be (?:seen|decided|done|tested|verified))|open question|to be decided|tbd"
    r"|unclear|unknown (?:if|whether|why)|not sure (?:if|whether|why)|hinges on|depends on whether"
    r"|likely because|probably because|assum(?:es|ing|ption)"
    r"|critical .{0,30}(?:task|check|risk)|is a risk|known (?:issue|limitation|vulnerability))\b",
    re.I,
)
_IF_AGREED: Final = re.compile(
    r"^if (?:you(?:'re|’re| are)|that(?:'s|’s| is)|this is) (?:all )?"
    r"(?:ok(?:ay)?|good|fine|happy|alright|right|correct)\b.{0,200}\bi(?:'ll|’ll| will)\b"
    r"|^if you (?:agree|confirm|approve)\b.{0,200}\bi(?:'ll|’ll| will)\b"
    r"|^(?:falls|wenn) (?:das|es) (?:so )?(?:passt|in ordnung ist|stimmt)\b.{0,200}\bich\b"
    r"|^если (?:вас |тебя )?(?:устраивает|всё верно|вы согласны|ты согласен)"
    r"|問題が?なければ",
    re.I,
)
_MOST_QUESTIONS: Final = 4
_MOST_OPTIONS: Final = 6


def questions_in(answer: str) -> list[tuple[str, tuple[str, ...]]]:
    """What a closing text asks of the user, each with the options listed under it; courtesy left out.

    Only the last part of the text asks: a question in the middle of an explanation is rhetoric.
    """
    lines = prose_lines(answer)
    found: list[tuple[str, tuple[str, ...]]] = []
    for index, line in enumerate(lines):
        for sentence in sentences(line):
            asks = is_question(sentence) or asks_for_consent(sentence)
            if asks and not _is_courtesy(sentence) and _near_end(index, len(lines)):
                found.append((clip(sentence, chars=280), _options_after(lines, index)))
    return found[-_MOST_QUESTIONS:]


def asks_for_consent(sentence: str) -> bool:
    """A step that is put to the user without a question mark: "If that is fine, I'll go on to the tests"."""
    return _IF_AGREED.search(sentence) is not None


def _is_courtesy(sentence: str) -> bool:
    return word_count(sentence) <= 14 and _COURTESY.search(sentence) is not None


def _near_end(index: int, total: int) -> bool:
    return index >= total - 16


def _options_after(lines: list[str], index: int) -> tuple[str, ...]:
    """The bullets that directly follow the question."""
    options: list[str] = []
    for line in lines[index + 1 :]:
        if not is_bullet(line) or len(options) == _MOST_OPTIONS:
            break
        options.append(clip(plain(line), chars=60))
    return tuple(options) if len(options) > 1 else ()


def offers_in(answer: str) -> list[str]:
    """Sentences near the end that offer something ("Want me to add the tests?"): what a bare "yes" would agree to."""
    tail = prose_lines(answer)[-12:]
    found = [s for line in tail for s in sentences(line) if _OFFER.search(s) or (is_question(s) and not _is_bare(s))]
    return found[-3:]


def _is_bare(sentence: str) -> bool:
    return word_count(sentence) <= 2


def doubts_in(answer: str) -> list[str]:
    """Sentences that leave something open without asking: untested, unverified, assumed, critical to check."""
    found = [
        clip(sentence, chars=260)
        for sentence in sentences(answer)
        if _DOUBT.search(sentence) and not is_question(sentence) and 4 <= word_count(sentence) <= 60
    ]
    return found[-3:]
