"""What an assistant's text says: what comes next, what it asks, found out, tried in vain and left open.

Place and form decide first (the last list, the last sentence, what follows a colon); the words of `lexicon` only weigh.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import msgspec

from carryover.distill.clip import clip
from carryover.distill.language import lexicon
from carryover.distill.language.answer import Part, parts_of
from carryover.distill.language.prose import first_sentence, one_line, word_count


class Quote(msgspec.Struct, frozen=True, omit_defaults=True):
    """Words of a text and the rule that took them out of it."""

    text: str
    rule: str
    weight: float = 0.0
    names: tuple[str, ...] = ()


class Asked(msgspec.Struct, frozen=True, omit_defaults=True):
    """A question that an assistant put to the user, with the choices it offered."""

    text: str
    rule: str
    options: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


class Report(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a text of an assistant says. Every tuple is in the order of the text and short."""

    sentences: int = 0
    """Of prose: list items, headings and code aside."""
    outcome: str = ""
    """The first sentence that says something."""
    announced: tuple[Quote, ...] = ()
    asked: tuple[Asked, ...] = ()
    asks_to_go_on: bool = False
    """It ends in the question of the resume protocol."""
    dead_ends: tuple[Quote, ...] = ()
    findings: tuple[Quote, ...] = ()
    loose_ends: tuple[Quote, ...] = ()
    names: tuple[str, ...] = ()


_LONGEST: Final = 12_000
_MOST_OF_A_KIND: Final = 4
_MOST_NAMES: Final = 24
_ITEM_CHARS: Final = 200
_SENTENCE_CHARS: Final = 260
_MOST_OPTIONS: Final = 6


