"""From a project's view to its handoff: which session leads, and what each section says. Pure and deterministic."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from carryover.distill.clip import clip
from carryover.distill.digest import Digest, SeenRun
from carryover.distill.facts import FileFacts, FileQuery, GitFacts
from carryover.distill.files import RecentFile, recent_files, relative
from carryover.distill.limit import Limit, limit_line, standing_limit
from carryover.distill.next_action import next_actions
from carryover.distill.progress import note_of
from carryover.distill.task import task_lines
from carryover.distill.view import Note, ProjectView, SessionView
from carryover.distill.when import before
from carryover.distill.words import flat, one_line
from carryover.model import AGENT_NAMES

_DAY_MS: Final = 86_400_000
_SHOWN_OF_TASK: Final = 250
_SAME_WORDS: Final = 50
_MOST = {"progress": 8, "rulings": 8, "failures": 6, "others": 3, "todos": 3, "loose_ends": 3}


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
    current = _current(chain, lead)
    newest = max(chain, key=lambda session: (session.digest.last_ms, session.session))
    updated_ms = min(max(_last_ms(session) for session in chain), now_ms)
    touched = [file for digest in _digests(view.sessions) for file in digest.touched]
    runs = [seen for digest in _digests(view.sessions) for seen in digest.runs]
    recent = recent_files(touched, runs, files, view.root)
    limit = standing_limit(view, startable)
    sections = (
        Section("Task", tuple(Line(text, 0) for text in task_lines(current))),
        Section("Also in progress", _also(view, lead, chain, updated_ms)),
        Section("Progress log", _progress(view, chain, updated_ms)),
        Section("Decisions", _rulings(view.notes, current)),
        Section("Recent files", _ranked((_file_line(file, updated_ms) for file in recent), start=11, step=3)),
        Section("Failed approaches", _failures(view.sessions, chain, updated_ms)),
        Section("Open questions", _open_questions(current, runs, recent, view.root, updated_ms)),
        Section("Next action", (*(Line(text, 0) for text in next_actions(current)), *_limit_lines(limit))),
        Section("Git context", _git_lines(git)),
    )
    return Handoff(
        updated_ms=updated_ms,
        agent=AGENT_NAMES.get(newest.agent, newest.agent),
        resume=resume,
        session=lead.session,
        head=git.head if git is not None else None,
        sections=tuple(section for section in sections if section.lines),
        limit=limit,
    )


def wanted_files(view: ProjectView) -> tuple[FileQuery, ...]:
    """The files whose present state the handoff would tell, for the probe to look at."""
    touched = [file for digest in _digests(view.sessions) for file in digest.touched]
    return tuple(
        FileQuery(path=file.path, line=file.touched.line, anchor=file.touched.anchor)
        for file in recent_files(touched, (), {}, view.root)
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
            questions=digest.questions,
            said=digest.said or current.said,
        )
    return current


def _digests(sessions: Iterable[SessionView]) -> Iterable[Digest]:
    for session in sessions:
        yield session.digest
        yield from session.sidechains


def _last_ms(session: SessionView) -> int:
    return max([session.digest.last_ms, *(side.last_ms for side in session.sidechains)])


def _ranked(texts: Iterable[str], *, start: int, step: int) -> tuple[Line, ...]:
    return tuple(Line(text, start + step * index) for index, text in enumerate(texts))


def _also(view: ProjectView, lead: SessionView, chain: list[SessionView], at_ms: int) -> tuple[Line, ...]:
    """Sessions that were still at work when the lead began, and other checkouts with a handoff of their own."""
    told = {session.session for session in chain}
    others = [
        session
        for session in view.sessions
        if session.session not in told and session.digest.goal is not None and _last_ms(session) >= lead.started_ms
    ]
    others.sort(key=lambda session: (-_last_ms(session), session.session))
    lines = [
        f"{AGENT_NAMES.get(other.agent, other.agent)}, {before(_last_ms(other), at_ms)}: "
        f"{clip(flat(other.digest.goal.text), chars=160)}"
        for other in others[: _MOST["others"]]
        if other.digest.goal is not None
    ]
    lines += [
        f"Worktree {tree.root} has its own handoff ({before(tree.last_event_ms, at_ms)})"
        for tree in view.worktrees[: _MOST["others"]]
    ]
    return _ranked(lines, start=15, step=3)


def _progress(view: ProjectView, chain: list[SessionView], at_ms: int) -> tuple[Line, ...]:
    notes = [note for note in view.notes if note.kind == "progress"]
    for session in chain:
        open_turn = note_of(session.digest)
        if open_turn is not None:
            notes.append(replace(open_turn, agent=session.agent))
    notes.sort(key=lambda note: (-note.at_ms, note.text))
    texts: list[str] = []
    for note in notes:
        name = AGENT_NAMES.get(note.agent, note.agent)
        texts.append(f"{before(note.at_ms, at_ms)}{', ' + name if name else ''}: {note.text}")
    return _ranked(dict.fromkeys(texts[: _MOST["progress"]]), start=16, step=4)


def _rulings(notes: Iterable[Note], digest: Digest) -> tuple[Line, ...]:
    """The user's rulings, weightiest and newest first; what the Task section shows already is left out."""
    shown = flat(digest.goal.text)[:_SHOWN_OF_TASK] if digest.goal is not None else ""
    rulings = sorted(
        (note for note in notes if note.kind == "ruling"), key=lambda note: (-note.weight, -note.at_ms, note.text)
    )
    unique = [text for text in dict.fromkeys(note.text for note in rulings) if text[:_SAME_WORDS] not in shown]
    return _ranked(unique[: _MOST["rulings"]], start=12, step=3)


