"""The turn at work: how it is changed, and how it is closed when the next one begins."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from carryover.distill.digest import MOST_TURNS, Digest, Prompt, Turn
from carryover.distill.work.advance import advance
from carryover.distill.work.turn_text import with_text_read
from carryover.model import Event


def with_turn(digest: Digest, **changes: Any) -> Digest:
    """The digest with its newest turn changed; as it is where there is none yet."""
    if not digest.turns:
        return digest
    return replace(digest, turns=(*digest.turns[:-1], replace(digest.turns[-1], **changes)))


def at_work(digest: Digest, event: Event) -> Digest:
    """The digest with a turn for what happens now: one without a prompt where the main conversation begins with work
    that was asked for elsewhere. A sub-agent's thread has none."""
    if digest.turns or event.subagent_id is not None:
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
        return replace(with_text_read(turn), text="")
    in_flight = next((call.text for call in reversed(digest.calls) if call.changes), "")
    return replace(with_text_read(turn), in_flight=in_flight)
