"""Questions in what the assistant wrote: those it put to the user, and doubts it voiced in passing."""

from __future__ import annotations

import re
from typing import Final

from carryover.distill.clip import clip
from carryover.distill.words import is_bullet, is_question, plain, prose_lines, sentences, word_count

_COURTESY: Final = re.compile(
    r"\b(?:anything else|let me know|what (?:would you like|do you want) (?:me )?(?:to )?(?:do|"
    r"work on)?\s*next|what next|what's next|"
    r"does (?:that|this) (?:make sense|help|look good|sound good)|how does (?:that|this) (?:look|sound)|"
    r"ready to (?:continue|proceed|start)|"
    r"shall (?:i|we) (?:go on|continue|proceed|start)|should i (?:go on|continue|proceed|start)|how can i help|"
    r"would you like (?:me )?to (?:continue|proceed)|sound good|any questions|any other)\b",
    re.I,
)
_OFFER: Final = re.compile(
    r"\b(?:if you (?:want|like|prefer|wish)|want me to|would you like|i can (?:also|then|next)|happy to|"
    r"shall i|should i|"
    r"let me know (?:if|which|whether)|falls du|wenn du|möchtest du|si tu veux|si quieres|хотите|могу|"
    r"если хочешь)\b|必要なら|よろしければ|需要我|如果你|원하시면",
    re.I,
)
_DOUBT: Final = re.compile(
    r"\b(?:not (?:yet )?(?:tested|verified|confirmed|implemented|committed|covered|checked)|untested|"
    r"unverified|unclear|unknown (?:if|whether|why)|"
    r"(?:still|remains?) (?:open|to be (?:seen|decided|done|tested|verified))|open question|to be decided|"
    r"tbd|needs? (?:verification|confirmation|a decision|to be (?:verified|confirmed|checked|decided|"
    r"tested))|"
    r"must (?:be )?verif\w+|verify (?:that|whether|if|\w+ charges)|hinges on|depends on whether|"
    r"critical .{0,30}(?:task|check|risk)|"
    r"not sure (?:if|whether|why)|haven't (?:tested|verified|run|checked)|have not (?:tested|verified|run|checked)|"
    r"could(?:n't| not) (?:verify|test|confirm|reproduce|run)|known (?:issue|limitation|vulnerabilit)|"
    r"likely because|probably because|is a risk|assum(?:es|ing|ption))\b",
    re.I,
)
_IF_AGREED: Final = re.compile(
    r"^if (?:you(?:'re|’re| are)|that(?:'s|’s| is)|this is) (?:all )?"
    r"(?:ok(?:ay)?|good|fine|happy|alright|right|correct)\b.{0,200}\bi(?:'ll|’ll| will)\b"
    r"|^if you (?:agree|confirm|approve)\b.{0,200}\bi(?:'ll|’ll| will)\b"
    r"|^(?:falls|wenn) (?:das|es) (?:so )?(?:passt|in ordnung ist|stimmt)\b.{0,200}\bich\b"
    r"|^если (?:вас |тебя )?(?:устраивает|всё верно|вы согласны|ты согласен)|問題なければ|問題がなければ",
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
