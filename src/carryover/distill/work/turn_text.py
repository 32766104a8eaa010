"""What the newest text of a turn says: the report at its end, or a remark on the way."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from carryover.distill.digest import Turn
from carryover.distill.language.announcements import last_words
from carryover.distill.language.answer import parts_of
from carryover.distill.language.findings import dead_ends_in, findings_in, loose_ends_in
from carryover.distill.language.prose import Quote
from carryover.distill.language.report import carried_out, read_report

_MOST_QUOTES: Final = 6


def with_text_read(turn: Turn) -> Turn:
    """The turn with its newest text read: as its answer where it ended with one, else as a remark on the way."""
    if turn.end != "answered":
        return text_went_on(turn, after_failure=False)
    if turn.report is not None or not turn.text:
        return turn
    report = read_report(turn.text)
    return replace(turn, report=carried_out(report) if turn.applied else report)


def text_went_on(turn: Turn, *, after_failure: bool) -> Turn:
    """The turn once its newest text turns out not to be its answer: a call followed it, or the turn was cut off."""
    if not turn.text:
        return turn
    parts = parts_of(turn.text)
    dead = dead_ends_in(parts, set(), closing=False)
    loose = loose_ends_in(parts, {quote.text for quote in dead}, closing=False)
    taken = {quote.text for quote in (*dead, *loose)}
    found = findings_in(parts, taken, closing=False, after_failure=after_failure)
    return replace(
        turn,
        text="",
        doing=last_words(parts) or turn.doing,
        findings=_weightiest((*turn.findings, *found)),
        loose_ends=(*turn.loose_ends, *loose)[-_MOST_QUOTES:],
        dead_ends=(*turn.dead_ends, *dead)[-_MOST_QUOTES:],
    )


def _weightiest(quotes: tuple[Quote, ...]) -> tuple[Quote, ...]:
    """At most six, in the order of the turn; of equal weight the later ones."""
    if len(quotes) <= _MOST_QUOTES:
        return quotes
    ranked = sorted(range(len(quotes)), key=lambda index: (quotes[index].weight, index), reverse=True)[:_MOST_QUOTES]
    return tuple(quotes[index] for index in sorted(ranked))
