"""From a project's view to its handoff: which session leads, which sections there are, and which lines go first when
room is short. What a section says is in the file named after it. Pure and deterministic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from carryover.distill.also import also_in_progress, at_work_beside
from carryover.distill.decisions import decision_lines
from carryover.distill.digest import Digest, Touched
from carryover.distill.facts import FileFacts, FileQuery, GitFacts
from carryover.distill.failures import failure_lines
from carryover.distill.files import file_line, recent_files
from carryover.distill.git_context import git_line
from carryover.distill.limit import Limit, limit_line, standing_limit
from carryover.distill.next_action import next_actions
from carryover.distill.open_questions import doubts, notes_in_files, open_questions, questions_beside
from carryover.distill.progress import progress_lines
from carryover.distill.task import task_lines
from carryover.distill.view import ProjectView, SessionView
from carryover.model import AGENT_NAMES


class Line(msgspec.Struct, frozen=True):
    """One line of a section. The lower its `rank`, the longer it stays when room is short; rank 0 always stays."""

    text: str
    rank: int


class Section(msgspec.Struct, frozen=True):
    title: str
    lines: tuple[Line, ...]


class Handoff(msgspec.Struct, frozen=True, kw_only=True):
    """What is handed over, before it is fitted into 50 lines."""

    updated_ms: int
    """Time of the last event that is told of here."""
    agent: str
    """Display name of the agent that was at work then."""
    resume: str
    session: str
    head: str | None
    sections: tuple[Section, ...]
    limit: Limit | None = None
    """The usage limit that the newest work of the project ended at."""


def distill(
    view: ProjectView,
    git: GitFacts | None,
    files: Mapping[str, FileFacts],
    *,
    resume: str,
    now_ms: int,
    own: str | None = None,
    startable: Sequence[str] = (),
) -> Handoff | None:
    """The handoff of a project, or None where no session has a task to hand over.

    Task, questions and next action are those of the newest session with a task of its own; sessions after it that only
    went on with its task speak for it too. Files, failures, progress and rulings are the project's. `own` names a
    session that must lead, where it has a task: after a compaction it is told of its own work, not of another's.
    `startable` are the ids of agents in which a person could go on, should the work have ended at a usage limit.
    """
    lead = _lead([session for session in view.sessions if session.session == own]) or _lead(view.sessions)
    if lead is None:
        return None
    chain = _chain(view.sessions, lead)
    beside = at_work_beside(view, chain)
    current = _current(chain, lead)
    newest = max(chain, key=lambda session: (session.digest.last_ms, session.session))
    at_ms = min(max(session.newest_ms for session in chain), now_ms)
    runs = [seen for digest in _digests(view) for seen in digest.runs]
    recent = recent_files(
        _touched(view), runs, files, view.root, former_roots=view.former_roots, checkouts=view.checkouts
    )
    limit = standing_limit(view, startable)
    limit_text = limit_line(limit) if limit is not None else None
    sections = (
        Section("Task", _ranked(task_lines(current), 0)),
        Section("Also in progress", _ranked(also_in_progress(view, beside, at_ms), 15, step=3)),
        Section("Progress log", _ranked(progress_lines(view.notes, view.sessions, at_ms), 16, step=4)),
        Section("Decisions", _ranked(decision_lines(view.notes, current.goal), 12, step=3)),
        Section("Recent files", _ranked([file_line(file, at_ms) for file in recent], 11, step=3)),
        Section("Failed approaches", _ranked(failure_lines(view.sessions, chain, at_ms), 14, step=4)),
        Section(
            "Open questions",
            (
                *_ranked(open_questions(current, runs, view.root, at_ms), 10, step=3),
                *_ranked(questions_beside(beside), 18, step=4),
                *_ranked(doubts(current), 20, step=4),
                *_ranked(notes_in_files(recent), 30, step=5),
            ),
        ),
        Section("Next action", (*_ranked(next_actions(current), 0), *_ranked([limit_text] if limit_text else [], 1))),
        Section("Git context", _ranked([git_line(git)] if git is not None else [], 9)),
    )
    return Handoff(
        updated_ms=at_ms,
        agent=AGENT_NAMES.get(newest.agent, newest.agent),
        resume=resume,
        session=lead.session,
        head=git.head if git is not None else None,
        sections=tuple(section for section in sections if section.lines),
        limit=limit,
    )


def wanted_files(view: ProjectView) -> tuple[FileQuery, ...]:
    """The files whose present state the handoff would tell, for the probe to look at."""
    return tuple(
        FileQuery(path=file.path, line=file.touched.line, anchor=file.touched.anchor)
        for file in recent_files(
            _touched(view), (), {}, view.root, former_roots=view.former_roots, checkouts=view.checkouts
        )
        if file.touched.change != "delete"
    )


def has_task(view: ProjectView) -> bool:
    """Is there anything to hand over? Cheap, to be asked before the probes are sent out."""
    return _lead(view.sessions) is not None


def _lead(sessions: Iterable[SessionView]) -> SessionView | None:
    with_goal = [session for session in sessions if session.digest.goal is not None]
    return max(with_goal, key=lambda s: (s.digest.goal.at_ms if s.digest.goal else 0, s.session), default=None)


def _chain(sessions: Iterable[SessionView], lead: SessionView) -> list[SessionView]:
    """The lead and the sessions after it that did something without a task of their own, oldest first."""
    went_on = [
        session
        for session in sessions
        if session.digest.goal is None and did_something(session.digest) and session.last_ms > lead.last_ms
    ]
    return [lead, *sorted(went_on, key=lambda session: (session.last_ms, session.session))]


def did_something(digest: Digest) -> bool:
    """More than a greeting, a nudge or the protocol's question and answer."""
    return bool(digest.touched or digest.runs or digest.said or digest.failures)


def _current(chain: list[SessionView], lead: SessionView) -> Digest:
    """The lead's digest, brought up to date by the sessions that went on with its task."""
    current = lead.digest
    for later in chain[1:]:
        digest = later.digest
        current = replace(
            digest,
            goal=current.goal,
            former_goal=current.former_goal,
            latest=current.latest,
            plan=digest.plan or current.plan,
            plan_ms=digest.plan_ms or current.plan_ms,
            said=digest.said or current.said,
        )
    return current


def _touched(view: ProjectView) -> list[Touched]:
    return [file for digest in _digests(view) for file in digest.touched]


def _digests(view: ProjectView) -> Iterable[Digest]:
    return (digest for session in view.sessions for digest in session.digests)


def _ranked(texts: Iterable[str], first: int, *, step: int = 0) -> tuple[Line, ...]:
    """With ranks that grow by `step` from line to line, so that of several sections the later lines go first."""
    return tuple(Line(text, first + step * index) for index, text in enumerate(texts))
