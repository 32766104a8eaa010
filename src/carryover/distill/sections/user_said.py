"""Earlier prompts, answers and refusals of the user, verbatim."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from msgspec.structs import replace

from carryover.distill.closed_classes import only_replies
from carryover.distill.digest import Turn
from carryover.distill.entry import WEIGHTS, Entry, Kind
from carryover.distill.pastes import quoted_prompt
from carryover.distill.quotes import estimated_tokens, excerpt
from carryover.distill.sections.quoting import from_turn, packed, parted, replying_to
from carryover.distill.trail import Past, Step
from carryover.text.pattern import later

_CHARS: Final = 230
_MOST_CHARS: Final = 700
_TINY_CHARS: Final = 40
_LEAST_ALIKE: Final = 5
"""In a shorter run each prompt is shown with its own turn."""
_MOST_ALIKE: Final = 10
"""How many of the newest prompts of a run are quoted, beside its first two."""
_NUMBERS: Final = later(r"[\W\d_]+")
_OWN_SHARE_TOKENS: Final = 450
"""A quarter of the handoff: a long paste or two long answers do not crowd out ten short sentences of the user."""
_FITS_CHARS: Final = 2500
"""If all earlier prompts together are shorter than this, each is quoted whole."""


def said_entries(past: Past, of_task: Iterable[Step]) -> list[Entry]:
    """Returns the user's prompts that are not `of_task`, in order of time."""
    shown = {step.turn.sent for step in of_task}
    shown |= {step.turn.sent for step in past.steps if past.is_beside(step) and step.is_newest}
    newest = {step.turn.sent: step for step in past.steps if step.turn.prompt and step.turn.sent not in shown}
    steps = [step for step in past.steps if newest.get(step.turn.sent) is step]
    runs = _runs(steps)
    room = _CHARS if sum(step.turn.chars for step in steps) > _FITS_CHARS else _MOST_CHARS
    entries: list[Entry] = []
    for run in sorted(runs, key=lambda run: _rank(past, run[-1])):
        entries += _prompt(past, run[0], room) if len(run) == 1 else _alike(past, run)
    return packed(sorted([*_with_share(past, [*_replies(past), *entries])], key=lambda entry: entry.at_ms))


def _with_share(past: Past, entries: Iterable[Entry]) -> Iterator[Entry]:
    """Yields the entries; those of the leading session that fit the user's own share of the handoff are fixed."""
    room = _OWN_SHARE_TOKENS
    for entry in entries:
        cost = estimated_tokens(entry.shown)
        is_own = entry.session == past.lead.session and cost <= room
        room -= cost * is_own
        yield replace(entry, weight=WEIGHTS["own share"].first) if is_own else entry


def _runs(steps: Sequence[Step]) -> list[list[Step]]:
    """Returns the prompts, with those in a row that differ only in numbers or punctuation ("ok, part 4") as one run."""
    runs: list[list[Step]] = []
    for _, alike in groupby(steps, key=_pattern):
        run = list(alike)
        runs += [run] if len(run) >= _LEAST_ALIKE else [[step] for step in run]
    return runs


def _pattern(step: Step) -> tuple[str, str, int]:
    prompt = step.turn.prompt
    is_tiny = len(prompt) <= _TINY_CHARS and not step.turn.template
    pattern = _NUMBERS.sub(" ", prompt.casefold()) if is_tiny else prompt
    return step.view.session, pattern.strip(), -1 if is_tiny else step.turn.number


def _prompt(past: Past, step: Step, room: int) -> list[Entry]:
    text = quoted_prompt(step.turn.prompt, room, chars=step.turn.chars)
    text = f"{text}\n({step.turn.template})" if step.turn.template and not step.turn.is_template else text
    label = f"Prompt ({_whose(past, step)}{past.place(step)}){replying_to(step)}"
    return parted(step, text, "prompt", label=label)


def _alike(past: Past, run: Sequence[Step]) -> list[Entry]:
    """Returns the prompts of a run, which share a line; of a long run, its ends."""
    label = f"Prompts ({_whose(past, run[0])}turn {run[0].turn.number} to {past.place(run[-1])})"
    is_cut = len(run) > _MOST_ALIKE + 2
    first = run[:2] if is_cut else []
    last = run[-_MOST_ALIKE:] if is_cut else run
    steps = [*first, *last]
    texts = [excerpt(step.turn.prompt, _CHARS) for step in steps]
    if is_cut:
        texts[len(first)] = f"… {texts[len(first)]}"
    shown = zip(steps, texts, strict=True)
    return packed(from_turn(step, text, "prompt", label=label) for step, text in shown)


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
