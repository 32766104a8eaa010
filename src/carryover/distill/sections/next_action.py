"""What to do next: what was cut off, what the assistant announced, what its plan says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from carryover.distill.clip import clip
from carryover.distill.digest import Digest
from carryover.distill.language.prose import one_line
from carryover.distill.sections.entry import Entry, entry_of
from carryover.distill.work.relation import asks_for_something
from carryover.distill.work.state import CUT_OFF, Item, Line
from carryover.text import lazy_re as re

_AWAY_NEXT: Final = re.compile(r"next action:\s*(.+)", re.I | re.S)
_MOST: Final = 3


def next_entries(line: Line, digest: Digest, earlier: Iterable[Digest] = ()) -> list[Entry]:
    """One to three lines, the most certain first. `digest` is that of the session that last worked on the line,
    `earlier` those of the others on it: where it has no plan, theirs still holds."""
    found = [entry_of(item) for item in line.announced]
    turn, ending = digest.turn, digest.ending
    # A question by the way that was cut off did not stop what was announced before it.
    of_turn = bool(found) and turn is not None and (found[0].session, found[0].turn) == (turn.session, turn.number)
    if ending is not None and ending.reason != "error" and found and (line.step_waits or of_turn):
        cause = "its usage limit" if ending.reason == "limit" else "the user's interruption"
        joint = "." if found[0].rule == CUT_OFF else " at:"
        found[0] = replace(found[0], text=f"Stopped by {cause}{joint} {found[0].text}")
    found = [*_away(digest), *found]
    plan = _planned(line, _with_plan(digest, earlier))
    found = [*found[:2], *plan] if plan else found
    if not found and line.step is not None and (line.step_waits or _is_of(line.step, digest)):
        found.append(
            entry_of(
                line.step,
                "Carry out the newest request above: nothing of it is reported as done yet",
                rule="order not carried out",
            )
        )
    if digest.jobs:
        jobs = "; ".join(job.text for job in digest.jobs[-3:])
        newest = digest.jobs[-1]
        found.append(
            Entry(
                text=f"Wait for what runs in the background: {jobs}",
                rule="jobs without an end",
                turn=newest.turn,
                at_ms=newest.at_ms,
            )
        )
    if not found:
        found = _nothing(line, digest)
    return found[:_MOST]


def _is_of(step: Item, digest: Digest) -> bool:
    """The step is what the user just answered, and the turn has not ended yet."""
    turn = digest.turn
    return turn is not None and turn.end != "answered" and (step.session, step.turn) == (turn.session, turn.number)


def _away(digest: Digest) -> list[Entry]:
    """The next action that the agent itself gave to a user who had been away, where nothing was asked since."""
    away = digest.away_summary
    if away is None or digest.turn is None or away.at_ms < digest.turn.at_ms:
        return []
    match = _AWAY_NEXT.search(away.text)
    return (
        [
            Entry(
                text=clip(one_line(match[1]), chars=240),
                rule="the agent's note for a user who was away",
                at_ms=away.at_ms,
            )
        ]
        if match
        else []
    )


def _with_plan(digest: Digest, earlier: Iterable[Digest]) -> Digest:
    """The digest itself, else the one with the newest plan."""
    return digest if digest.plan else max((digest, *earlier), key=lambda one: one.plan_ms)


def _planned(line: Line, digest: Digest) -> list[Entry]:
    open_items = [item for item in digest.plan if item.state != "done"]
    if not open_items or (line.goal is not None and digest.plan_ms < line.goal.at_ms):
        return []
    done = len(digest.plan) - len(open_items)
    active = [item.text for item in open_items if item.state == "active"]
    waiting = [item.text for item in open_items if item.state == "pending"]
    steps = [f"now: {active[0]}"] if active else []
    steps += [f"then: {'; '.join(waiting[:3])}" if active else f"next: {'; '.join(waiting[:3])}"] if waiting else []
    text = f"Plan ({done} of {len(digest.plan)} done), {', '.join(steps)}"
    return [Entry(text=text, rule="the agent's todo list", turn=digest.plan_turn, at_ms=digest.plan_ms)]


def _nothing(line: Line, digest: Digest) -> list[Entry]:
    turn = digest.turn
    if turn is not None and turn.end != "answered" and asks_for_something(turn):
        text = f"Not answered yet: {clip(one_line(turn.prompt.text or turn.prompt.pasted), chars=160)}"
        return [Entry(text=text, rule=CUT_OFF, session=turn.session, turn=turn.number, at_ms=turn.at_ms)]
    if line.questions:
        asked = line.questions[-1]
        return [
            entry_of(asked, f"Waits for the user's word on: {clip(asked.text, chars=160)}", rule="question at the end")
        ]
    if line.offers:
        text = f"Waits for the user's word on: {clip(line.offers[-1].text, chars=160)}"
        return [entry_of(line.offers[-1], text)]
    return [Entry(text="Nothing further was announced: the last request was answered", rule="nothing was announced")]
