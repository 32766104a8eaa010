"""What the assistant said: it may end a turn, ask the user something, voice a doubt."""

from __future__ import annotations

from msgspec.structs import replace

from carryover.distill.clip import clip, clip_middle
from carryover.distill.digest import MOST_QUESTIONS, Digest, OpenQuestion, Said
from carryover.distill.events.folded import Folded
from carryover.distill.own_text import is_handoff_text, without_protocol
from carryover.distill.prose import first_sentence, one_line
from carryover.distill.questions import doubts_in, questions_in
from carryover.distill.task import passes_by_questions
from carryover.model import AgentSummary, AssistantMessage, Event


def message(digest: Digest, event: Event, body: AssistantMessage) -> Folded:
    """A text that nobody says is not the last ends its turn, unless something follows."""
    text = without_protocol(body.text, fresh=digest.goal is None)
    if not text or is_handoff_text(text):
        return digest, ()
    closing = body.final is not False and not body.aborted
    said = Said(text=clip_middle(text, chars=4000), at_ms=event.at_ms, closing=closing)
    if closing:
        digest = _turn_closed(digest, text, event.at_ms)
    return replace(digest, said=said), ()


def summary(digest: Digest, event: Event, body: AgentSummary) -> Folded:
    """What the agent told a user who had been away; its summaries for itself say nothing that is not known."""
    if body.source != "away":
        return digest, ()
    return replace(digest, away_summary=Said(text=clip(one_line(body.text), chars=400), at_ms=event.at_ms)), ()


def _turn_closed(digest: Digest, text: str, at_ms: int) -> Digest:
    digest = replace(digest, questions=_questions_after(digest, text, at_ms), ending=None)
    turn = digest.turn
    if turn is None:
        return digest
    finished = turn.worked and turn.ask.kind != "aside"
    turn = replace(turn, done=True, outcome=clip(first_sentence(text), chars=240), last_ms=at_ms)
    return replace(digest, turn=turn, cut_short=None if finished else digest.cut_short)


def _questions_after(digest: Digest, text: str, at_ms: int) -> tuple[OpenQuestion, ...]:
    """What was asked before stays open only where the prompt passed it by; doubts stay, and none counts twice."""
    passed_by = digest.turn is not None and passes_by_questions(digest.turn.ask)
    kept = [q for q in digest.questions if q.origin in ("tool", "loose_end") or (passed_by and q.origin == "assistant")]
    known = {q.text for q in kept}
    for doubt in doubts_in(text):
        if doubt not in known:
            kept.append(OpenQuestion(text=doubt, at_ms=at_ms, origin="loose_end", prompt=digest.prompts))
    for asked, options in questions_in(text):
        kept.append(OpenQuestion(text=asked, at_ms=at_ms, origin="assistant", options=options))
    return tuple(kept[-MOST_QUESTIONS:])
