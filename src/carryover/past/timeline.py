"""What happened in a project across agents, newest first. Read-only and blocking."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property, partial
from itertools import islice, pairwise
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from carryover.agents import agent_name
from carryover.distill.forms import without_pastes
from carryover.distill.git_reports import committed
from carryover.export.quoting import quoted_line, safe
from carryover.export.session_parts import edit_line, numbered
from carryover.ledger.events import session_events
from carryover.ledger.queries import sessions, short_ids
from carryover.ledger.rows import ProjectRow, SessionRow
from carryover.model import NOTE, AgentSummary, FileEdit, StoredEvent, ToolResult, TurnEnd, UserPrompt
from carryover.past.links import Links
from carryover.past.opened import Want, opened
from carryover.past.titles import show_command, title_of
from carryover.past.types import Moment, Timeline
from carryover.probe.git_history import GitCommit, newest_commits
from carryover.records.fields import path_in_project
from carryover.redact import clean
from carryover.testruns.reading import test_run_in
from carryover.text.harmless import one_line
from carryover.text.reset_times import with_reset_here

_KINDS: Final = ("user_prompt", "tool_result", "agent_summary", "turn_end")
"""The events that moments are made of, beside edits; a session has as many others."""
_MOST_SESSIONS: Final = 5000
_LONGEST_TEXT: Final = 400
_WORDS_CHARS: Final = 200
"""How much is shown of a prompt and of a session's title."""
_COMMITTED_AFTER_MS: Final = 3_600_000
"""How long after a session a commit with its edits is still shown with it."""
_MOST_MOMENTS: Final = 500
_GROWTH: Final = 1.125
"""Factor by which the moments must have grown before they are sorted again."""
_AT_ONCE: Final = 100
"""Maximum number of moments with the same time that are kept together."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """Which moments to list: from `since_ms` on and before `until_ms` (UTC ms), of one agent or of all.

    >>> edit = Moment(at_ms=5, agent="pi", agent_name="Pi", session="s1", kind="edit", text="Edited cart.py")
    >>> Wanted().has(edit), Wanted(edits=True).has(edit), Wanted(edits=True, since_ms=6).has(edit)
    (False, True, False)
    """

    since_ms: int = 0
    until_ms: int | None = None
    agent: str | None = None
    edits: bool = False
    """Whether edits are listed too."""

    def has(self, moment: Moment) -> bool:
        """Whether the moment of such an agent is listed."""
        in_time = moment.at_ms >= self.since_ms and (self.until_ms is None or moment.at_ms < self.until_ms)
        return in_time and (self.edits or moment.kind != "edit")


class _Ran:
    """A command that may have run tests. What it printed is read when it is first asked for: of a long past, few tests
    are listed."""

    def __init__(self, at: Moment, result: ToolResult) -> None:
        self.at_ms = at.at_ms
        self._at = at
        self._result = result

    @cached_property
    def tests(self) -> Moment | None:
        """The moment at which tests failed or passed; None if there were none, or nobody knows."""
        run = test_run_in(self._result)
        if run is None or run.status == "unknown":
            return None
        return replace(self._at, kind="tests", text=_first_line(f"{run.status}: {self._result.subject}"))


def log(root: str, *, since_ms: int, agent: str | None, limit: int) -> list[Moment]:
    """Returns the timeline of the project at `root`, with the commands that show its turns."""
    with opened(Want.LISTED, root) as (ledger, project):
        if project is None:
            return []
        commits = newest_commits(Path(root), since_ms=since_ms)
        moments = timeline(ledger, project.id, Wanted(since_ms=since_ms, agent=agent), limit=limit, commits=commits)
        short = short_ids(ledger, (moment.session for moment in moments))
    return [
        replace(moment, short=short[moment.session], show=show_command(moment.session, moment.turn))
        for moment in moments
    ]


def timeline_page(db: sqlite3.Connection, project: ProjectRow, *, before_ms: int | None, limit: int) -> Timeline:
    """Returns the newest moments before `before_ms` (UTC ms) but for compactions, with edits and their diffs, in a form
    that can be shown. Asks git."""
    limit = max(1, min(limit, _MOST_MOMENTS))
    wanted = Wanted(until_ms=before_ms, edits=True)
    commits = newest_commits(Path(project.root))
    newest = timeline(db, project.id, wanted, limit=limit + _AT_ONCE, commits=commits)
    listed = [moment for moment in newest if moment.kind != "compaction"]
    shown = listed[:limit]
    # The next page begins before the last moment's time, so all with that time belong to this page.
    shown += [moment for moment in listed[limit:] if moment.at_ms == shown[-1].at_ms]
    return Timeline(tuple(map(_shown, shown)), more=len(listed) > len(shown))


def _shown(moment: Moment) -> Moment:
    diff = safe(moment.diff) if isinstance(moment.diff, str) else moment.diff
    return replace(moment, text=quoted_line(moment.text), diff=diff)


def timeline(
    db: sqlite3.Connection, project_id: int, wanted: Wanted, *, limit: int, commits: Iterable[GitCommit] = ()
) -> list[Moment]:
    """Returns the newest `limit` moments that are `wanted`, newest first. `commits`: of the project's repository."""
    rows = sessions(db, project_id, limit=_MOST_SESSIONS)
    # Nobody takes over from a note.
    by_start = sorted((row for row in rows if row.agent != NOTE), key=lambda row: (row.started_ms, row.id))
    before = {later.id: earlier for earlier, later in pairwise(by_start)}
    links = Links(commits)
    moments: list[Moment | _Ran] = []
    listed: list[Moment] = []
    looked_at = 0
    for row in rows:
        if len(moments) > looked_at * _GROWTH:  # sorting after each session would be quadratic
            looked_at, listed = len(moments), _listed(moments, wanted, limit)
        until_ms = row.last_ms + _COMMITTED_AFTER_MS
        if until_ms < wanted.since_ms or (len(listed) >= limit and until_ms < listed[limit - 1].at_ms):
            break
        begins_later = wanted.until_ms is not None and row.started_ms >= wanted.until_ms
        if begins_later or (wanted.agent is not None and row.agent != wanted.agent):
            continue
        of_session = _of_session(db, row, before.get(row.id), links, wanted)
        moments += (moment for moment in of_session if isinstance(moment, _Ran) or wanted.has(moment))
    return _listed(moments, wanted, limit)


