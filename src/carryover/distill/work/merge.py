"""The lines of work of a project, out of the sessions of all its agents: a line belongs to no session."""

from __future__ import annotations

from msgspec.structs import replace

from carryover.distill.digest import Digest, Turn
from carryover.distill.view import ProjectView, SessionView
from carryover.distill.work.advance import advance
from carryover.distill.work.relation import says_something
from carryover.distill.work.state import MOST_LINES, MOST_RULES, Line, WorkState


def work_of(view: ProjectView, own: str | None = None) -> WorkState:
    """The turns of all sessions in order of time, as one. `own` names a session whose line must lead."""
    state = WorkState()
    joined: set[str] = set()
    parents = {session.session: session.parent for session in view.sessions if session.parent}
    before = {session.session: session.digest.before for session in view.sessions}
    turns = [turn for session in view.sessions for turn in standing_turns(session.digest)]
    for turn in sorted(turns, key=lambda turn: (turn.at_ms, turn.session, turn.number)):
        if turn.session not in joined:
            joined.add(turn.session)
            state = _joined(state, turn.session, before[turn.session], parents.get(turn.session))
        state = advance(state, turn)
    own_line = state.line_of(own) if own is not None else None
    if own_line is not None:
        state = replace(state, lines=(own_line, *(line for line in state.lines if line.id != own_line.id)))
    return state


def task_of(digest: Digest) -> str | None:
    """What a session alone is about: its goal, or what it did where the goal was set in another."""
    state = digest.before
    for turn in standing_turns(digest):
        state = advance(state, turn)
    asked = next((item for line in state.lines for item in (line.goal, line.step) if item is not None), None)
    if asked is not None:
        return asked.text
    return digest.turns[-1].prompt.text if digest.turns else None


def did_something(digest: Digest) -> bool:
    """Whether more came of a session than a greeting, a go-ahead or the question of the resume protocol."""
    if digest.before.lines or digest.touched or digest.runs or digest.failures:
        return True
    answered = (turn for turn in digest.turns if turn.text or turn.report is not None)
    return any(turn.changed for turn in digest.turns) or any(says_something(turn) for turn in answered)


def is_bare(turn: Turn) -> bool:
    """Whether nothing has come of a prompt so far."""
    acted = turn.looked or turn.chores or turn.changed
    return not (acted or turn.end or turn.text or turn.report is not None)


def standing_turns(digest: Digest) -> tuple[Turn, ...]:
    """The turns, the newest with the call that it is waiting for, should it be cut off now."""
    if not digest.turns or digest.is_done:
        return digest.turns
    in_flight = next((call.text for call in reversed(digest.calls) if call.changes), "")
    return (*digest.turns[:-1], replace(digest.turns[-1], in_flight=in_flight))


def newest_session(view: ProjectView, state: WorkState, line: Line) -> SessionView | None:
    """The session that last worked on `line`."""
    on_line = [session for session in view.sessions if state.sessions.get(session.session) == line.id]
    return max(on_line, key=lambda session: (session.digest.last_ms, session.session), default=None)


def _joined(state: WorkState, session: str, before: WorkState, parent: str | None) -> WorkState:
    """`state` with what the older turns of a session came to, or with a fork on its parent's line."""
    if not before.lines:
        inherited = state.sessions.get(parent) if parent is not None else None
        return state if inherited is None else replace(state, sessions={**state.sessions, session: inherited})
    for line in reversed(before.lines):
        if (
            (line.goal is None or line.goal_is_weak)
            and state.lead is not None
            and before.sessions.get(session) == line.id
        ):
            state = _gone_on(state, session, line)
        else:
            others = tuple(other for other in state.lines if other.id != line.id)
            known = {**state.sessions, **before.sessions}
            state = replace(state, lines=(line, *others)[:MOST_LINES], sessions=known)
    return state


def _gone_on(state: WorkState, session: str, later: Line) -> WorkState:
    """The leading line, moved on by a session that never had its own goal."""
    lead = state.lines[0]
    moved = replace(
        later,
        id=lead.id,
        goal=lead.goal,
        goal_words=lead.goal_words,
        goal_is_weak=lead.goal_is_weak,
        step=later.step or lead.step,
        rules=(*lead.rules, *later.rules)[-MOST_RULES:],
        dead_ends=(*lead.dead_ends, *later.dead_ends),
        findings=(*lead.findings, *later.findings),
        files=(*lead.files, *later.files),
    )
    return replace(state, lines=(moved, *state.lines[1:]), sessions={**state.sessions, session: lead.id})
