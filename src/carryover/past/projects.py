"""Answers about projects: their list, and of each its handoff with sources, its timeline and its work. Blocks."""

from __future__ import annotations

import glob
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path, PurePath
from typing import Final

from carryover.agents import agent_name
from carryover.config import Config
from carryover.distill.digest import Digest
from carryover.distill.handoff import MAX_TOKENS
from carryover.distill.limit import LASTS_MS, Limit
from carryover.distill.pastes import typed_words
from carryover.distill.quotes import estimated_tokens
from carryover.distill.sections.quoting import last_words
from carryover.distill.trail import is_running, newest_goal_of
from carryover.export.quoting import one_line, safe
from carryover.facts import is_foreign
from carryover.ingest.scan import MS_PER_DAY
from carryover.install.machine import Machine, startable_here
from carryover.ledger.events import prompts_and_ends
from carryover.ledger.queries import (
    ProjectRow,
    agents_seen,
    project_by_id,
    project_of_session,
    projects,
    session_counts,
    work_sessions,
)
from carryover.model import NOTE, TurnEnd
from carryover.past import answers
from carryover.past.limits import limited_projects
from carryover.past.timeline import Moment, Wanted, timeline
from carryover.probe.git_history import newest_commits
from carryover.projects.handoff_file import place_of
from carryover.projects.root import AgentFolders
from carryover.publish.dialed import dialed_handoff
from carryover.publish.make import Refreshed, made_handoff
from carryover.publish.project_view import UnknownProject, session_digest
from carryover.text.reset_times import reset_time_ms

Known = ProjectRow
"""A project that is recorded."""
Gone = UnknownProject
"""Raised for a project that was forgotten meanwhile."""
_MOST_READ: Final = 500
"""Of how many of the newest projects the newest session is read: what it is about, and what it waits for."""
_QUESTION_CHARS: Final = 300
_ABOUT_CHARS: Final = 200
DAYS: Final = 92
"""How far back the pictures reach."""
_MOST_ENTRIES: Final = 500
_AT_ONCE: Final = 100
"""Maximum number of entries with the same time that are kept together."""
_KINDS: Final[dict[str, answers.EntryKind]] = {
    "session": "session",
    "note": "note",
    "hand-over": "handover",
    "prompt": "prompt",
    "edit": "edit",
    "commit": "commit",
    "tests": "tests",
    "limit": "limit",
}
"""The kinds of moments that are listed."""


def listed_projects(db: sqlite3.Connection, config: Config, *, now_ms: int) -> answers.Projects:
    """Returns all projects that have a session, newest work first."""
    found = limited_projects(db, (), since_ms=now_ms - LASTS_MS, now_ms=now_ms)
    limits = {project.root: project.limit for project in found}
    counts = session_counts(db)
    oldest_ms = now_ms - config.publish.active_days * MS_PER_DAY
    return answers.Projects(
        tuple(
            _project(
                db,
                row,
                sessions=counts.get(row.id, 0),
                limit=limits.get(row.root),
                is_paused=config.paused or glob.escape(row.root) in config.projects.exclude,
                is_read=place < _MOST_READ,
                may_wait=row.last_event_ms >= oldest_ms,
                now_ms=now_ms,
            )
            for place, row in enumerate(projects(db))
        )
    )


def continuable(db: sqlite3.Connection, config: Config, home: Path, env: Mapping[str, str]) -> tuple[str, ...]:
    """Returns the ids of the agents to continue in: they take a first prompt, are installed, and have worked here.

    `env`: the user's variables; those that were recorded at the install are used beside them.
    """
    machine = Machine(home=home, env={**config.agents.recorded_env(), **env})
    worked = {row.agent for row in agents_seen(db)}
    return tuple(agent for agent in startable_here(config.agents.selected, machine) if agent in worked)


def project_here(db: sqlite3.Connection, project_id: int) -> ProjectRow | None:
    """Returns a project of this machine; None if there is none with this id."""
    row = project_by_id(db, project_id)
    return row if row is not None and not is_foreign(row.root) else None


def has_session(db: sqlite3.Connection, project_id: int, agent: str, session: str) -> bool:
    """Whether this session of the agent belongs to the project."""
    return project_of_session(db, agent, session) == project_id


def _project(
    db: sqlite3.Connection,
    row: ProjectRow,
    *,
    sessions: int,
    limit: Limit | None,
    is_paused: bool,
    is_read: bool,
    may_wait: bool,
    now_ms: int,
) -> answers.Project:
    newest = next(iter(work_sessions(db, row.id, limit=1)), None)
    digest = session_digest(db, newest) if newest is not None and is_read else Digest()
    what, since_ms, question = "", 0, ""
    if limit is not None:
        what, since_ms = "a limit", limit.at_ms
    elif may_wait:
        what, since_ms, question = _waiting(digest)
    return answers.Project(
        id=row.id,
        root=row.root,
        name=PurePath(row.root).name or row.root,
        agent=newest.agent if newest is not None else "",
        agent_name=agent_name(newest.agent, newest.machine) if newest is not None else "",
        last_ms=row.last_event_ms,
        about=_about(digest) or one_line(newest.title or "" if newest is not None else "")[:_ABOUT_CHARS],
        state=_state(digest, now_ms),
        waits_for=what,
        waits_since_ms=since_ms,
        asks=one_line(question)[:_QUESTION_CHARS],
        sessions=sessions,
        is_paused=is_paused,
        resets_ms=(reset_time_ms(limit.resets, limit.at_ms) or 0) if limit is not None and limit.resets else 0,
    )


def _about(digest: Digest) -> str:
    """Returns the newest prompt that states a goal, or else the newest with any words, on one line."""
    said = newest_goal_of(digest)
    return one_line(typed_words(said.prompt) or said.prompt)[:_ABOUT_CHARS] if said is not None else ""