def _listed(moments: list[Moment | _Ran], wanted: Wanted, limit: int) -> list[Moment]:
    # Within one millisecond, the last event comes first.
    moments.sort(key=lambda moment: moment.at_ms, reverse=True)
    return [*islice(filter(wanted.has, _each_commit_once(moments)), limit)]


def _turning_points(moments: Sequence[Moment | _Ran]) -> Iterator[Moment]:
    """Yields the moments, newest first; of tests those that fail, or pass again, whichever session ran them."""
    known = (ran for ran in moments if isinstance(ran, _Ran) and ran.tests is not None)
    newer = next(known, None)
    for moment in moments:
        if not isinstance(moment, _Ran):
            yield moment
        elif moment is newer:
            older = next(known, None)
            if moment.tests is not None and _fails(moment) != _fails(older):
                yield moment.tests
            newer = older


def _fails(ran: _Ran | None) -> bool:
    return ran is not None and ran.tests is not None and ran.tests.text.startswith("fail")


def _each_commit_once(moments: Sequence[Moment | _Ran]) -> Iterator[Moment]:
    """Yields what `_turning_points` does; a commit with edits of several sessions is that of the one that made it, else
    the newest."""
    named = {moment.commit for moment in moments if isinstance(moment, Moment) and moment.how == "command"}
    for moment in _turning_points(moments):
        if moment.how != "edits":
            yield moment
        elif moment.commit not in named:
            named.add(moment.commit)
            yield moment


def _of_session(
    db: sqlite3.Connection, row: SessionRow, before: SessionRow | None, links: Links, wanted: Wanted
) -> list[Moment | _Ran]:
    start = Moment(
        at_ms=row.started_ms,
        agent=row.agent,
        agent_name=agent_name(row.agent, row.machine),
        machine=row.machine or None,
        session=row.native_id,
        kind="session",
        text="",
    )
    moments: list[Moment | _Ran] = [
        replace(start, kind="note" if row.agent == NOTE else "session", text=one_line(title_of(db, row), _WORDS_CHARS))
    ]
    if before is not None and row.agent not in (before.agent, NOTE):
        before_name = agent_name(before.agent)
        moments.append(replace(start, kind="hand-over", text=before.agent, before_name=before_name))
    shows_edits = wanted.edits or links.any_between(row.started_ms, row.last_ms + _COMMITTED_AFTER_MS)
    kinds = (*_KINDS, "file_edit") if shows_edits else _KINDS
    events = [(turn, event) for turn, event in numbered(session_events(db, row, kinds)) if not event.retracted]
    moments += _of_events(events, start, row.root, wanted)
    moments += _commits(row, events, start, links)
    return moments[::-1]


def _commits(row: SessionRow, events: Iterable[tuple[int, StoredEvent]], of: Moment, links: Links) -> Iterator[Moment]:
    """Yields the commits that the session made, and other commits that contain its edits."""
    commit_of = replace(of, kind="commit")
    made_here = set()
    others = {}
    roots = (row.root, row.recorded_root)
    for turn, event in events:
        match event.body:
            case ToolResult() as result:
                for short, subject in committed(result):
                    known_commit = links.of_command(short, subject, event.at_ms)
                    name = known_commit.id if known_commit is not None else short
                    made_here.add(name)
                    text = _first_line(clean(known_commit.subject) if known_commit is not None else subject)
                    yield replace(commit_of, at_ms=event.at_ms, turn=turn, commit=name, text=text, how="command")
            case FileEdit(path=path):
                commit = links.of_edit(path_in_project(path, *roots), event.at_ms)
                if commit is not None and commit.authored_ms <= row.last_ms + _COMMITTED_AFTER_MS:
                    others[commit.id] = (turn, commit)
    for turn, commit in others.values():
        if commit.id not in made_here:
            text = _first_line(clean(commit.subject))
            yield replace(commit_of, at_ms=commit.authored_ms, turn=turn, commit=commit.id, text=text, how="edits")


def _of_events(
    events: Iterable[tuple[int, StoredEvent]], of: Moment, root: str | None, wanted: Wanted
) -> Iterator[Moment | _Ran]:
    """Yields the timeline entries of the events, in order."""
    for turn, event in events:
        moment = partial(replace, of, at_ms=event.at_ms, turn=turn)
        match event.body:
            case UserPrompt(actor="human") as prompt if event.subagent_id is None:
                yield moment(kind="prompt", text=one_line(without_pastes(prompt.typed), _WORDS_CHARS))
            case FileEdit(diff=diff) as edit if wanted.edits:
                yield moment(kind="edit", text=edit_line(edit, root), diff=diff)
            case AgentSummary(source="compaction") if event.subagent_id is None:
                yield moment(kind="compaction")
            case TurnEnd(reason="limit", message=message, resets=resets):
                limit = with_reset_here(_first_line(message), resets, event.at_ms)
                yield moment(kind="limit", text=limit)
            case ToolResult(op="shell") as result:
                yield _Ran(moment(), result)


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")[:_LONGEST_TEXT]
