"""What an assistant's text says: what comes next, what it asks, found out, tried in vain and left open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from carryover.distill.clip import clip
from carryover.distill.language import lexicon
from carryover.distill.language.announcements import COMMAND_AT_END, LIST_AHEAD, announced_in
from carryover.distill.language.answer import Part, parts_of
from carryover.distill.language.decisions import decided_in
from carryover.distill.language.findings import dead_ends_in, findings_in, loose_ends_in
from carryover.distill.language.prose import Quote, first_sentence, word_count
from carryover.distill.language.questions import REQUESTED, Asked, asked_in, choices_in, offers_in

_LONGEST: Final = 12_000
_MOST_NAMES: Final = 24
_TELLING_WORDS: Final = 12


class Report(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a text of an assistant says. Every tuple is in the order of the text and short."""

    sentences: int = 0
    """Of prose: list items, headings and code aside."""
    outcome: str = ""
    """The first sentence that says something."""
    announced: tuple[Quote, ...] = ()
    asked: tuple[Asked, ...] = ()
    choices: tuple[str, ...] = ()
    """The numbered list near its end, where it asks nothing: the user may pick from it all the same."""
    offers: tuple[Quote, ...] = ()
    """What it would do at the user's word, offered at its end without a question mark."""
    asks_to_go_on: bool = False
    """It ends in the question of the resume protocol."""
    dead_ends: tuple[Quote, ...] = ()
    findings: tuple[Quote, ...] = ()
    loose_ends: tuple[Quote, ...] = ()
    decided: tuple[Quote, ...] = ()
    """What it labels as a decision."""
    names: tuple[str, ...] = ()


def read_report(text: str) -> Report:
    """What `text` says. Of a very long one its beginning and its end are read."""
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 3]}\n\n{text[-_LONGEST * 2 // 3 :]}"
    parts = parts_of(text)
    prose = [part for part in parts if part.kind == "prose"]
    asked = asked_in(parts)
    announced = announced_in(parts, asked_lines={line for _, lines in asked for line in lines})
    decided = decided_in(parts)
    taken = {quote.text for quote in announced} | {one.text for one, _ in asked} | {text for _, text in decided}
    dead = dead_ends_in(parts, taken)
    taken |= {quote.text for quote in dead}
    loose = loose_ends_in(parts, taken)
    taken |= {quote.text for quote in loose}
    names = dict.fromkeys(name for part in parts if part.kind != "code" for name in part.names)
    return Report(
        sentences=sum(1 for part in prose if part.words >= 2 or part.names),
        outcome=clip(_outcome(prose, text), chars=240),
        announced=announced,
        asked=tuple(one for one, _ in asked),
        choices=() if asked else choices_in(parts),
        offers=offers_in(parts, {quote.text for quote in announced} | {one.text for one, _ in asked}),
        asks_to_go_on=any(part.asks and lexicon.PROTOCOL_QUESTION.search(part.text) for part in prose[-3:]),
        dead_ends=dead,
        findings=findings_in(parts, taken, closing=True),
        loose_ends=loose,
        decided=tuple(quote for quote, _ in decided),
        names=tuple(names)[:_MOST_NAMES],
    )


def carried_out(report: Report) -> Report:
    """The report of an answer whose edits were made after it: what it announced is done, and what it asked to be
    confirmed was. A list of next steps, a command to run and a question stand."""
    return msgspec.structs.replace(
        report,
        announced=tuple(quote for quote in report.announced if quote.rule in _STANDS_AFTER_EDITS),
        asked=tuple(one for one in report.asked if one.rule != REQUESTED and not _asks_to_go_ahead(one)),
        asks_to_go_on=False,
        loose_ends=tuple(quote for quote in report.loose_ends if not lexicon.AHEAD.search(quote.text)),
        findings=tuple(quote for quote in report.findings if not lexicon.AHEAD.search(quote.text)),
    )


def _asks_to_go_ahead(asked: Asked) -> bool:
    """Asks for no more than a word to do what was just proposed: "Shall I proceed?"."""
    return not asked.names and not asked.options and lexicon.RESUME.search(asked.text) is not None


_STANDS_AFTER_EDITS: Final = (COMMAND_AT_END, LIST_AHEAD)


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
