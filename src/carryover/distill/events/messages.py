"""What the assistant said. Whether a text was the last of its turn shows when the next event comes."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from carryover.distill.clip import clip, clip_middle
from carryover.distill.digest import AwaySummary, Digest
from carryover.distill.events.turns import at_work
from carryover.distill.language.prose import first_sentence, one_line
from carryover.distill.own_text import without_handoffs, without_mark
from carryover.distill.work.turn_text import text_went_on
from carryover.model import AgentSummary, AssistantMessage, Event

_LONGEST: Final = 8000


def message(digest: Digest, event: Event, body: AssistantMessage) -> Digest:
    """A text ends its turn, unless it is marked as not the last one or something follows."""
    text = without_mark(without_handoffs(body.text)).strip()
    if not text:
        return digest
    failed = _has_failed_since(digest)
    digest = _remarked(at_work(digest, event), text)
    if digest.turn is None:
        return replace(digest, last_ms=max(digest.last_ms, event.at_ms))
    turn = text_went_on(digest.turn, after_failure=failed)
    closing = body.final is not False and not body.aborted
    turn = replace(
        turn,
        text=clip_middle(text, chars=_LONGEST),
        applied=False,
        end="answered" if closing else turn.end if turn.end != "answered" else "",
        last_ms=event.at_ms,
    )
    return replace(digest, turns=(*digest.turns[:-1], turn), ending=None if closing else digest.ending)


def summary(digest: Digest, event: Event, body: AgentSummary) -> Digest:
    """What the agent reported to a user who had been away; its summaries for itself say nothing that is not known."""
    if body.source != "away":
        return digest
    return replace(digest, away_summary=AwaySummary(text=clip(one_line(body.text), chars=400), at_ms=event.at_ms))


def _has_failed_since(digest: Digest) -> bool:
    """Whether the newest thing that happened in the turn failed, so that this text speaks of it."""
    newest = digest.failures[-1] if digest.failures else None
    return newest is not None and newest.turn == digest.prompts and not newest.remark


def _remarked(digest: Digest, text: str) -> Digest:
    """The newest failure with the first thing that was said of it."""
    if not _has_failed_since(digest):
        return digest
    *others, newest = digest.failures
    return replace(digest, failures=(*others, replace(newest, remark=clip(first_sentence(text), chars=200))))
