"""What a short prompt replied to: the questions of the last answer before it, in short."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise, takewhile
from operator import attrgetter
from typing import Final

from carryover.distill.closed_classes import begins_with_reply, is_list_item, is_question, replies_first
from carryover.distill.digest import Turn
from carryover.distill.own_text import PROTOCOL_QUESTION
from carryover.distill.quotes import (
    ASKED_CHARS,
    LINE_BREAK,
    PIECE_CHARS,
    SHORT_REPLY,
    clip,
    estimated_tokens,
    in_quotes,
    lines_of,
)
from carryover.distill.sections.quoting import last_words
from carryover.distill.trail import Step, is_bare
from carryover.text.markdown import own_lines
from carryover.text.pattern import later

_LONG_REPLY: Final = 200
"""Likewise for a prompt that begins with a reply: it may not say to what."""
_LEAST_TOKENS: Final = 6
"""A line of fewer says nothing: then the middle of all is left out instead."""
_CHARS_A_TOKEN: Final = 4
_BETWEEN_TOKENS: Final = 2
"""What a line break costs, and the mark of what was left out."""
_TAIL_OF_QUESTION: Final = 0.8
_MOST_OFFERED: Final = 4
"""Lines of a list at the end of an answer that a short reply is quoted with."""
_LEAST_OFFER: Final = 8
"""The tokens of a last line that may offer something."""
_BY_NUMBER: Final = later(r"\s*[Qq]?\d{1,2}\s?[.):：、）]")
_NUMBERED: Final = later(r"(?<![\w.])([Qq]?\d{1,2})\s?[.):：、）]\s*([A-Za-z](?!\w))?")
"""A number at the beginning of what was asked or replied, and the letter of the option that was chosen."""
_OPTION: Final = later(r"\W*(?:(\w+)\s)?(\d{1,2}|[A-Za-z])\s?[.):：、）\]|—–\-\ufe0f\u20e3](?!\d)")
"""The beginning of an option: its number or letter, perhaps behind a word. `2.5` and `10:30` begin none."""
_CODE: Final = later(r"\W*(?:\d{1,2}\s?[.):]\W*)?\[([A-Z]{2,3})\]")
"""Of a menu's line, perhaps numbered: `3. [CR] Code review`."""
_WORD: Final = later(r"\w+")
_VERSION: Final = later(r"[^\W\d_]\d+(?:\.\d+)+")
"""A version right behind a word or a letter: neither its numbers nor that letter choose anything."""
_SEVERAL: Final = later(r"\s*(?:\d{1,2}\s?[,、，+&]\s?)+\d{1,2}(?![\d.])")
"""The numbers of several options at the beginning of a reply: further words may follow without a blank."""
_AND: Final = later(r"(?<!\w)(\d{1,2})(?:\s[^\W\d_]{1,4}\s|\s?[^\W\d_a-zA-Z]{1,2}\s?)(?=\d{1,2}(?!\w))")
"""What joins two options ("1 and 2", "1和3"): a short word of any language."""
_FEW_WORDS: Final = 2
"""A reply of more words may have a number that chooses nothing ("keep all 2")."""
_NUMBER_OF: Final = attrgetter("number")


def asked_before(step: Step) -> str:
    """Returns the question at the end of the turn before, in the same session; empty if there is none."""
    before = _turn_before(step)
    return last_words(before).question if before is not None else ""


def _turn_before(step: Step) -> Turn | None:
    turns, number = step.digest.turns, step.turn.number - 1
    at = bisect_left(turns, number, key=_NUMBER_OF)
    return turns[at] if at < len(turns) and turns[at].number == number else None


def replying_to(step: Step, label: str, *, is_task: bool = False) -> str:
    """Returns the label of a prompt with what it replied to: the questions that it answers by their numbers; if it is
    short or begins with a reply, the question at the end of the turn before; or, if it is short or begins with several
    numbers, the options that it chooses; or, if it is short, the end of the list that it follows or, if it
    `is_task`, the offer."""
    prompt = step.turn.prompt
    before = _turn_before(step)
    is_short = step.turn.chars <= SHORT_REPLY and not is_question(prompt)
    is_reply = is_short or (step.turn.chars <= _LONG_REPLY and replies_first(prompt))
    several = _SEVERAL.match(prompt)
    if before is None or prompt.startswith("/") or not (is_reply or several or _BY_NUMBER.match(prompt)):
        return label
    asked = asked_before(step)
    if PROTOCOL_QUESTION in asked:
        return label
    # A short prompt leaves the rest of its line to what it replied to.
    room = max(ASKED_CHARS, PIECE_CHARS - len(f"{label}, asked “”: {prompt}")) if is_short else ASKED_CHARS
    if numbered := [*_asked_by_number(prompt, before.answer, asked)]:
        return f"{label}, asked {_in_short(numbered, room)}"
    marks = several[0] if several else prompt
    if asked and is_reply:  # without any work since, Next action has the question
        lines = _asked(marks, asked, before.answer)
        return label if is_bare(step.turn) else f"{label}, asked {_in_short(lines, room)}"
    if not is_short and not several:
        return label
    # Options may come before a last line such as "Once you have chosen, I will begin."
    above = before.said[-2].text if len(before.said) > 1 and len(_WORD.findall(prompt)) == 1 else ""
    if chosen := _chosen_in(marks, before.answer) or _chosen_in(prompt, above):
        return f"{label}, after {_in_short(chosen, room)}"
    offered = _offered(before, is_task=is_task and not is_bare(step.turn)) if begins_with_reply(prompt) else ""
    return f"{label}, after {in_quotes(offered, room, tail=0.6)}" if offered else label


