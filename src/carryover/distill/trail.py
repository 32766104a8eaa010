"""The project's past as the sections read it: the turns of all sessions by time, and which of them leads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from carryover.distill.closed_classes import only_replies
from carryover.distill.digest import Digest, Turn
from carryover.distill.pastes import typed_words
from carryover.distill.quotes import earlier, estimated_tokens
from carryover.distill.view import ProjectView, SessionView
from carryover.model import conversation_of
from carryover.text.lines import one_line

_SHORT_PROMPT_TOKENS: Final = 32
_SHORT_ANSWER_TOKENS: Final = 200
_GOAL_TOKENS: Final = 4
"""A prompt with fewer tokens states no goal."""
_SHORT_ID: Final = 8


class Step(NamedTuple):
    """A turn with its session."""

    turn: Turn
    view: SessionView

    @property
    def digest(self) -> Digest:
        """The digest of the session's main conversation."""
        return self.view.digest

    @property
    def is_newest(self) -> bool:
        """Whether it is the newest turn of its session."""
        return self.turn is self.digest.turn


class Past(NamedTuple):
    """Everything that the sections are made from. Steps are in order of time."""

    view: ProjectView
    steps: Sequence[Step]
    lead: SessionView
    main_at: int
    """Index of the newest step that did more than talk."""
    at_ms: int
    """Time of the last event (UTC ms)."""
    names: Mapping[str, str]
    short_ids: Mapping[str, str]
    beside: frozenset[str]
    """Ids of the sessions that worked at the same time as the leading one."""

    @property
    def main(self) -> Step:
        """The newest turn that did more than talk."""
        return self.steps[self.main_at]

    def is_beside(self, step: Step) -> bool:
        """Whether the turn belongs to a session that worked in parallel, which has a separate heading."""
        return step.view.session in self.beside

    def agent(self, step: Step) -> str:
        """Returns the display name of the turn's agent."""
        return self.names.get(step.view.agent, step.view.agent)

    def turn(self, number: int, view: SessionView) -> str:
        """Returns a turn's name: its number, and its session unless that leads."""
        return f"turn {number}" if view is self.lead else f"turn {number} of {self.short_ids[view.session]}"

    def place(self, step: Step, at_ms: int | None = None) -> str:
        """Returns a reference to a turn: its name, and its age in the handoff."""
        ago = earlier(step.turn.at_ms if at_ms is None else at_ms, self.at_ms)
        return ", ".join(part for part in (f"{self.turn(step.turn.number, step.view)}{step.view.where}", ago) if part)


def past_of(view: ProjectView, *, now_ms: int, own: str | None = None, names: Mapping[str, str] = {}) -> Past | None:
    """Returns the past of a project; None if nothing happened. `own` names a session that must lead."""
    steps = steps_of(view)
    if not steps:
        return None
    main = main_step(steps, own)
    newest_ms = max(session.newest_ms for session in view.sessions if session.digest.happened)
    return Past(
        view=view,
        steps=steps,
        lead=main.view,
        main_at=next(at for at, step in enumerate(steps) if step is main),
        at_ms=min(newest_ms if own is None else main.view.newest_ms, now_ms),
        names=names,
        short_ids=_short_ids([session.session for session in view.sessions]),
        beside=frozenset(session.session for session in parallel_sessions(view, main.view)),
    )


def steps_of(view: ProjectView) -> list[Step]:
    """Returns the turns of all sessions, by when they were last active."""
    steps = [Step(turn, session) for session in view.sessions for turn in session.digest.turns]
    return sorted(steps, key=lambda step: (step.turn.last_ms, step.turn.at_ms, step.turn.session, step.turn.number))


def main_step(steps: Sequence[Step], own: str | None = None) -> Step:
    """Returns the newest turn that did more than talk or wait, or else the newest; from session `own` if it has any."""
    mine = [step for step in steps if step.turn.session == own] or steps
    *before, last = [step for step in mine if not is_talk(step.turn)] or mine[-1:]
    return before[-1] if before and is_bare(last.turn) and before[-1].view is last.view else last


def is_talk(turn: Turn) -> bool:
    """Whether a turn is a short prompt and a short answer without any call that changes something."""
    if turn.changes or turn.end not in ("", "answered") or turn.replies or (turn.calls and not turn.end):
        return False
    if turn.resumes or (turn.prompt and only_replies(turn.prompt) and not turn.calls):
        return True
    short = estimated_tokens(turn.prompt) <= _SHORT_PROMPT_TOKENS
    return short and estimated_tokens(turn.answer) <= _SHORT_ANSWER_TOKENS and turn.number > 0


def says_goal(turn: Turn) -> bool:
    """Whether the prompt may state a goal: it has words of the user beyond a reply or punctuation."""
    typed = typed_words(turn.prompt) or turn.prompt
    return estimated_tokens(typed) >= _GOAL_TOKENS and not only_replies(typed)


def goal_of(digest: Digest) -> Turn | None:
    """Returns a session's first prompt that may state a goal, or else its first one with any words."""
    turns = [turn for turn in digest.turns if turn.prompt]
    return next(filter(says_goal, turns), turns[0] if turns else None)


def task_of(digest: Digest) -> str | None:
    """Returns the task of a single session, in the user's words on one line; None if the user said nothing."""
    goal = goal_of(digest)
    return one_line(typed_words(goal.prompt) or goal.prompt) if goal is not None else None


def did_something(digest: Digest) -> bool:
    """Whether a session did more than greet, approve, or ask the question of the resume protocol."""
    return digest.worked or any(turn.answer and not turn.resumes and says_goal(turn) for turn in digest.turns)


def is_bare(turn: Turn) -> bool:
    """Whether nothing has followed the prompt so far."""
    return not (turn.calls or turn.end or turn.said)


def parallel_sessions(view: ProjectView, lead: SessionView) -> list[SessionView]:
    """Returns the sessions that worked at the same time as the leading one, newest first."""
    began = lead.digest.turns[0].at_ms if lead.digest.turns else lead.started_ms
    return [
        session
        for session in sorted(view.sessions, key=lambda one: (-one.newest_ms, one.session))
        if session is not lead
        and conversation_of(session.session) != conversation_of(lead.session)
        and session.session != lead.parent
        and session.digest.turns
        and session.newest_ms >= began
        and not all(is_talk(turn) for turn in session.digest.turns)
    ]


def _short_ids(ids: Sequence[str]) -> dict[str, str]:
    short = {}
    for session in ids:
        length = _SHORT_ID
        while length < len(session) and any(o != session and o.startswith(session[:length]) for o in ids):
            length += 1
        short[session] = session[:length]
    return short
