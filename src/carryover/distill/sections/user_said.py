"""Earlier prompts, answers and refusals of the user, verbatim."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import Final

from msgspec.structs import replace

from carryover.distill.closed_classes import only_replies
from carryover.distill.digest import Turn
from carryover.distill.entry import WEIGHTS, Entry, Kind
from carryover.distill.pastes import quoted_prompt
from carryover.distill.quotes import estimated_tokens, excerpt
from carryover.distill.sections.quoting import not_alike, packed, parted, replying_to
from carryover.distill.trail import Past, Step

_CHARS: Final = 230
_MOST_ALIKE: Final = 12
_MOST_CHARS: Final = 700
_OWN_SHARE_TOKENS: Final = 650
"""A good third of the handoff: long pastes or answers do not crowd out ten short sentences of the user."""


def said_entries(past: Past, of_task: Iterable[Step]) -> list[Entry]:
    """Returns the user's prompts that are not `of_task`, in order of time."""
    shown = {step.turn.sent for step in of_task}
    shown |= {step.turn.sent for step in past.steps if past.is_beside(step) and step.is_newest}
    newest = {step.turn.sent: step for step in past.steps if step.turn.prompt and step.turn.sent not in shown}
    steps = [step for step in past.steps if newest.get(step.turn.sent) is step]
    entries: list[Entry] = []
    for step in sorted(not_alike(steps, attrgetter("prompt"), _MOST_ALIKE), key=lambda step: _rank(past, step)):
        entries += _prompt(past, step)
    return packed(sorted([*_with_share([*_replies(past), *entries])], key=lambda entry: entry.at_ms))


def _with_share(entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yields the entries; those that fit the user's own share of the handoff are fixed."""
    room = _OWN_SHARE_TOKENS
    for entry in entries:
        room -= estimated_tokens(entry.shown)
        yield replace(entry, weight=WEIGHTS["own share"].first) if room >= 0 else entry


def _prompt(past: Past, step: Step) -> list[Entry]:
    text = quoted_prompt(step.turn.prompt, _MOST_CHARS, chars=step.turn.chars)
    text = f"{text}\n({step.turn.template})" if step.turn.template and not step.turn.is_template else text
    label = f"Prompt ({_whose(past, step)}{past.place(step)}){replying_to(step)}"
    return parted(step, text, "prompt", label=label)


def _whose(past: Past, step: Step) -> str:
    return "" if step.view.agent == past.lead.agent else f"to {past.agent(step)}, "


def _rank(past: Past, step: Step) -> tuple[bool, bool, int]:
    """Orders prompts: corrections first, short replies last, the newest first."""
    return not _corrects(past, step), only_replies(step.turn.prompt), -step.turn.at_ms


def _corrects(past: Past, step: Step) -> bool:
    """Whether the prompt came right after an interruption or a refusal."""
    before = [one.turn for one in past.steps if one.view is step.view and one.turn.number == step.turn.number - 1]
    return any(turn.end == "interrupted" or _has_refusal(turn) for turn in before)


def _has_refusal(turn: Turn) -> bool:
    return any(reply.refused for reply in turn.replies)


def _replies(past: Past) -> list[Entry]:
    replies = [(step, reply) for step in past.steps for reply in step.turn.replies]
    entries: list[Entry] = []
    for step, reply in reversed(replies):
        place = past.place(step, reply.at_ms)
        kind: Kind = "refusal" if reply.refused else "reply"
        refused = f"On refusing {excerpt(reply.to, 80)} ({place})"
        label = refused if reply.refused else f"Asked “{excerpt(reply.to, 140)}” ({place}), answered"
        entries += parted(step, excerpt(reply.text, _CHARS), kind, label=label, at_ms=reply.at_ms)
    return entries
