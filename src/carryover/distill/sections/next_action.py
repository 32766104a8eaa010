"""Open todo items, and a question that the user has just replied to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from carryover.distill.digest import Digest, Turn
from carryover.distill.entry import Entry, fixed_rank
from carryover.distill.quotes import earlier
from carryover.distill.sections.quoting import announced, from_session, from_turn, joined_short, last_words, parted
from carryover.distill.sections.replied_to import asked_before, replying_to
from carryover.distill.trail import Past, Step, answered_elsewhere, answers_since, was_left
from carryover.distill.view import SessionView

_MOST_SINCE: Final = 10
"""After so many turns, whose work was about something else, a list that was not touched is no plan any more."""
_LONG: Final = 400
_MOST_OPEN: Final = 8
"""Characters. In public transcripts, the question before a longer prompt was mostly what to do next at all."""


def next_entries(past: Past, limit: str | None) -> list[Entry]:
    """Returns planned and announced next steps, and the question that the user replied to last."""
    turn, newest = past.main.turn, past.main.digest.turn
    # In a turn that was cut off, the agent went on after its question, which had no reply. Once it has answered the
    # reply to one, what to do next is in that answer.
    has_reply = not past.main.is_newest and turn.end == "answered" and newest is not None and newest.end != "answered"
    # Of a newest turn without an answer, the one before has the question, unless the task's line quotes it or something
    # was changed since: then it was ruled on.
    is_cut_off = past.main.is_newest and turn.end != "answered" and not (turn.changes or replying_to(past.main, ""))
    asked = last_words(turn).question if has_reply else asked_before(past.main) if is_cut_off else ""
    if newest is not None and _says_all(newest):
        asked = ""
    replied_in = past.turn(turn.number + (0 if is_cut_off else 1), past.main.view)
    # Whether it answers that is not known: who has a question may be asked something else first.
    label = f"{past.agent(past.main)} had asked right before {replied_in}"
    at_ms = (turn.at_ms if is_cut_off else turn.said[-1].at_ms) if asked else 0
    replied = parted(past.main, asked, "message", "replied", label=label, at_ms=at_ms)
    limits = [from_turn(past.main, limit, "limit", fixed_rank("limit"), at_ms=past.at_ms)] if limit else []
    return [*_plan(past), *_announced(past), *replied, *limits]


def _says_all(turn: Turn) -> bool:
    """Whether a prompt is understood without the question before it: a command, a template, or one that is long."""
    return turn.prompt.startswith("/") or turn.template != "" or turn.chars > _LONG


def is_planned(past: Past, following: Iterable[Entry]) -> bool:
    """Whether a step is recorded as open, among the entries of this heading."""
    if announced(past) != "":
        return True
    return any(entry.kind in ("todo list", "file") for entry in following)


def _announced(past: Past) -> list[Entry]:
    """Returns the lines of the last words that the agent itself labelled as next."""
    step = past.main
    at_ms = step.turn.last_ms
    return parted(step, announced(past), "message", "announced", label=past.spoke(step, at_ms), at_ms=at_ms)


def _plan(past: Past) -> list[Entry]:
    lists = [one for one in past.view.sessions if one.digest.plan and not was_left(past, one.digest.turns[-1].last_ms)]
    lists = [past.lead] if past.lead.digest.plan else lists
    lists = [one for one in lists if not _is_unkept(one.digest) and _turns_since(one.digest) < _MOST_SINCE]
    if not lists:
        return []
    session = max(lists, key=lambda one: one.digest.plan_ms)
    digest = session.digest
    opened = [item for item in digest.plan if item.state != "done"]
    stale = answers_since(digest, digest.plan_turn) + answered_elsewhere(past, session, digest.plan_ms)
    label = _plan_label(past, session, len(opened), stale)
    at_ms = digest.plan_ms
    entries = []
    for at, item in enumerate(opened[:_MOST_OPEN]):
        state = "in progress" if item.state == "active" else "open"
        text = f"{state}: {item.text}"
        rank = fixed_rank("plan", at) if not stale else None
        entries.append(from_session(session, digest.plan_turn, text, "todo list", rank, label=label, at_ms=at_ms))
    return joined_short(entries)


def _turns_since(digest: Digest) -> int:
    """Returns how many turns since a list have words of the agent and did not fail: some agents record no end of one
    (Copilot's in SpecStory documents)."""
    return sum(
        turn.number > digest.plan_turn and turn.said != () and turn.end in ("", "answered") for turn in digest.turns
    )


def _is_unkept(digest: Digest) -> bool:
    """Whether a list was not kept, although its turn was answered: at least as many files were edited since as items
    are open; only in that turn, if any was marked as done. Such a list says what was planned, not what is open. If
    all is done but the last item, and that is in progress, the answer was it: a report, or what was found."""
    edited = [file.turn for file in digest.touched if file.at_ms > digest.plan_ms]
    opened = [item for item in digest.plan if item.state != "done"]
    is_answered = any(turn.number == digest.plan_turn and turn.end == "answered" for turn in digest.turns)
    is_ticked = len(opened) < len(digest.plan)
    if is_ticked and opened == [digest.plan[-1]] and opened[0].state == "active":
        return is_answered
    return is_answered and 0 < len(opened) <= (edited.count(digest.plan_turn) if is_ticked else len(edited))


def _plan_label(past: Past, session: SessionView, opened: int, stale: int) -> str:
    digest = session.digest
    done = f"{len(digest.plan) - opened} of {len(digest.plan)} done"
    since = f"{stale} answers since" if stale > 1 else ""
    if not since and digest.plan_turn < digest.prompts:
        since = "before the newest prompt"  # which may go on with it, or throw it away
    notes = ", ".join(filter(None, (done, earlier(digest.plan_ms, past.at_ms), since)))
    return f"{past.agent(Step(digest.turns[-1], session))}'s todo list ({notes})"
