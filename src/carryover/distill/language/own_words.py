"""A prompt without what the user only passed on: handoffs, templates, logs, code, mail, another agent's answer."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import msgspec

from carryover.distill.language import lexicon
from carryover.distill.language.forms import is_question
from carryover.distill.language.machine_lines import LineKind, is_drawn, is_header, is_surely_printed, kinds_of
from carryover.distill.language.names import names_in
from carryover.distill.language.prose import sentences, word_count
from carryover.distill.language.templates import typed_in
from carryover.distill.language.tongue import tongue_of
from carryover.distill.own_text import without_handoffs
from carryover.text import lazy_re as re
from carryover.text.markdown import is_bullet, is_fence, line_forms


class OwnWords(msgspec.Struct, frozen=True):
    """What the user typed in a prompt, and what was pasted beside it."""

    text: str
    pasted: str = ""


_Passed = list[bool]
"""For each line whether it was passed on."""

_REPORT_LINES: Final = 4
_PROSE_GAP: Final = 4
_FEW: Final = 2
_MANY: Final = 6
_INTRODUCTION_WORDS: Final = 14
_MUCH_WORDS: Final = 15
_SENTENCE_WORDS: Final = 3
_PLAIN_LIST: Final = 0.7
_ENDS_IN_COLON: Final = re.compile(r"[:：]\s*$")
_ENDS_SENTENCE: Final = re.compile(r"[.!?:…。！？：]\W{0,3}$")


def own_words(prompt: str) -> OwnWords:
    """What the user typed of `prompt`. Where all of it was pasted, the text is empty.

    Lines that a machine wrote are not the user's, nor are the lines between and right beside them; nor is what follows
    a short first line that ends in a colon; nor mail, nor what is in another language than the line that leads to it.
    """
    words = typed_in(without_handoffs(prompt))
    lines = words.replace("\r\n", "\n").strip("\n").split("\n")
    lines, typed = _parted(_without_document_fences(lines))
    kinds = kinds_of(lines)
    passed = (
        _introduced(lines, kinds)
        or _mail(lines)
        or (None if typed else _in_another_language(lines, kinds))
        or _report(lines)
        or _around_machine_lines(lines, kinds)
    )
    passed = [given and index not in typed for index, given in enumerate(passed)]
    return OwnWords(
        text="\n".join(line for line, given in zip(lines, passed, strict=True) if not given).strip(),
        pasted="\n".join(line for line, given in zip(lines, passed, strict=True) if given).strip(),
    )


def _without_document_fences(lines: list[str]) -> list[str]:
    """The lines without the fences around Markdown: what is between them is prose and lists, not code."""
    forms = line_forms(lines)
    inside = False
    kept = []
    for line, form in zip(lines, forms, strict=True):
        if form == "fence" and (inside or _DOCUMENT_FENCE.match(line)):
            inside = not inside
        else:
            kept.append(line)
    return kept


_DOCUMENT_FENCE: Final = re.compile(r"\s*(?:`{3,}|~{3,})\s*(?:md|markdown)\s*$", re.I)


def _parted(lines: list[str]) -> tuple[list[str], set[int]]:
    """The lines, with one that a machine wrote and the user went on writing in parted in two, and the indexes of what
    the user wrote in such a line."""
    found: list[str] = []
    typed = set()
    for number, line in enumerate(lines):
        begins = _typed_after(line)
        if begins is not None:
            found.append(line[:begins])
            typed.add(len(found))
            found.append(line[begins:])
        elif number == 0 and (lead := _LEAD.match(line)) is not None and is_surely_printed(lead[2]):
            found += [lead[1], lead[2]]
        else:
            found.append(line)
    return found, typed


def _typed_after(line: str) -> int | None:
    """Where the user goes on writing in a line that a machine wrote: nothing but words to its end or for long, in
    another language than programs speak, or of somebody who says "I". None where nobody does."""
    if len(line) < _LONG_LINE or not is_surely_printed(line):
        return None
    tail = _WORDS_IN_A_ROW.search(line, _FEW_CHARS)
    if tail is None:
        return None
    said = line[tail.start() :]
    tongue = tongue_of(said)
    return tail.start() if tongue is not None and (tongue != "en" or lexicon.SPEAKER.search(said)) else None


_LEAD: Final = re.compile(r"([^\W\d_][^:：\n]{2,80}[:：])\s*(\S.*)", re.S)
_LONG_LINE: Final = 80
_FEW_CHARS: Final = 12
_PLAIN_WORD: Final = r"[\"'(¿¡]?[^\W\d_]+(?:['’-][^\W\d_]+)*[.,;:!?)\"']{0,2}"
_WORDS_IN_A_ROW: Final = re.compile(rf"(?<=\s)(?![A-Z]\w){_PLAIN_WORD}(?: {_PLAIN_WORD}){{9,}}")


def _introduced(lines: list[str], kinds: list[LineKind]) -> _Passed | None:
    """Where a short first line ends in a colon before much more, only it is the user's, and a last single line after
    what a machine wrote. A plain list after it is the user's too."""
    filled = [index for index, line in enumerate(lines) if line.strip()]
    if len(filled) < 2:
        return None
    first, rest = filled[0], filled[1:]
    if kinds[first] != "prose" or not _leads(lines[first]) or is_fence(lines[rest[0]]):
        return None
    if lexicon.SWITCH.search(lines[first]):
        return None  # the heading of a request
    if any(_REFERENCE.search(lines[index]) for index in rest):
        return None  # what is attached by a mark is typed
    printed = [index for index in rest if kinds[index] == "machine" and not is_drawn(lines[index])]
    by_machine = 3 * len(printed) >= len(rest) or any(is_surely_printed(lines[index]) for index in printed)
    by_machine = by_machine or any(is_fence(lines[index]) for index in printed)
    if not by_machine and _says_what_to_do(lines[first], listed=is_bullet(lines[rest[0]])):
        return None
    bullets = sum(1 for index in rest if is_bullet(lines[index]))
    long = sum(len(lines[index]) for index in rest) > 2 * len(lines[first])
    if not by_machine and (bullets >= _PLAIN_LIST * len(rest) or not long or len(rest) < 3):
        return None
    passed = [bool(line.strip()) and index != first for index, line in enumerate(lines)]
    if by_machine and (last := _closing_line(lines, kinds)) is not None:
        passed[last] = False
    return passed


