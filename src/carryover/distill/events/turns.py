"""The turn at work: how it is changed, and how it is closed when the next one begins."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from carryover.distill.digest import MOST_TURNS, Digest, Prompt, Turn
from carryover.distill.language.announcements import last_words
from carryover.distill.language.answer import parts_of
from carryover.distill.language.findings import dead_ends_in, findings_in, loose_ends_in
from carryover.distill.language.prose import Quote
from carryover.distill.language.report import read_report
from carryover.distill.work.advance import advance
from carryover.model import Event

_MOST_QUOTES: Final = 6


def with_turn(digest: Digest, **changes: Any) -> Digest:
    """The digest with its newest turn changed; as it is where there is none yet."""
    if not digest.turns:
        return digest
    return replace(digest, turns=(*digest.turns[:-1], replace(digest.turns[-1], **changes)))


def at_work(digest: Digest, event: Event) -> Digest:
    """The digest with a turn for what happens now: one without a prompt where the main conversation begins with work
    that was asked for elsewhere. A sub-agent's thread has none."""
    if digest.turns or event.sidechain is not None:
        return digest
    turn = Turn(session=event.session, number=0, at_ms=event.at_ms, last_ms=event.at_ms, prompt=Prompt())
    return replace(digest, turns=(turn,))


def begin(digest: Digest, turn: Turn) -> Digest:
    """`turn` is the newest one. What no longer has a place among the turns moves the state before them."""
    turns = (*digest.turns, turn)
    before = digest.before
    for old in turns[:-MOST_TURNS]:
        before = advance(before, old)
    return replace(digest, before=before, turns=turns[-MOST_TURNS:])


def close(digest: Digest) -> Digest:
    """The digest once nothing more is added to its newest turn."""
    return replace(digest, turns=(*digest.turns[:-1], closed(digest.turns[-1], digest))) if digest.turns else digest


def closed(turn: Turn, digest: Digest) -> Turn:
    """The turn once nothing more is added to it: its last text is read, its text itself no longer kept."""
    if turn.end == "answered":
        return replace(turn, report=read_report(turn.text) if turn.text else None, text="")
    in_flight = next((call.text for call in reversed(digest.calls) if call.changes), "")
    return replace(text_went_on(turn, after_failure=False), in_flight=in_flight)


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