def _file_line(file: RecentFile, at_ms: int) -> str:
    where = f" ({file.facts.symbol})" if file.facts is not None and file.facts.symbol else ""
    verb = {"add": "added", "modify": "edited", "delete": "deleted", "rename": "moved here"}[file.touched.change]
    parts = [f"{verb} {before(file.touched.at_ms, at_ms)}"]
    if file.status is not None:
        parts.append(
            "failing before this edit" if file.status == "failing before this edit" else f"tests {file.status}"
        )
    if file.facts is not None and not file.facts.exists:
        parts.append("not there now")
    elif file.facts is not None and file.facts.parses is False:
        parts.append("does not parse")
    return f"`{file.path}`{where}: {', '.join(parts)}"


def _failures(sessions: Iterable[SessionView], chain: list[SessionView], at_ms: int) -> tuple[Line, ...]:
    """Newest first, of this task's sessions or of the last three days; what soon worked after all is left out."""
    of_task = {session.session for session in chain}
    found = [
        failure
        for session in sessions
        for digest in (session.digest, *session.sidechains)
        for failure in digest.failures
        if session.session in of_task or failure.at_ms > at_ms - 3 * _DAY_MS
        if not failure.mended or failure.times + failure.detours > 2
    ]
    found.sort(key=lambda failure: (-failure.at_ms, failure.signature))
    texts = []
    for failure in found[: _MOST["failures"]]:
        more = [f"{failure.times} times"] * (failure.times > 1) + ["worked in the end"] * failure.mended
        told = f" ({', '.join(more)})" if more else ""
        texts.append(f"{failure.tried} → {failure.why or 'failed without a word'}{told}")
    return _ranked(dict.fromkeys(texts), start=14, step=4)


def _open_questions(
    digest: Digest, runs: Iterable[SeenRun], recent: Iterable[RecentFile], root: str, at_ms: int
) -> tuple[Line, ...]:
    asked = [f'The user asked, not answered yet: "{one_line(waiting.text)}"' for waiting in digest.queued[-2:]]
    for question in reversed(digest.questions):
        if question.origin == "user" and not (digest.turn is not None and digest.turn.done):
            asked.append(f'The user asked, not answered yet: "{question.text}"')
        elif question.origin in ("tool", "assistant"):
            options = f" Options: {'; '.join(question.options)}" if question.options else ""
            asked.append(f"{question.text}{options}")
    if digest.proposal:
        asked.append(f"A plan waits for the user's word: {digest.proposal}")
    asked += _uncertain_edits(digest, root)
    asked += _failing_tests(runs, at_ms)
    if digest.jobs:
        asked.append("Not known yet, still running: " + "; ".join(job.text for job in digest.jobs[-4:]))
    doubts = [q.text for q in reversed(digest.questions) if q.origin == "loose_end"][: _MOST["loose_ends"]]
    markers = [
        f"{marker.text} (`{file.path}` line {marker.line})"
        for file in recent
        if file.facts is not None
        for marker in file.facts.markers
    ][: _MOST["todos"]]
    return (
        *_ranked(dict.fromkeys(asked), start=10, step=3),
        *_ranked(dict.fromkeys(doubts), start=20, step=4),
        *_ranked(dict.fromkeys(markers), start=30, step=5),
    )


def _uncertain_edits(digest: Digest, root: str) -> list[str]:
    """Edits that were on their way when the work stopped: nobody has looked whether they were made."""
    if digest.turn is None or digest.turn.done:
        return []
    files = dict.fromkeys(relative(call.text, root) or call.text for call in digest.calls if call.edits)
    return (
        [f"Not known whether this edit was made: {', '.join(f'`{file}`' for file in list(files)[-3:])}"]
        if files
        else []
    )


def _failing_tests(runs: Iterable[SeenRun], at_ms: int) -> list[str]:
    """The newest run, where it failed."""
    newest = max(runs, key=lambda seen: seen.at_ms, default=None)
    if newest is None or newest.run.status != "fail":
        return []
    names = ", ".join(newest.run.failed_names[:3])
    reason = f": {newest.run.reason}" if newest.run.reason else ""
    what = f" {names}" if names else ""
    return [f"Tests fail ({before(newest.at_ms, at_ms)}, `{newest.command.replace('`', '')}`){what}{reason}"]


def _limit_lines(limit: Limit | None) -> tuple[Line, ...]:
    text = limit_line(limit) if limit is not None else None
    return (Line(text, 1),) if text is not None else ()


def _git_lines(git: GitFacts | None) -> tuple[Line, ...]:
    if git is None:
        return ()
    where = f"branch {git.branch}" if git.branch else "detached HEAD"
    at = f' at {git.head} "{clip(git.subject, chars=80)}"' if git.head else ", no commit yet"
    known = " (last known; git did not answer in time)" if git.stale else ""
    counts = []
    if git.changed_files:
        counts.append(f"{git.changed_files} changed (+{git.insertions} -{git.deletions})")
    if git.untracked:
        counts.append(f"{git.untracked} untracked")
    state = f"; not committed: {', '.join(counts)}" if counts else "; nothing uncommitted"
    return (Line(f"{where}{at}{state}{known}", 9),)