_REFERENCE: Final = re.compile(r"(?:^|\s)(?:#file:|@)[\w./~-]*\w\.\w{1,5}\b|(?:^|\s)@[\w.~-]*/[\w./~-]*\w")
"""A file that is mentioned to the client: "@src/cart.py", "#file:cart.py"."""


def _says_what_to_do(line: str, *, listed: bool) -> bool:
    """A request that goes on below the line: it names what is to be worked on, or asks politely for what a list names.
    What only leads to a paste ("I get this:") names nothing."""
    return bool(names_in(line)) or (listed and lexicon.REQUEST.search(line) is not None)


def _leads(line: str) -> bool:
    return _ENDS_IN_COLON.search(line) is not None and word_count(line) <= _INTRODUCTION_WORDS


def _mail(lines: list[str]) -> _Passed | None:
    """From two header lines in a row on it is somebody's mail, but for a last line that is a separate paragraph."""
    pairs = (index for index in range(len(lines) - 1) if is_header(lines[index]) and is_header(lines[index + 1]))
    start = next(pairs, None)
    if start is None:
        return None
    return _but_for_last_line(lines, [bool(line.strip()) and index >= start for index, line in enumerate(lines)])


def _in_another_language(lines: list[str], kinds: list[LineKind]) -> _Passed | None:
    """Where the first line, or a last one, is in another language, the rest is not the user's. What a machine
    wrote is in none."""
    filled = [index for index, line in enumerate(lines) if line.strip()]
    if len(filled) < 2:
        return None
    first, last = filled[0], filled[-1]
    for own, rest in ((first, range(first + 1, len(lines))), (last, range(last))):
        if kinds[own] != "prose":
            continue
        other = "\n".join(lines[index] for index in rest if kinds[index] == "prose")
        tongue, foreign = tongue_of(lines[own]), tongue_of(other)
        short = word_count(lines[own]) <= 2 * _INTRODUCTION_WORDS
        if tongue and foreign and tongue != foreign and short and word_count(other) >= _MUCH_WORDS:
            return [
                bool(line.strip())
                and index != own
                and not (kinds[index] == "prose" and word_count(line) >= _SENTENCE_WORDS and tongue_of(line) == tongue)
                for index, line in enumerate(lines)
            ]
    return None