def read_report(text: str) -> Report:
    """What `text` says. Of a very long one its beginning and its end are read."""
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 3]}\n\n{text[-_LONGEST * 2 // 3 :]}"
    parts = parts_of(text)
    prose = [part for part in parts if part.kind == "prose"]
    asked = _asked(parts)
    announced = _announced(parts, asked_lines={line for _, lines in asked for line in lines})
    taken = {quote.text for quote in announced} | {one.text for one, _ in asked}
    dead = dead_ends_in(parts, taken)
    taken |= {quote.text for quote in dead}
    loose = _loose_ends(parts, taken)
    taken |= {quote.text for quote in loose}
    names = dict.fromkeys(name for part in parts if part.kind != "code" for name in part.names)
    return Report(
        sentences=sum(1 for part in prose if part.words >= 2 or part.names),
        outcome=clip(_outcome(prose, text), chars=240),
        announced=announced,
        asked=tuple(one for one, _ in asked),
        asks_to_go_on=any(part.asks and lexicon.PROTOCOL_QUESTION.search(part.text) for part in prose[-3:]),
        dead_ends=dead,
        findings=findings_in(parts, taken, closing=True),
        loose_ends=loose,
        names=tuple(names)[:_MOST_NAMES],
    )


def _outcome(prose: Sequence[Part], text: str) -> str:
    """The first sentence, with the first that names something where it does not itself."""
    first = first_sentence(text)
    if not prose or prose[0].names or word_count(first) > _TELLING_WORDS:
        return first
    named = next(
        (part for part in prose[1:] if part.names and not part.asks and not part.announces and part.text not in first),
        None,
    )
    return f"{first} {named.text}" if named is not None else first


_TELLING_WORDS: Final = 12


# ---- questions

_NEAR_END_PARTS: Final = 14
_BARE_QUESTION_WORDS: Final = 6


def _asked(parts: Sequence[Part]) -> list[tuple[Asked, set[int]]]:
    """The questions near the end, each with its options and the lines these take up."""
    found: list[tuple[Asked, set[int]]] = []
    last_prose = [index for index, part in enumerate(parts) if part.kind in ("prose", "item", "heading")][
        -_NEAR_END_PARTS:
    ]
    for index in last_prose:
        part = parts[index]
        by_mark = part.asks
        if not by_mark and not (part.requests and part.kind == "prose" and _is_among_last(parts, index)):
            continue
        if part.is_courtesy or lexicon.PROTOCOL_QUESTION.search(part.text) or _is_followed_by_explanation(parts, index):
            continue
        options, lines = _options(parts, index)
        text = part.text
        if options and not by_mark:  # what is asked stands before the options
            text = next((one.text for one in reversed(parts[:index]) if one.kind in ("prose", "heading")), text)
        if not options and not part.names and (part.words < _BARE_QUESTION_WORDS):
            text = _with_what_stands_before(parts, index)
        rule = "question at the end of the answer" if by_mark else "request for the user's word"
        asked = Asked(clip(text, chars=300), rule, options, part.names)
        if not any(asked.text == other.text for other, _ in found):
            found.append((asked, lines))
    return found[-_MOST_OF_A_KIND:]


def _is_among_last(parts: Sequence[Part], index: int) -> bool:
    return sum(1 for part in parts[index + 1 :] if part.kind in ("prose", "item")) <= 2


def _is_followed_by_explanation(parts: Sequence[Part], index: int) -> bool:
    """A question that the text itself goes on to answer is rhetoric."""
    return sum(1 for part in parts[index + 1 :] if part.kind == "prose" and not part.asks) > 3


def _with_what_stands_before(parts: Sequence[Part], index: int) -> str:
    """A bare question with the sentence before it; with two, where that one names nothing either."""
    text = parts[index].text
    for before in reversed(parts[max(0, index - 2) : index]):
        if before.kind not in ("prose", "item") or before.asks:
            break
        text = f"{clip(before.text, chars=200)} {text}"
        if before.names:
            break
    return text


def _options(parts: Sequence[Part], index: int) -> tuple[tuple[str, ...], set[int]]:
    """The list or table right after the question, else the one right before it."""
    after = _run(parts, index + 1, 1)
    before = _run(parts, index - 1, -1)[::-1]
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


def _run(parts: Sequence[Part], index: int, step: int) -> list[Part]:
    """The items or rows that follow each other from `index` on."""
    found: list[Part] = []
    while 0 <= index < len(parts) and parts[index].kind in ("item", "table"):
        found.append(parts[index])
        index += step
    return found


# ---- what comes next

_LAST_SENTENCES: Final = 8
_MOST_ANNOUNCED: Final = 3
_SHORTEST_ANNOUNCEMENT: Final = 2


def _announced(parts: Sequence[Part], asked_lines: set[int]) -> tuple[Quote, ...]:
    """The command that the answer leads to; else its last list, where that tells of what comes; else its last sentence
    that does."""
    command = _command_at_end(parts)
    if command is not None:
        return (command,)
    steps = _last_list(parts, asked_lines)
    sentence = _last_announcing(parts)
    if steps and sentence is not None and sentence[0] > steps[0]:
        return (sentence[1], *steps[1][:2])
    if steps:
        return steps[1]
    if sentence is not None:
        return (sentence[1],)
    return _last_sentence(parts)


def _last_sentence(parts: Sequence[Part]) -> tuple[Quote, ...]:
    """The last sentence of a text of several, where it names something and is of no other kind."""
    prose = [part for part in parts if part.kind == "prose" and not part.asks]
    if len(prose) < 2:
        return ()
    last = prose[-1]
    of_other_kind = last.fails or last.explains or last.doubts or last.requests or last.is_courtesy or last.works
    if not last.names or of_other_kind or not _SHORTEST_ANNOUNCEMENT <= last.words <= 40:
        return ()
    return (Quote(clip(last.text, chars=_SENTENCE_CHARS), "last sentence of the answer", names=last.names),)


def _command_at_end(parts: Sequence[Part]) -> Quote | None:
    """A block of code at the very end, with the line ending in a colon that leads to it."""
    if len(parts) < 2 or parts[-1].kind != "code" or not parts[-2].text.rstrip().endswith((":", "：")):
        return None
    code = [line.strip() for line in parts[-1].text.splitlines() if line.strip()]
    if not code or len(code) > 8 or parts[-2].kind == "code":
        return None
    return Quote(
        clip(f"{parts[-2].text} `{'; '.join(code[:3]).replace('`', '')}`", chars=_SENTENCE_CHARS),
        "command the answer ends with",
    )


def _last_list(parts: Sequence[Part], asked_lines: set[int]) -> tuple[int, tuple[Quote, ...]] | None:
    """The last list, with its place, where its heading looks ahead or where it is numbered and ends the text."""
    end = max((index for index, part in enumerate(parts) if part.kind == "item"), default=None)
    if end is None:
        return None
    start = end
    while start > 0 and (parts[start - 1].kind in ("item", "code")):
        start -= 1
    items = [part for part in parts[start : end + 1] if part.kind == "item"]
    heading = parts[start - 1] if start else None
    ahead = (
        heading is not None
        and not heading.asks
        and (
            lexicon.NEXT_HEADING.search(heading.text) is not None
            if heading.kind == "heading" or heading.text.endswith((":", "："))
            else False
        )
    )
    after = [part for part in parts[end + 1 :] if part.kind == "prose"]
    ends_text = len(after) <= 1
    numbered = len(items) > 1 and all(part.numbered for part in items)
    open_items = [part for part in items if not part.checked and part.line not in asked_lines and not part.asks]
    if not open_items or not (ahead or (numbered and ends_text and heading is not None and not _tells_of_done(items))):
        return None
    rule = "list under a heading that looks ahead" if ahead else "numbered list at the end"
    return end, tuple(
        Quote(clip(part.text, chars=_ITEM_CHARS), rule, names=part.names) for part in open_items[:_MOST_ANNOUNCED]
    )


def _tells_of_done(items: Sequence[Part]) -> bool:
    return any(part.checked for part in items)


def _last_announcing(parts: Sequence[Part]) -> tuple[int, Quote] | None:
    """The last sentence that looks ahead, with what follows where it ends in a colon."""
    candidates = [(index, part) for index, part in enumerate(parts) if part.kind == "prose"][-_LAST_SENTENCES:]
    for index, part in reversed(candidates):
        if part.announces and not part.is_courtesy and not part.requests and _SHORTEST_ANNOUNCEMENT <= part.words <= 60:
            return index, Quote(
                clip(_with_what_follows(parts, index), chars=_SENTENCE_CHARS),
                "last sentence that looks ahead",
                names=part.names or (parts[index - 1].names if index else ()),
            )
    return None


def _with_what_follows(parts: Sequence[Part], index: int) -> str:
    text = _with_subject(parts, index)
    if not text.endswith((":", "：")):
        return text
    following = parts[index + 1 : index + 4]
    items = [one_line(part.text) for part in following if part.kind in ("item", "code")]
    return f"{text} {'; '.join(items)}" if items else text


# ---- what did not work, what was found, what is left


def dead_ends_in(parts: Sequence[Part], taken: set[str], *, closing: bool = True) -> tuple[Quote, ...]:
    """The sentences that say that something was tried in vain. Before the end of a turn every error sounds like that:
    there only a sentence counts with, or right before, which another way is taken."""
    found = []
    prose = [part for part in parts if part.kind == "prose"]
    for index, part in enumerate(prose):
        if part.text in taken or part.asks or not 3 <= part.words <= 60 or not _tells_failure(part, closing=closing):
            continue
        if not closing and not _gives_up(prose[index : index + 2]):
            continue
        before = prose[index - 1] if index else None
        text, names = part.text, part.names
        if not names and before is not None and before.names and before.line == part.line and before.text not in taken:
            text, names = f"{before.text} {part.text}", before.names
        rule = "failure told in the answer" if closing else "failure told before another way was taken"
        found.append(Quote(clip(text, chars=220), rule, 2.0 if names and part.fails else 1.0, names))
    return tuple(found[-_MOST_OF_A_KIND:])


def _gives_up(sentences_on: Sequence[Part]) -> bool:
    """The sentence says that this way leads nowhere, or it or the next takes another one."""
    first = sentences_on[0]
    if first.names and lexicon.WILL_NOT_WORK.search(first.text) and not lexicon.HEDGE.search(first.text):
        return True
    return any(lexicon.OTHER_WAY.search(part.text) for part in sentences_on)


def _tells_failure(part: Part, *, closing: bool) -> bool:
    """By a word of failure; at the end of a turn also by what is denied of something that has a name."""
    if part.fails:
        return not (part.looks_ahead_to_failure or part.only_unproved)
    if not closing or not part.names or part.announces or part.doubts or part.requests:
        return False
    denied, cause = lexicon.NEGATION.search(part.text), lexicon.CAUSE.search(part.text)
    return denied is not None and (cause is None or denied.start() < cause.start())


_FINDING_CHARS: Final = 260
_FIGURE: Final = re.compile(r"\d{2,}|\d[.,]\d|v\d")
_IDENTIFIER: Final = re.compile(
    r"`[^`]{2,}`|\b\w+[_/]\w+|\b\w+\.\w{1,5}\b|\b\d[\d.,]*\s?(?:%|[kKMG]?B|ms|s|x)\b|[a-z][A-Z]"
)


def findings_in(
    parts: Sequence[Part], taken: set[str], *, closing: bool, after_failure: bool = False
) -> tuple[Quote, ...]:
    """The sentences that say what was found out, each weighted by what speaks for it."""
    found = []
    for index, part in enumerate(parts):
        if part.kind not in ("prose", "item") or part.text in taken or part.asks or part.requests:
            continue
        names_cause = part.explains and (bool(part.names) or lexicon.MAIN_CAUSE.search(part.text) is not None)
        if part.words < (_SHORTEST_CAUSE if names_cause else _SHORTEST_FINDING):
            continue
        if part.numbered and not part.explains:
            continue
        weight = _finding_weight(part, after_failure=after_failure)
        if weight >= (_LEAST_IN_CLOSING if closing else _LEAST_BEFORE):
            text = clip(_with_next(parts, index), chars=_FINDING_CHARS)
            found.append(Quote(text, "what was found out", weight, part.names))
    found.sort(key=lambda quote: -quote.weight)
    return tuple(found[:_MOST_OF_A_KIND])


_SHORTEST_FINDING: Final = 5
_SHORTEST_CAUSE: Final = 2.5


def _with_next(parts: Sequence[Part], index: int) -> str:
    """A short sentence with the one after it: "The cause was x. It lost every second row."."""
    part = parts[index]
    if part.kind != "prose" or part.words > _SHORTEST_FINDING + 1 or index + 1 == len(parts):
        return part.text
    after = parts[index + 1]
    goes_on = after.kind == "prose" and after.line == part.line and not (after.asks or after.announces or after.names)
    return f"{part.text} {after.text}" if goes_on else part.text


_LEAST_IN_CLOSING: Final = 0.5
_LEAST_BEFORE: Final = 1.0


def _finding_weight(part: Part, *, after_failure: bool) -> float:
    identifier = bool(part.names) or _IDENTIFIER.search(part.text) is not None
    if not identifier and not part.explains:
        return 0.0
    weight = 0.5 * identifier + 1.0 * part.explains + 0.5 * after_failure + 0.5 * part.fails
    weight += 1.5 * (lexicon.MAIN_CAUSE.search(part.text) is not None)
    weight -= 1.5 * part.announces + 1.5 * (lexicon.HEDGE.search(part.text) is not None)
    weight += 0.5 * part.works + 0.25 * (_FIGURE.search(part.text) is not None)
    weight += 0.5 * part.bold - 0.5 * part.text.endswith((":", "："))
    weight -= 0.5 * (len(part.text) > _FINDING_CHARS)
    return weight


def _loose_ends(parts: Sequence[Part], taken: set[str]) -> tuple[Quote, ...]:
    """What was left open without asking: doubts, and list items that say what is not or does not work."""
    found = []
    troubled = False  # under a heading of what is missing or wrong
    for part in parts:
        if part.kind == "heading" or (part.kind == "prose" and part.text.endswith((":", "："))):
            troubled = lexicon.MISSING_HEADING.search(part.text) is not None
        if (
            part.kind not in ("prose", "item")
            or part.text in taken
            or part.asks
            or part.checked
            or not 3 <= part.words <= 60
        ):
            continue
        listed = part.kind == "item" and (part.crossed or (troubled and (part.fails or part.negates)))
        if (part.doubts and not part.explains) or listed:
            weight = 1.0 + 0.5 * part.doubts + 0.5 * part.crossed
            found.append(Quote(clip(part.text, chars=240), "left open in the answer", weight, part.names))
    strongest = sorted(range(len(found)), key=lambda index: (-found[index].weight, -index))[:_MOST_OF_A_KIND]
    return tuple(found[index] for index in sorted(strongest))


def last_words(text: str) -> str:
    """The last sentence of a text of the assistant that said more than a word, for a turn that was cut off."""
    said = [part for part in parts_of(text) if part.kind in ("prose", "item") and part.words >= 1.5 and not part.asks]
    return clip(one_line(_with_subject(said, len(said) - 1)), chars=_SENTENCE_CHARS) if said else ""


def _with_subject(parts: Sequence[Part], index: int) -> str:
    """A sentence that names nothing, with the one right before it, which says what it is about."""
    part = parts[index]
    before = parts[index - 1] if index else None
    if part.names or before is None or not before.names or before.line != part.line or before.asks:
        return part.text
    return f"{before.text} {part.text}"
