"""Folds words: a prompt begins a turn; messages, answers, endings and summaries belong to the newest one."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from carryover.distill.clip import clip, clip_middle
from carryover.distill.digest import Digest, Ending, Reply, Said, Summary, Turn
from carryover.distill.events.calls import with_values_used
from carryover.distill.events.turns import MOST_SAID, NEWEST_CHARS, at_work, begin, with_turn
from carryover.distill.own_text import only_points_at_handoff, without_handoffs, without_mark
from carryover.model import AgentSummary, Answer, AssistantMessage, Event, TurnEnd, UserPrompt
from carryover.text.lines import one_line

_LONGEST_PROMPT: Final = 4000
_LONGEST_OTHER: Final = 1200
"""Characters kept of what was said on the way."""
_LONGEST_SUMMARY: Final = 2400
_LONGEST_PART: Final = 1200
_MOST_PARTS: Final = 12
_MOST_REPLIES: Final = 8


def prompt(digest: Digest, event: Event, body: UserPrompt) -> Digest:
    """Begins a new turn."""
    if body.actor != "human":
        return digest
    resumes = only_points_at_handoff(body.text)
    typed = "" if resumes else without_handoffs(body.text).strip()
    text = f"{body.command} {typed}".strip() if body.command else typed
    turn = Turn(
        session=event.session,
        number=digest.prompts + 1,
        at_ms=event.at_ms,
        last_ms=event.at_ms,
        prompt=clip_middle(text, chars=_LONGEST_PROMPT, tail_share=0.3),
        chars=len(text),
        attachments=body.attachments,
        resumes=resumes,
    )
    return replace(
        begin(digest, turn),
        prompts=turn.number,
        ending=None,
        open_calls=(),
        questions=(),
        queued=tuple(waiting for waiting in digest.queued if waiting.text != one_line(body.text)),
    )


def message(digest: Digest, event: Event, body: AssistantMessage) -> Digest:
    """Adds a text, which ends its turn unless it is marked as not final or something follows."""
    text = without_mark(without_handoffs(body.text)).strip()
    if not text:
        return digest
    digest = with_values_used(at_work(digest, event), text)
    turn = digest.turns[-1]
    before = tuple(Said(clip_middle(one.text, chars=_LONGEST_OTHER), one.at_ms) for one in turn.said[1 - MOST_SAID :])
    closing = body.final is not False and not body.aborted
    end = "answered" if closing else turn.end if turn.end != "answered" else ""
    said = (*before, Said(clip_middle(text, chars=NEWEST_CHARS), event.at_ms))
    digest = with_turn(digest, said=said, end=end, last_ms=event.at_ms)
    return replace(digest, ending=None) if closing else digest


def answer(digest: Digest, event: Event, body: Answer) -> Digest:
    """Closes a tool's question; question and answer become a reply of the user."""
    digest = replace(digest, questions=tuple(asked for asked in digest.questions if asked.call_id != body.call_id))
    reply = Reply(
        text=clip(one_line(body.text), chars=400), to=clip(one_line(body.question), chars=300), at_ms=event.at_ms
    )
    return with_reply(digest, reply)


def with_reply(digest: Digest, reply: Reply) -> Digest:
    """Returns the digest with a reply of the user in its newest turn."""
    turn = digest.turn
    return with_turn(digest, replies=(*turn.replies, reply)[-_MOST_REPLIES:]) if turn is not None else digest


def ending(digest: Digest, event: Event, body: TurnEnd) -> Digest:
    """Records that the turn was cut off, whatever was said in it."""
    cut_off = Ending(
        reason=body.reason,
        message=clip(one_line(body.message), chars=200),
        at_ms=event.at_ms,
        resets=body.resets,
    )
    return replace(with_turn(digest, end=body.reason, last_ms=event.at_ms), ending=cut_off)


def summary(digest: Digest, event: Event, body: AgentSummary) -> Digest:
    """Keeps the newest summary of each kind: from a compaction, and for a user who was away."""
    text = without_handoffs(body.text).strip()
    kept = Summary(
        text="" if body.parts else clip_middle(text, chars=_LONGEST_SUMMARY),
        at_ms=event.at_ms,
        turn=digest.prompts,
        parts=tuple(
            replace(part, text=clip_middle(part.text, chars=_LONGEST_PART)) for part in body.parts[:_MOST_PARTS]
        ),
    )
    return replace(digest, recap=kept) if body.source == "away" else replace(digest, summary=kept)