def _report(lines: list[str]) -> _Passed | None:
    """A text with a list, that asks whether its writer should do something, is another agent's."""
    filled = [index for index, line in enumerate(lines) if line.strip()]
    if len(filled) < _REPORT_LINES or not any(is_bullet(line) for line in lines):
        return None
    if not any(is_question(one) and lexicon.OFFER.search(one) for one in sentences("\n".join(lines))):
        return None
    passed = [bool(line.strip()) for line in lines]
    first = filled[0]
    apart = first + 1 < len(lines) and not lines[first + 1].strip() and word_count(lines[first]) <= _INTRODUCTION_WORDS
    if (apart or _leads(lines[first])) and not lexicon.OFFER.search(lines[first]):
        passed[first] = False
        return passed
    return _but_for_last_line(lines, passed)


def _but_for_last_line(lines: list[str], passed: _Passed) -> _Passed:
    last = max(index for index, line in enumerate(lines) if line.strip())
    if last and not lines[last - 1].strip() and not is_bullet(lines[last]) and not lexicon.OFFER.search(lines[last]):
        passed[last] = False
    return passed


def _around_machine_lines(lines: list[str], kinds: list[LineKind]) -> _Passed:
    """Machine lines, what is between two of them, and what touches one; the first paragraph and a last line that is
    a separate paragraph stay the user's, and so does what is around a block of code."""
    machine = [index for index, kind in enumerate(kinds) if kind == "machine"]
    passed = [kind == "machine" for kind in kinds]
    if not machine:
        return passed
    printed = [index for index in machine if not is_drawn(lines[index])]
    mostly = len(printed) >= _MANY and len(machine) * 2 >= machine[-1] - machine[0]
    for before, after in pairwise(machine):
        fenced = is_fence(lines[before]) or is_fence(lines[after])
        if mostly or (after - before <= _PROSE_GAP and not fenced):
            passed[before:after] = [True] * (after - before)
    opening = _opening_paragraph(kinds)
    for index in machine:
        if not is_fence(lines[index]):
            _pass_neighbours(lines, kinds, index, opening, passed)
    first = next(index for index, kind in enumerate(kinds) if kind != "blank")
    begins = kinds[first] == "machine" and not is_fence(lines[first])
    if begins or (mostly and _runs_into(lines, machine[0])):
        passed = [kind != "blank" for kind in kinds]
        if (last := _closing_line(lines, kinds, alone=not begins or len(machine) < _FEW)) is not None:
            passed[last] = False
    return passed


def _runs_into(lines: list[str], index: int) -> bool:
    """The machine line at `index` continues a paragraph that begins the prompt, without a sentence's end before it."""
    before = lines[:index]
    if is_fence(lines[index]) or not before or len(before) > _PROSE_GAP:
        return False
    return all(line.strip() for line in before) and not _ENDS_SENTENCE.search(before[-1])


def _pass_neighbours(lines: list[str], kinds: list[LineKind], index: int, opening: range, passed: _Passed) -> None:
    """The prose right after the machine line at `index`, and right before it unless that leads to it."""
    after = index + 1
    while after < len(lines) and kinds[after] == "prose":
        passed[after] = True
        after += 1
    before = index - 1
    while before > 0 and kinds[before] == "prose":
        if _ENDS_IN_COLON.search(lines[before]) or before in opening:
            break
        passed[before] = True
        before -= 1


def _closing_line(lines: list[str], kinds: list[LineKind], *, alone: bool = True) -> int | None:
    """The last line, where it is prose and (`alone`) a separate paragraph."""
    last = max(index for index, line in enumerate(lines) if line.strip())
    if kinds[last] != "prose" or last == 0 or is_bullet(lines[last]):
        return None
    if kinds[last - 1] == "blank":
        return last
    return last if not alone and kinds[last - 1] == "machine" and word_count(lines[last]) >= _SENTENCE_WORDS else None


def _opening_paragraph(kinds: list[LineKind]) -> range:
    """The lines of the paragraph that begins the prompt; none where something else begins it."""
    first = next((index for index, kind in enumerate(kinds) if kind != "blank"), len(kinds))
    end = first
    while end < len(kinds) and kinds[end] == "prose":
        end += 1
    return range(first, end)
