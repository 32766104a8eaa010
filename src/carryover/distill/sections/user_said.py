"""Earlier prompts, answers and refusals of the user, verbatim: the nearest, then the longest of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from carryover.distill.closed_classes import only_replies
from carryover.distill.entry import WEIGHTS, Entry, Kind
from carryover.distill.pastes import quoted_prompt
from carryover.distill.quotes import estimated_tokens, excerpt
from carryover.distill.sections.quoting import from_the_top, packed, parted
from carryover.distill.sections.task import task_steps
from carryover.distill.trail import Past, Step

_CHARS: Final = 230
_MOST_CHARS: Final = 700
_NEAR: Final = 8
_MOST_FAR: Final = 24
_OWN_SHARE_TOKENS: Final = 450
"""A quarter of the handoff: a long paste or two long answers do not crowd out ten short sentences of the user."""
_FITS_CHARS: Final = 2500
"""If all earlier prompts together are shorter than this, each is quoted whole."""


def said_entries(past: Past) -> list[Entry]:
    """Returns the user's other prompts, in order of time."""
    shown = {step.turn.sent for step in task_steps(past).values()}
    shown |= {step.turn.sent for step in past.steps if past.is_beside(step) and step.is_newest}
    newest = {step.turn.sent: step for step in past.steps if step.turn.prompt and step.turn.sent not in shown}
    steps = [step for step in past.steps if newest.get(step.turn.sent) is step]
    near, far = steps[-_NEAR:], steps[:-_NEAR]
    base = WEIGHTS["prompt"]
    weighed = [
        (step, base.at(back).first + (1.5 if only_replies(step.turn.prompt) else 0.0))
        for back, step in enumerate(reversed(near))
    ]
    far.sort(key=lambda step: (not _corrects(past, step), -min(step.turn.chars, 600), -step.turn.at_ms))
    base = WEIGHTS["far prompt"]
    weighed += [(step, base.at(rank).first) for rank, step in enumerate(far[:_MOST_FAR])]
    room = _CHARS if sum(step.turn.chars for step, _ in weighed) > _FITS_CHARS else _MOST_CHARS
    entries: list[Entry] = []
    for step, weight in weighed:
        text = quoted_prompt(step.turn.prompt, room, chars=step.turn.chars)
        who = "" if step.view.agent == past.lead.agent else f"to {past.agent(step)}, "
        label = f"Prompt ({who}{past.place(step)})"
        entries += from_the_top(parted(step, text, "prompt", base._replace(first=weight), label=label))
    return packed(sorted(_with_share(past, [*entries, *_replies(past)]), key=lambda entry: entry.at_ms))


def _with_share(past: Past, entries: Sequence[Entry]) -> list[Entry]:
    """Returns the entries by weight; those that fit the user's own share of the handoff stay before long answers."""
    ordered = sorted(entries, key=lambda entry: entry.weight)
    room = _OWN_SHARE_TOKENS
    most = WEIGHTS["own share"].first
    shared = []
    for entry in ordered:
        room -= estimated_tokens(entry.shown) if entry.session == past.lead.session else 0
        is_own = entry.session == past.lead.session and room >= 0
        shared.append(replace(entry, weight=min(entry.weight, most)) if is_own else entry)
    return shared


def _corrects(past: Past, step: Step) -> bool:
    """Whether the prompt came right after an interruption or a refusal."""
    before = [one.turn for one in past.steps if one.view is step.view and one.turn.number == step.turn.number - 1]
    return any(turn.end == "interrupted" or any(reply.refused for reply in turn.replies) for turn in before)


def _replies(past: Past) -> list[Entry]:
    weight = WEIGHTS["reply"]
    replies = [(step, reply) for step in past.steps for reply in step.turn.replies]
    entries: list[Entry] = []
    for back, (step, reply) in enumerate(reversed(replies)):
        place = past.place(step, reply.at_ms)
        kind: Kind = "refusal" if reply.refused else "reply"
        refused = f"On refusing {excerpt(reply.to, 80)} ({place})"
        label = refused if reply.refused else f"Asked “{excerpt(reply.to, 140)}” ({place}), answered"
        entries += parted(step, excerpt(reply.text, _CHARS), kind, weight.at(back), label=label, at_ms=reply.at_ms)
    return entries
