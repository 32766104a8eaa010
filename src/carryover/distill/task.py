"""What kind of prompt this is, and so whether it sets a task, refines one, or only says go on."""

from __future__ import annotations

from carryover.distill.clip import clip, clip_middle
from carryover.distill.decisions import rulings_in
from carryover.distill.digest import Ask, AskKind, Digest
from carryover.distill.own_text import only_points_at_handoff
from carryover.distill.prose import flat, one_line, sentences, word_count
from carryover.distill.questions import offers_in
from carryover.distill.templates import is_bare
from carryover.distill.words import is_aside, is_choice, is_nudge, only_tells, points_back

_CORRECTION_WORDS = 40
"""A prompt up to this long right after an interruption or refusal corrects the task; a longer one is a new one."""


def ask_of(text: str, command: str | None, at_ms: int, digest: Digest) -> Ask:
    """The prompt as an `Ask`, judged by its words and by what the assistant said just before it."""
    words = text.strip()
    kind = _kind(words, command, digest)
    shown = f"{command} {words}".strip() if command else words
    offer = _offer_before(digest) if kind in ("answer", "nudge") else None
    return Ask(text=clip_middle(shown, chars=2000, tail_share=0.3), kind=kind, at_ms=at_ms, answers=offer)


def _kind(text: str, command: str | None, digest: Digest) -> AskKind:
    if command and word_count(text) < 4:
        return "command"
    if is_bare(text):
        return "task" if digest.goal is None else "command"
    if is_nudge(text) or only_points_at_handoff(text):
        return "nudge"
    offered = _offer_before(digest) is not None
    if offered and is_choice(text):
        return "answer"
    if digest.goal is None:
        return "task"
    if is_aside(text):
        return "aside"
    if word_count(text) <= 3 or _corrects(text, digest) or _only_rules(text) or only_tells(text):
        return "follow_up"
    return "task"


def _corrects(text: str, digest: Digest) -> bool:
    interrupted = digest.ending is not None and digest.ending.reason == "interrupted"
    return interrupted and word_count(text) <= _CORRECTION_WORDS and not text.lower().startswith("new task")


def _only_rules(text: str) -> bool:
    """Every sentence of it is a ruling: "Do not cap it." changes how, not what."""
    said = sentences(text)
    return (
        0 < len(said) <= 3 and word_count(text) <= 20 and len([r for r in rulings_in(text) if r[1] == 3]) == len(said)
    )


def passes_by_questions(ask: Ask) -> bool:
    """Whether the prompt leaves unanswered what the assistant has asked: it asks by the way, or only lets it know."""
    return ask.kind == "aside" or (ask.kind == "follow_up" and only_tells(ask.text))


def _offer_before(digest: Digest) -> str | None:
    """The question or offer the assistant left standing, if any."""
    asked = [question.text for question in digest.questions if question.origin == "assistant"]
    if asked:
        return clip(" ".join(asked[-2:]), chars=400)
    if digest.said is None or not digest.said.closing:
        return None
    offered = offers_in(digest.said.text)
    return clip(" ".join(offered[-2:]), chars=400) if offered else None


def task_lines(digest: Digest) -> list[str]:
    """The task in at most two lines: what is wanted in the user's words, and what makes it understood.

    The second line is the newest refinement, or the offer that a bare answer agreed to, or the request that a short
    one ("now wire it in") leans on.
    """
    if digest.goal is None:
        return []
    lines = [flat(digest.goal.text)]
    latest = digest.latest
    if latest is not None and latest.kind == "answer" and latest.answers:
        lines.append(f'Answered "{one_line(latest.text)}" to: {flat(latest.answers)}')
    elif latest is not None and latest.kind in ("follow_up", "command"):
        lines.append(f"Then: {flat(latest.text)}")
    elif latest is not None and latest.kind == "nudge" and latest.answers:
        lines.append(f"Agreed to: {flat(latest.answers)}")
    elif digest.former_goal is not None and points_back(digest.goal.text):
        lines.append(f"Following on: {one_line(digest.former_goal.text)}")
    return lines
