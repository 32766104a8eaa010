"""What the user ruled: orders, bans and preferences in their own words.

They bind beyond the session they were said in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from carryover.distill.clip import clip
from carryover.distill.digest import Ask
from carryover.distill.prose import flat, is_bullet, one_line, prose_lines, sentences, word_count
from carryover.distill.view import Note
from carryover.distill.words import is_question, only_tells

# A line a language, in the order of `words`. To have said something before is to insist on it.
_STANDING: Final = re.compile(
    r"\b(?:never|always|must(?:n't| not)?|do not|don't|dont|under no circumstances|from now on|no longer"
    r"|(?:i|we)(?:'ve| have| had)? (?:already )?(?:asked|told) you"
    r"|niemals|immer|nicht mehr|ich (?:habe?|hatte) (?:dir|dich) (?:doch |schon )?(?:gesagt|gebeten)"
    r"|jamais|toujours|je t'ai (?:dit|demandé)"
    r"|nunca|siempre|te (?:dije|pedí)"
    r"|никогда|всегда|нельзя|я (?:же )?(?:тебя |вас )?(?:уже )?(?:просил[аи]?|говорил[аи]?))\b"
    r"|絶対|必ず|しないで|ないでください|禁止"
    r"|不要|不能|必须|务必|禁止"
    r"|하지 ?마|반드시|절대",
    re.I,
)
_CHOICE: Final = re.compile(
    r"\b(?:use|prefer|keep|stick (?:to|with)|go with|choose|name (?:it|the|this)|call it|rename"
    r"|instead of|rather than|without|only|no need|not needed|leave .{1,30} alone"
    r"|let's not|we (?:don't|won't|will not|do not)|should(?:n't| not)?|has to|have to|needs? to be|make sure|ensure"
    r"|verwende|benutze|nur|statt|muss|müssen|sollen"
    r"|utilise|seulement|il faut|doit|doivent"
    r"|usa|solo|debe|deben"
    r"|используй|только|вместо|именно|долж(?:ен|на|но|ны)|(?:нужно|надо|хочу),? чтобы|не нрав[ия]тся)\b"
    r"|代わりに|だけ|使って"
    r"|改用|只"
    r"|대신|만 ",
    re.I,
)
# Logs, prompts of a shell and code rule nothing, whatever words they hold.
_PASTED: Final = re.compile(r"^\s*(?:[>$#%]|at \w|File \"|\d{2,4}[-:]\d\d|[{}<\[]|\w+Error\b)")
_MOST_OF_PROMPT: Final = 4
_MOST_SHOWN: Final = 8
_SHOWN_OF_TASK: Final = 250
_SAME_BEGINNING: Final = 50
_LONGEST_RULING_WORDS: Final = 60
_LONGEST_PROMPT: Final = 6000


def rulings_in(prompt: str) -> list[tuple[str, int]]:
    """The ruling sentences of a prompt with their weight (3 a standing order, 1 a choice), at most 4, strongest first.

    A very long prompt is mostly pasted matter, so only its beginning and end are read. A question rules nothing;
    a remark by which the user only lets the assistant know something binds like a choice.
    """
    text = prompt if len(prompt) <= _LONGEST_PROMPT else f"{prompt[:2000]}\n{prompt[-2000:]}"
    found: list[tuple[str, int]] = []
    for line in prose_lines(text):
        if _PASTED.match(line):
            continue
        for sentence in sentences(line):
            weight = _weight(sentence, bullet=is_bullet(line))
            if weight:
                found.append((clip(one_line(sentence), chars=240), weight))
    if not found and only_tells(text):
        found.append((clip(one_line(text), chars=240), 1))
    found.sort(key=lambda ruling: -ruling[1])
    return found[:_MOST_OF_PROMPT]


def _weight(sentence: str, *, bullet: bool) -> int:
    if is_question(sentence) or not 2 <= word_count(sentence) <= _LONGEST_RULING_WORDS:
        return 0
    if _STANDING.search(sentence):
        return 3
    if _CHOICE.search(sentence):
        return 2 if bullet else 1
    return 0


def decision_lines(notes: Iterable[Note], goal: Ask | None) -> list[str]:
    """The user's rulings, weightiest and newest first; what the Task section shows already is left out."""
    shown = flat(goal.text)[:_SHOWN_OF_TASK] if goal is not None else ""
    rulings = sorted(
        (note for note in notes if note.kind == "ruling"), key=lambda note: (-note.weight, -note.at_ms, note.text)
    )
    unique = dict.fromkeys(note.text for note in rulings)
    return [text for text in unique if text[:_SAME_BEGINNING] not in shown][:_MOST_SHOWN]
