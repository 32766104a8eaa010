"""From a project's view to its handoff: which session leads, which sections there are, and which lines go first when
room is short. What a section says is in the file named after it. Pure and deterministic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from carryover.distill.digest import Digest, EditedFile
from carryover.distill.sections.decisions import decision_entries
from carryover.distill.sections.entry import Entry
from carryover.distill.sections.failed_approaches import failed_entries
from carryover.distill.sections.files import file_line, recent_files
from carryover.distill.sections.findings import finding_entries
from carryover.distill.sections.git_context import git_line
from carryover.distill.sections.limit import Limit, limit_line, standing_limit
from carryover.distill.sections.next_action import next_entries
from carryover.distill.sections.open_questions import loose_ends, notes_in_files, open_entries, questions_beside
from carryover.distill.sections.opinions import opinion_entries
from carryover.distill.sections.parallel_work import parallel_work_entries
from carryover.distill.sections.progress import passing_run, progress_entries
from carryover.distill.sections.task import task_entries
from carryover.distill.view import ProjectView
from carryover.distill.work.merge import newest_session, work_of
from carryover.distill.work.state import Line as WorkLine
from carryover.distill.work.state import WorkState
from carryover.facts import FileFacts, FileQuery, GitFacts

_MOSTLY_SHOWN: Final = 4
"""Newest entries of the progress log for which there mostly is room: what they report of the work is no finding."""
_SURE_FINDINGS: Final = 4
_WHERE_THERE_IS_ROOM: Final = 60


class Line(msgspec.Struct, frozen=True):
    """One line of a section. The lower its `rank`, the longer it stays when room is short; rank 0 always stays."""

    entry: Entry
    rank: int

    @property
    def text(self) -> str:
        """The text of the line, without its list marker."""
        return self.entry.text


class Section(msgspec.Struct, frozen=True):
    """A section of the handoff: its heading and its lines, in the order in which they are printed."""

    title: str
    lines: tuple[Line, ...]


class Handoff(msgspec.Struct, frozen=True, kw_only=True):
    """What is handed over, before it is fitted into 50 lines."""

    updated_ms: int
    """Time of the last event that the handoff covers."""
    agent: str
    """Display name of the agent that was at work then."""
    agent_id: str = ""
    """Its id; empty where nobody asks for it."""
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
    agent_names: Mapping[str, str] = {},
) -> Handoff | None:
    """The handoff of a project, or None where there is nothing to hand over.

    Task, questions, decisions and next action are those of the line of work that was moved last, whichever sessions it
    went through. Files, failures and progress are the project's. `own` names a session whose line must lead: after a
    compaction it gets its own work, not another's. `startable` are the ids of agents in which a person could
    continue, should the work have ended at a usage limit. `agent_names` gives what people call an agent, by its id; one
    that is not among them is called by its id.
    """
    state = work_of(view, own)
    work = _leading(state)
    if work is None:
        return None
    lead = newest_session(view, state, work) or view.sessions[0]
    others = [line for line in state.lines if line is not work]
    on_line = {session for session, line in state.sessions.items() if line == work.id}
    at_ms = min(max(session.newest_ms for session in view.sessions if session.session in on_line), now_ms)
    runs = [seen for digest in _digests(view) for seen in digest.runs]
    recent = recent_files(
        _touched(view), runs, files, view.root, former_roots=view.former_roots, checkouts=view.checkouts
    )
    limit = standing_limit(view, startable)
    limit_text = limit_line(limit, _named(agent_names, limit.agent)) if limit is not None else None
    agents = {session.session: _named(agent_names, session.agent) for session in view.sessions}
    since_ms = work.goal.at_ms if work.goal is not None else 0
    task = task_entries(work)
    earlier = [session.digest for session in view.sessions if session.session in on_line and session is not lead]
    following = next_entries(work, lead.digest, earlier)
    failed = failed_entries(work, view.sessions, on_line, at_ms)
    decided = decision_entries(work, others)
    done = progress_entries(view.sessions, agent_names, at_ms)
    said = "\n".join(entry.text for entry in (*task, *following, *failed, *decided))
    reported = "\n".join(entry.text for entry in done[:_MOSTLY_SHOWN])
    found = finding_entries(work, others, said, reported)
    sections = (
        Section("Task", _ranked(task, 0)),
        Section("Also in progress", _ranked(parallel_work_entries(view, work, others, agents, at_ms), 12, step=4)),
        Section(
            "Progress log",
            (
                *_ranked(passing_run(runs, at_ms), 12),
                *_ranked(done, 16, step=4),
            ),
        ),
        Section("What the user said", _ranked(decided, 7, step=2)),
        Section(
            "Findings",
            (
                *_ranked(found[:_SURE_FINDINGS], 9, step=2),
                *_ranked(found[_SURE_FINDINGS:], _WHERE_THERE_IS_ROOM),
            ),
        ),
        Section("Recent files", _ranked([_plain(file_line(file, at_ms), "newest edit") for file in recent], 8, step=3)),
        Section("Failed approaches", _ranked(failed, 8, step=3)),
        Section(
            "Open questions",
            (
                *_ranked(open_entries(work, lead.digest, runs, recent, view.root, at_ms), 5, step=2),
                *_ranked(opinion_entries(view.opinions, at_ms), 6, step=8),
                *_ranked(questions_beside(work, others, agents, on_line, since_ms), 18, step=4),
                *_ranked(loose_ends(work, others, lead.digest.prompts), 10, step=4),
                *_ranked(notes_in_files(recent), 30, step=5),
            ),
        ),
        Section(
            "Next action",
            (*_ranked(following, 0), *_ranked([_plain(limit_text, "usage limit")] if limit_text else [], 1)),
        ),
        Section("Git context", _ranked([_plain(git_line(git), "git")] if git is not None else [], 6)),
    )
    return Handoff(
        updated_ms=at_ms,
        agent=_named(agent_names, lead.agent),
        agent_id=lead.agent,
        resume=resume,
        session=lead.session,
        head=git.head if git is not None else None,
        sections=tuple(_of_session(section, lead.session) for section in sections if section.lines),
        limit=limit,
    )


def _of_session(section: Section, session: str) -> Section:
    """What comes from a turn without naming its session is of the one that leads."""
    lines = (
        Line(msgspec.structs.replace(line.entry, session=session), line.rank)
        if line.entry.turn and not line.entry.session
        else line
        for line in section.lines
    )
    return Section(section.title, tuple(lines))


def _named(names: Mapping[str, str], agent: str) -> str:
    return names.get(agent, agent)


def wanted_files(view: ProjectView) -> tuple[FileQuery, ...]:
    """The files whose present state the handoff would show, for the probe to read."""
    return tuple(
        FileQuery(path=file.path, line=file.touched.line, anchor=file.touched.anchor)
        for file in recent_files(
            _touched(view), (), {}, view.root, former_roots=view.former_roots, checkouts=view.checkouts
        )
        if file.touched.change != "delete"
    )


def has_task(view: ProjectView) -> bool:
    """Is there anything to hand over? Cheap, to be asked before the probes are sent out."""
    return _leading(work_of(view)) is not None


def _leading(state: WorkState) -> WorkLine | None:
    """The first line that has something to say."""
    return next((line for line in state.lines if line.goal is not None or line.step is not None), None)


def _touched(view: ProjectView) -> list[EditedFile]:
    return [file for digest in _digests(view) for file in digest.touched]


def _digests(view: ProjectView) -> Iterable[Digest]:
    return (digest for session in view.sessions for digest in session.digests)


def _plain(text: str, rule: str) -> Entry:
    return Entry(text=text, rule=rule)


def _ranked(entries: Iterable[Entry], first: int, *, step: int = 0) -> tuple[Line, ...]:
    """With ranks that grow by `step` from line to line, so that of several sections the later lines go first."""
    return tuple(Line(entry, first + step * index) for index, entry in enumerate(entries))
