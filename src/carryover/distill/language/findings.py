"""What an assistant's text says did not work, was found out, or is left open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from carryover.distill.clip import clip
from carryover.distill.language import lexicon, outcomes
from carryover.distill.language.answer import Part
from carryover.distill.language.prose import Quote
from carryover.text import lazy_re as re

_MOST_OF_A_KIND: Final = 4
LISTED: Final = "left open in a list of the answer"
"""The rule of a loose end that may as well be a property of what the answer describes."""
STANDS_IN: Final = "stands in for something"
"""The rule of the weakest kind of loose end: it is true of the newest work only."""
_STANDS_IN_WEIGHT: Final = 0.5


def dead_ends_in(parts: Sequence[Part], taken: set[str], *, closing: bool = True) -> tuple[Quote, ...]:
    """The sentences that say that something was tried in vain. Before the end of a turn every error sounds like that:
    there only a sentence counts with, or right before, which another way is taken."""
    found = []
    prose = [part for part in parts if part.kind == "prose"]
    for index, part in enumerate(prose):
        if part.text in taken or not 3 <= part.words <= 60 or part.asks or not _tells_failure(part, closing=closing):
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
    if first.names and outcomes.WILL_NOT_WORK.search(first.text) and not lexicon.HEDGE.search(first.text):
        return True
    return any(outcomes.OTHER_WAY.search(part.text) for part in sentences_on)


def _tells_failure(part: Part, *, closing: bool) -> bool:
    """By a word of failure; at the end of a turn also by what is denied of something with a name that was tried."""
    if part.fails:
        guessed = lexicon.HEDGE.search(part.text) is not None and not part.tells_of_a_try
        away = part.is_conditional or part.looks_ahead_to_failure or part.only_unproved
        return not (away or guessed or part.is_code)
    if not closing or not part.names or not part.tells_of_a_try:
        return False
    if part.is_conditional or part.announces or part.doubts or part.requests:
        return False
    denied, cause = lexicon.NEGATION.search(part.text), outcomes.CAUSE.search(part.text)
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
        if part.kind not in ("prose", "item") or part.words < _SHORTEST_CAUSE or part.is_quoted or part.text in taken:
            continue
        if part.words < _SHORTEST_FINDING and not (part.explains and (part.names or part.gives_main_cause)):
            continue
        if part.asks or (part.numbered and not part.explains):
            continue
        least = _LEAST_IN_CLOSING if closing else _LEAST_BEFORE
        weight = _finding_weight(part, least, after_failure=after_failure)
        if weight >= least and not (part.requests or part.offers):
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


def _finding_weight(part: Part, least: float, *, after_failure: bool) -> float:
    """What speaks for a finding, and where that is enough, without what speaks against it."""
    identifier = bool(part.names) or _IDENTIFIER.search(part.text) is not None
    if (not identifier and not part.explains) or lexicon.ADVICE.search(part.text):
        return 0.0
    weight = 0.5 * identifier + 1.0 * part.explains + 0.5 * after_failure + 0.5 * part.fails
    weight += 1.5 * part.gives_main_cause + 0.5 * part.works + 0.25 * (_FIGURE.search(part.text) is not None)
    weight += 0.5 * part.bold - 1.5 * part.text.endswith((":", "：")) - 0.5 * (len(part.text) > _FINDING_CHARS)
    if weight >= least:
        weight -= 1.5 * part.announces + 1.5 * (lexicon.HEDGE.search(part.text) is not None)
    return weight


def loose_ends_in(parts: Sequence[Part], taken: set[str], *, closing: bool = True) -> tuple[Quote, ...]:
    """What was left open without asking: doubts, and list items that say what is not or does not work. Before the end
    of a turn only what was left as it was found counts: other doubts are what the turn is about."""
    found = []
    troubled = False  # under a heading of what is missing or wrong
    for index, part in enumerate(parts):
        leads_on = part.text.endswith((":", "："))
        if part.kind == "heading" or (part.kind == "prose" and leads_on):
            troubled = outcomes.MISSING_HEADING.search(part.text) is not None
        if part.kind not in ("prose", "item") or part.text in taken or part.asks or part.checked or leads_on:
            continue
        if not 3 <= part.words <= 60:
            continue
        if not closing and (not part.left_as_found or not part.names or part.announces):
            continue
        crossed = part.crossed and not _is_mended(parts[index + 1 :])
        listed = part.kind == "item" and (crossed or (troubled and (part.fails or part.negates)))
        is_open = listed or part.left_as_found or (part.doubts and not part.explains and not _works_on(part))
        stands_in = closing and part.kind == "item" and part.stands_in and not (part.explains or part.numbered)
        if not (is_open or stands_in):
            continue
        if part.is_conditional or part.is_courtesy or part.is_quoted or part.is_code:  # an offer; somebody else's
            continue
        if is_open:
            weight = 1.0 + 0.5 * part.doubts + 0.5 * part.crossed
            rule = LISTED if part.kind == "item" and not part.crossed else "left open in the answer"
            found.append(Quote(clip(part.text, chars=240), rule, weight, part.names))
        else:
            found.append(Quote(clip(part.text, chars=240), STANDS_IN, _STANDS_IN_WEIGHT, part.names))
    strongest = sorted(range(len(found)), key=lambda index: (-found[index].weight, -index))[:_MOST_OF_A_KIND]
    return tuple(found[index] for index in sorted(strongest))


def _works_on(part: Part) -> bool:
    """Says that something works, other than what falls back to something else."""
    return part.works and not part.negates


def _is_mended(items_on: Sequence[Part]) -> bool:
    """A crossed item right before a checked one is its "before": "❌ quotes were missing ✅ quotes are added"."""
    return bool(items_on) and items_on[0].kind == "item" and items_on[0].checked