def _offered(before: Turn, *, is_task: bool) -> str:
    """Returns the end of the list that an answer ends with; or else, of what the task replies to, its last line, as "If
    you want, I can start with that" (Codex), unless it says too little to be an offer."""
    lines = lines_of(before.answer)
    if lines and is_list_item(before.answer.splitlines()[-1]):
        return LINE_BREAK.join(lines[-_MOST_OFFERED:])
    is_offer = is_task and before.end == "answered" and lines and estimated_tokens(lines[-1]) >= _LEAST_OFFER
    return lines[-1] if is_offer else ""


def _in_short(lines: Sequence[str], chars: int) -> str:
    """Returns the lines between quotation marks; of those that are too long, an equal share of each: what the shorter
    ones need less is the longer ones'. One alone that ends with a question keeps its end."""
    if len(lines) == 1 and is_question(lines[0]):
        return in_quotes(lines[0], chars, tail=_TAIL_OF_QUESTION)
    left = chars // _CHARS_A_TOKEN - _BETWEEN_TOKENS * len(lines)
    shown = [*lines]
    if left >= _LEAST_TOKENS * len(lines):
        shortest_first = sorted(range(len(lines)), key=lambda at: estimated_tokens(lines[at]))
        for count, at in zip(range(len(lines), 0, -1), shortest_first, strict=True):
            shown[at] = clip(lines[at], chars=chars, tokens=left // count)
            left -= estimated_tokens(shown[at])
    return in_quotes(LINE_BREAK.join(shown), chars)


def _asked(prompt: str, asked: str, answer: str) -> Sequence[str]:
    """Returns the lines of a question, or which it is and what the prompt chose: an option by its number or letter,
    which may stand above the question, or one that begins like the prompt."""
    lines = lines_of(asked)
    named = (line for line in lines[1:] if _begins_with(line, prompt.strip(" .")))
    chosen = _chosen_in(prompt, answer, lines) or [*named][:1]
    asks = (line for line in lines if is_question(line) and _WORD.search(line) and not _OPTION.match(line))
    question = next(asks, lines[0])
    return [*dict.fromkeys((question, *chosen))] if chosen else lines


def _chosen_in(prompt: str, answer: str, more: Sequence[str] = ()) -> list[str]:
    """Returns the options of an answer that a prompt chose. Quoted ones count only if none of the agent's own match."""
    lines = answer.splitlines()
    own = [line for line, is_own in zip(lines, own_lines(lines), strict=True) if is_own]
    chosen = [*_chosen(prompt, lines_of("\n".join(own)))]
    is_all = len(own) == len(lines) and not more
    return chosen if chosen or is_all else [*_chosen(prompt, (*lines_of(answer), *more))]


def _chosen(prompt: str, lines: Iterable[str]) -> Iterator[str]:
    """Yields the options that a prompt such as "2", "1, 3", "1 and 3", "C+2" or "option B" chose: of each the last line
    that begins with its number or letter, perhaps behind a word ("Option B:"). A prompt of more words has that word
    too."""
    options: dict[str, dict[str, str]] = {}
    coded: dict[str, str] = {}
    for line in lines:
        if option := _OPTION.match(line):
            options.setdefault(option[2].casefold(), {})[(option[1] or "").casefold()] = line
        if code := _CODE.match(line):
            coded[code[1].casefold()] = line
    if len(coded) > 1:  # one alone may be a log's: `[OK] the till is open`
        options.update({code: {"": line} for code, line in coded.items() if code not in options})
    if not options:
        return
    marks, joints = _AND.subn(r"\1 ", _VERSION.sub("version", prompt.casefold()))
    words = _WORD.findall(marks)
    letters = [word for word in words if not word.isdigit()]
    # Several letters may answer as many questions.
    is_alone = len(words) == 1 or not letters or (len(letters) == 1 and len(letters[0]) == 1)
    for before, mark in pairwise(("", *words)):
        is_mark = is_alone or mark.isdigit() or (mark == words[-1] and len(before) != 1)
        named = options.get(mark, {}) if is_mark else {}
        # Of a long answer the middle is gone: with options 2 to 4, "option 1" is not a list's first line.
        is_gone = before and any(before in other and key.isdigit() == mark.isdigit() for key, other in options.items())
        if before in named and (before or is_alone):
            yield named[before]
        elif named and not is_gone and (is_alone or len(words) - joints <= _FEW_WORDS):
            yield named.get("", [*named.values()][-1])


def _asked_by_number(prompt: str, answer: str, asked: str) -> Iterator[str]:
    """Yields what `answer` asked under the numbers that a prompt such as "1. A; 2. B" begins with, each with the option
    that was chosen. Without a question at its end, only what has such options was asked."""
    if not _BY_NUMBER.match(prompt):
        return
    lines = lines_of(answer)
    for number, letter in _NUMBERED.findall(prompt):
        at = max((at for at, line in enumerate(lines) if _begins_with(line, number)), default=None)
        if at is None:
            continue
        below = takewhile(lambda line: not _BY_NUMBER.match(line), lines[at + 1 :])
        chosen = next((line for line in below if letter and _begins_with(line, letter)), "")
        if asked or chosen:
            yield f"{lines[at]} {chosen}".strip()


def _begins_with(line: str, mark: str) -> bool:
    begins = line.casefold().lstrip("([ " if mark[:1] in ("Q", "q") else "([ q")
    return mark != "" and begins.startswith(mark.casefold()) and not begins[len(mark) :][:1].isalnum()