def _state(digest: Digest, now_ms: int) -> answers.TurnState:
    """Returns how the newest turn stands; "open" for one of which no end is recorded."""
    if digest.turn is None:
        return ""
    if digest.turn.end in ("", "answered"):
        if _waiting(digest)[0]:
            return "asked"
        if any(is_running(job, now_ms) for job in digest.jobs):
            return "running"
    return digest.turn.end or "open"


def _waiting(digest: Digest) -> tuple[str, int, str]:
    """Returns what the session waits for, since when (UTC ms), and its question.

    A turn that is over and asks nothing waits for nobody: otherwise every project would.
    """
    turn, proposal = digest.turn, digest.proposal
    if turn is None:
        return "", 0, ""
    if proposal is not None and proposal.accepted is None and proposal.turn == turn.number:
        return "approval", proposal.at_ms, ""
    if digest.questions:
        return "you", digest.questions[-1].at_ms, digest.questions[-1].text
    is_over = turn.end not in ("", "limit")
    question = last_words(turn).question if is_over else ""
    return ("you", turn.last_ms, question) if question else ("", 0, "")


def handoff(
    db: sqlite3.Connection,
    project: ProjectRow,
    config: Config,
    agents_own: AgentFolders,
    *,
    now_ms: int,
    tokens: int = MAX_TOKENS,
) -> answers.HandoffAnswer:
    """Returns the handoff as it would be made now for `tokens`, with the sources of each line. Asks git."""
    made = dialed_handoff(db, project.id, config, tokens=tokens, now_ms=now_ms, agents_own=agents_own)
    return answers.HandoffAnswer(
        path="" if project.refusal is not None else str(Path(made.root, place_of(made.settings.folder))),
        tokens=estimated_tokens(made.text or ""),
        lines=tuple(_lines(made)),
        refusal=project.refusal or "",
    )


def _lines(made: Refreshed) -> Iterator[answers.HandoffLine]:
    """Yields the lines of the file, in order; those of the sections have sources."""
    if made.handoff is None or made.text is None:
        return
    *lines, last = made.text.rstrip("\n").split("\n")
    head = len(lines) - sum(1 + len(entries) for _, entries in made.sections)
    yield from (answers.HandoffLine(text=text, kind="head") for text in lines[:head])
    for title, entries in made.sections:
        yield answers.HandoffLine(text=title, kind="title")
        for text, entry in entries:
            sources = (
                answers.LineSource(
                    kind=line.kind,
                    agent=line.agent or (NOTE if line.session else ""),
                    session=line.session,
                    turn=line.turn or 0,
                    at_ms=line.at_ms,
                )
                for line in entry.sources
            )
            yield answers.HandoffLine(text=text, kind="line", sources=tuple(sources))
    yield answers.HandoffLine(text=last, kind="head")


def history(
    db: sqlite3.Connection, project: ProjectRow, *, before_ms: int | None, limit: int
) -> answers.TimelineAnswer:
    """Returns the newest entries of the timeline before `before_ms` (UTC ms), with edits and their diffs. Asks git."""
    limit = max(1, min(limit, _MOST_ENTRIES))
    wanted = Wanted(until_ms=before_ms, edits=True)
    commits = newest_commits(Path(project.root))
    newest = timeline(db, project.id, wanted, limit=limit + _AT_ONCE, commits=commits)
    found = [moment for moment in newest if moment.kind in _KINDS]
    shown = found[:limit]
    # The next page begins before the last entry's time, so all with that time belong to this page.
    shown += [moment for moment in found[limit:] if moment.at_ms == shown[-1].at_ms]
    return answers.TimelineAnswer(tuple(map(_entry, shown)), more=len(found) > len(shown))


def _entry(moment: Moment) -> answers.Entry:
    verdict, _, command = moment.text.partition(": ")
    detail, text = (verdict, command) if moment.kind == "tests" else (moment.commit or "", moment.text)
    return answers.Entry(
        at_ms=moment.at_ms,
        kind=_KINDS[moment.kind],
        agent=moment.agent,
        machine=moment.machine or "",
        session=moment.session,
        turn=moment.turn,
        text=one_line(text),
        detail=detail,
        diff=safe(moment.diff).text if isinstance(moment.diff, str) else "",
    )


def work(
    db: sqlite3.Connection, project: ProjectRow, config: Config, agents_own: AgentFolders, *, now_ms: int
) -> answers.Work:
    """Returns the turns of each agent by day, the limits that were reached, and the tokens of the handoff."""
    turns: dict[str, Counter[str]] = defaultdict(Counter)
    limits = []
    for agent, at_ms, body in prompts_and_ends(db, project.id, since_ms=now_ms - DAYS * MS_PER_DAY):
        if not isinstance(body, TurnEnd):
            turns[f"{datetime.fromtimestamp(at_ms / 1000).astimezone():%Y-%m-%d}"][agent] += 1
        elif body.reason == "limit":
            resets_ms = reset_time_ms(body.resets, at_ms) if body.resets else None
            limits.append(answers.LimitReached(at_ms, agent, resets_ms or 0))
    tokens: Counter[str] = Counter()
    section = ""
    for line in _lines(made_handoff(db, project.id, config, now_ms=now_ms, agents_own=agents_own)):
        section = line.text if line.kind == "title" else section
        tokens[section] += estimated_tokens(f"{line.text}\n")
    return answers.Work(
        days=tuple(answers.Day(day, dict(agents)) for day, agents in sorted(turns.items())),
        limits=tuple(sorted(limits, key=lambda limit: limit.at_ms)),
        handoff_tokens=tuple(answers.SectionTokens(*each) for each in tokens.items()),
    )
