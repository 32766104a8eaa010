"""Turns quotes into entries, one per part, and splits a question from the end of a turn's last words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import takewhile
from typing import Final, NamedTuple

from msgspec.structs import replace

from carryover.distill.closed_classes import (
    NEXT,
    OPEN,
    is_list_item,
    is_numbered,
    is_question,
    label_of,
)
from carryover.distill.digest import Turn
from carryover.distill.entry import Entry, EntryKind, Rank, fixed_rank, lower
from carryover.distill.quotes import (
    BESIDE,
    fits,
    label_of_one_place,
    lines_of,
    of_one_place,
    pieces,
    sentences,
    without_bold,
)
from carryover.distill.trail import Past, Step
from carryover.distill.view import SessionView
from carryover.text.markdown import LEFT_OUT, own_lines
from carryover.text.pattern import later

_VALUES: Final = later(r"[\W\d_]+")
_LETTERED: Final = later(r"\s*[-*+•]\s+\**(?:[^\W\d_]{1,12}\s)?[A-H][.:：)）]")
"""A bullet that says which option it is, perhaps behind the word for one."""
_MOST_OPTIONS: Final = 8
_SHORT_QUESTION: Final = 80
_MOST_AFTER: Final = 2
"""Most lines that may follow a question without answering it."""
_FIRST_OF_TABLE: Final = later(r"\|\s*\**A\**\s*\|")
"""The row of the first option in a table, as Spec Kit asks."""
_HEAD_OF_TABLE: Final = later(r"(?i)\|\s*\**options?\**\s*\|")
"""Its head, which results of variants or grades A, B, ... do not have."""
_ABOVE_TABLE: Final = 2
"""Lines that say what such a table asks: what it is about, and which option is recommended."""


def from_session(
    view: SessionView,
    turn: int,
    text: str,
    kind: EntryKind,
    rank: Rank | None = None,
    *,
    label: str = "",
    at_ms: int,
) -> Entry:
    """Returns one line from turn `turn` of a session."""
    return Entry(
        text=text, kind=kind, rank=rank, label=label, session=view.session, agent=view.agent, turn=turn, at_ms=at_ms
    )


def from_turn(
    step: Step, text: str, kind: EntryKind, rank: Rank | None = None, *, label: str = "", at_ms: int | None = None
) -> Entry:
    """Returns one line from a turn."""
    moment = step.turn.at_ms if at_ms is None else at_ms
    return from_session(step.view, step.turn.number, text, kind, rank, label=label, at_ms=moment)


def parted(
    step: Step,
    text: str,
    kind: EntryKind,
    row: str | None = None,
    back: int = 0,
    *,
    label: str,
    most: int = 99,
    at_ms: int | None = None,
) -> list[Entry]:
    """Splits a quote into entries, fixed as the `row` of the order says for one so many quotes `back`. The first and
    last of them stay longest, of a prompt, a question or a text from outside the beginning; beyond `most` lines, its
    middle is left out."""
    parts = list(enumerate(pieces(text, beside=len(label), printed=kind == "call")))
    count = len(parts)
    if count == 1:  # as most quotes have
        return [from_turn(step, parts[0][1], kind, fixed_rank(row, 0, back), label=label, at_ms=at_ms)]
    if count > most:
        parts = [*parts[: most // 2], *parts[count - (most + 1) // 2 :]]
    before = _kept_before(len(parts), head=kind in ("prompt", "question", "text from outside"))
    for at, (_, part) in enumerate(parts[1:]):
        if is_numbered(part):  # the third step of several says little without those before it
            before[at] = min(before[at], before[at + 1])
    if fits(text):  # it has parts since its label is long
        before = [0] * len(parts)
    whole = from_turn(step, text, kind, label=label, at_ms=at_ms)
    return [
        replace(whole, text=part, rank=fixed_rank(row, kept, back), part=at, parts=count)
        for (at, part), kept in zip(parts, before, strict=True)
    ]


def _kept_before(count: int, head: bool) -> list[int]:
    """Returns for each part how many are kept before it: last, first, last but one, last but two, second, and so
    on; with `head`: first, last, second, third, last but one, fourth, and so on."""
    before = [0] * count
    first = 0
    last = count - 1
    for kept in range(count):
        if (kept % 3 == 1) != head:
            before[first] = kept
            first += 1
        else:
            before[last] = kept
            last -= 1
    return before


def not_alike(steps: Iterable[Step], text: Callable[[Turn], str], most: int) -> list[Step]:
    """Returns the steps, newest first, with the newest `most` of those whose texts differ only in numbers or
    punctuation ("ok, part 4")."""
    alike = Counter[str]()
    kept = []
    for step in reversed([*steps]):
        pattern = _without_values(text(step.turn))
        alike[pattern] += 1
        if alike[pattern] <= most:
            kept.append(step)
    return kept


@lru_cache(maxsize=1024)  # every handoff compares the same prompts and answers
def _without_values(text: str) -> str:
    return _VALUES.sub(" ", text.casefold())


def joined_short(entries: Iterable[Entry]) -> list[Entry]:
    """Joins short neighbours on one line, which names a speaker once, stays as long as the longest-staying of its
    entries, and is needed if one of them is."""
    lines: list[Entry] = []
    for entry in map(_of_one_place, entries):
        before = lines[-1] if lines else None
        last = before.sources[-1] if before else None
        goes_on = last and entry.label == last.label and (entry.kind != "call" or entry.at_ms == last.at_ms)
        shown = entry.text if goes_on else _after(last, entry)
        if before is None or before.parts > 1 or entry.parts > 1 or not fits(f"{before.shown}{BESIDE}{shown}"):
            lines.append(entry)
            continue
        text = f"{before.text}{BESIDE}{shown}"
        rank = lower(before.rank, entry.rank)
        needed, again = before.needed or entry.needed, before.again and entry.again
        members = (*before.sources, *entry.sources)
        lines[-1] = replace(before, text=text, rank=rank, needed=needed, again=again, members=members)
    return lines


def _of_one_place(entry: Entry) -> Entry:
    label, text = label_of_one_place(entry.label), of_one_place(entry.text)
    return entry if (label, text) == (entry.label, entry.text) else replace(entry, label=label, text=text)


def _after(last: Entry | None, entry: Entry) -> str:
    """Returns the entry as it continues a line: a speaker is named once, each place in time always."""
    who, bracket, place = entry.label.partition(" (")
    quotes = "“" in who or "`" in who  # so the bracket may be part of it
    if last is None or not bracket or not entry.text or quotes or last.label.partition(" (")[0] != who:
        return entry.shown
    return f"({place}: {entry.text}"


class LastWords(NamedTuple):
    """The last words of a turn: the text, the question with its options that ends it, and what a label marks as open
    or as next, each apart from the others."""

    body: str
    question: str = ""
    following: str = ""

    @property
    def said(self) -> str:
        """The text without what is still open."""
        return "\n".join(filter(None, (self.body, self.following)))


def last_words(turn: Turn) -> LastWords:
    """Returns all last words of an answered turn. Of a turn that was cut off, returns only a question that the user did
    not reply to, not even where a tool asked it again; of one that may still run, only one in its newest words: before
    these the agent went on without an answer."""
    if turn.end == "answered":
        return _words_of(turn.answer)
    replied_ms = max((reply.at_ms for reply in turn.replies if reply.text), default=0)
    texts = turn.said[-1:] if turn.end == "" else turn.said
    asked = (_parted(said.text).question for said in reversed(texts) if said.at_ms > replied_ms)
    return LastWords(body="", question=next(filter(None, asked), ""))


def question_of(answer: str) -> str:
    """Returns the question that an answer ends with; empty if it asks nothing."""
    return _words_of(answer).question


def announced(past: Past) -> str:
    """Returns what the last words mark as next, until the user has said something else: it may turn that down."""
    return last_words(past.main.turn).following if past.main.turn is past.newest.turn else ""


@lru_cache(maxsize=512)  # every handoff examines the same answers again
def _words_of(answer: str) -> LastWords:
    labelled = _labelled(answer)
    words = _parted(labelled[""])
    question = "\n".join(filter(None, (labelled[OPEN], words.question)))
    return LastWords(words.body, question, labelled[NEXT])


def _labelled(text: str) -> dict[str, str]:
    """Returns the lines of a text by the headings that their labels name, most of them none. List items below a label
    go with it, the code that one of them leads to, and the paragraph below a label that stands alone. A question that
    ends the text stays where it is."""
    lines = text.splitlines()
    ends = max((at for at, line in enumerate(lines) if lines_of(line)), default=0)
    found: dict[str, list[str]] = {"": [], NEXT: [], OPEN: []}
    heading = ""
    room = 0
    takes_one = leads = False
    for at, (line, is_own) in enumerate(zip(lines, own_lines(lines), strict=True)):
        named, has_text = label_of(line) if is_own else ("", False)
        is_item = is_list_item(line)
        indent = _indent(line)
        is_code = not is_own or line.startswith(LEFT_OUT)
        if named and (has_text or at < ends):
            heading = named
            room = indent + is_item
            takes_one = not has_text
        elif takes_one or not line.strip() or (is_code and leads):
            pass
        elif indent < room or not (is_item or indent > room):
            heading = ""
        if line.strip() and not is_code:
            leads = line.rstrip(" *_").endswith((":", "："))
        takes_one = takes_one and (named != "" or line.strip() == "")
        asks = at == ends and heading == NEXT and is_question(line)
        found["" if asks else heading].append(line)
    if not lines_of("\n".join(found[""])):
        return {"": text, NEXT: "", OPEN: ""}
    return {heading: "\n".join(lines) for heading, lines in found.items()}


def _parted(text: str) -> LastWords:
    whole = text.splitlines()
    lines, own = [], []
    for line, is_own in zip(whole, own_lines(whole), strict=True):
        if lines_of(line):
            lines.append(line)
            own.append(is_own)
    if not lines:
        return LastWords(body="")
    *before, last = lines
    ends = sentences(without_bold(last))  # bold may be more than one sentence
    # If a text ends in a paragraph, its last line is the last sentence.
    units = [*before, *ends] if len(ends) > 1 and not is_list_item(last) else lines
    # A question that the agent quotes, from a page for example, is not put to the user.
    asked = _asked_from(units, [*own[:-1], *([own[-1]] * (len(units) - len(before)))])
    asked = _asked_by_table(lines, own) if asked is None else asked
    first_end = len(before)
    if asked is None:
        return LastWords(body=text)
    if first_end < asked and len(units[asked]) < _SHORT_QUESTION:
        asked -= 1  # "Which one?" says little without the sentence before it
    return LastWords(body=_text(units[:asked], first_end), question=_text(units[asked:], first_end - asked))


def _text(units: list[str], first_end: int) -> str:
    """Joins lines into a text; from `first_end` on, they are the sentences of one line."""
    at = max(0, first_end)
    return "\n".join([*units[:at], *([" ".join(units[at:])] if units[at:] else [])])


def _asked_from(lines: list[str], own: list[bool]) -> int | None:
    """Returns the index of the line where the question at the end of a text begins, with its options; None if the text
    does not end in a question. `own`: of each line, whether the agent says it rather than quotes it."""
    asked = next((at for at in range(len(lines) - 1, -1, -1) if own[at] and _asks(lines, at)), None)
    if asked is None or _is_answered(lines, asked):
        return None
    below = [line.lstrip("> ") for line in lines[asked + 1 :]]
    has_table = any(map(_FIRST_OF_TABLE.match, below))
    after = sum(not (is_list_item(line) or (has_table and line.startswith("|"))) for line in below)
    # A paragraph below a heading answers it: "## Why a cache?".
    if after > (0 if lines[asked].startswith("#") else _MOST_AFTER):
        return None
    start = asked
    # Bullets before the question may be anything, so only options with a number or letter and further questions count.
    first = max(0, asked - _MOST_OPTIONS)
    while start > first and (_is_option(lines[start - 1]) or (own[start - 1] and is_question(lines[start - 1]))):
        start -= 1
    if start > 0 and lines[start - 1].rstrip().endswith((":", "：")):
        return start - 1
    # Numbered statements that nothing leads to, amid the text, ask nothing: the last one only names a button.
    is_list = after > 0 and first < start < asked and is_numbered(lines[start]) and is_numbered(lines[asked])
    return None if is_list and not any(map(_has_question, lines[start:asked])) else start


def _asked_by_table(lines: Sequence[str], own: Sequence[bool]) -> int | None:
    """Returns the index of the line where a question without a question mark begins: a text that ends in a table of
    options by letters asks which one. None if it does not."""
    heads = (at for at in range(len(lines) - 2, -1, -1) if own[at] and _HEAD_OF_TABLE.match(lines[at]))
    head = next((at for at in heads if _FIRST_OF_TABLE.match(lines[at + 1])), None)
    if head is None or sum(not line.startswith("|") for line in lines[head:]) > _MOST_AFTER:
        return None
    return max(0, head - _ABOVE_TABLE)


def _asks(lines: Sequence[str], at: int) -> bool:
    """Whether a line is a question, or has one before the sentence that leads to a list ("Shall I? I can run:")."""
    if is_question(lines[at]):
        return True
    leads = lines[at].rstrip(" *_").endswith((":", "：")) and any(map(is_list_item, lines[at + 1 : at + 2]))
    return leads and _has_question(lines[at])


def _is_answered(lines: Sequence[str], at: int) -> bool:
    """Whether a question that is a list item has only one item below it: options would be several."""
    below = [*takewhile(lambda line: _indent(line) > _indent(lines[at]), lines[at + 1 :])]
    return is_list_item(lines[at]) and len(below) == 1 and is_list_item(below[0])


def _is_option(line: str) -> bool:
    return is_numbered(line) or _LETTERED.match(line) is not None


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _has_question(line: str) -> bool:
    return any(map(is_question, sentences(without_bold(line))))
