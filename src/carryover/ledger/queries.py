"""Read-only queries for status, lists and single sessions, and the selection of sessions to forget. Blocking."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, pairwise
from typing import Final

import msgspec

from carryover.decoders import decoder_of
from carryover.errors import ExitCode, UserError
from carryover.facts import GitFacts, is_foreign
from carryover.ledger.rows import (
    PROJECT_ROWS,
    SESSION_ROWS,
    BrokenSource,
    Incident,
    ProjectRow,
    SessionRow,
    SkippedRow,
    Totals,
    Whereabouts,
    records,
)
from carryover.model import NOTE, PIN, not_the_last, session_in_other_cwd

_MAX_NAMED: Final = 3
"""Most sessions that a message lists if an id is not unique."""

_SKIPPED: Final = "SELECT agent, agent_version, record_type, reason, n, last_ms FROM skipped ORDER BY n DESC LIMIT 200"
_BROKEN: Final = """SELECT agent, path, error, failures, retry_ms FROM source
    WHERE state = 'broken' ORDER BY agent, path LIMIT 50"""
_WHEREABOUTS: Final = """SELECT id, root, moved_to, not_moved != 0, identity, main_root, published_sha,
    published_sha IS NOT NULL AND refusal IS NULL,
    EXISTS (SELECT 1 FROM session WHERE project_id = project.id),
    EXISTS (SELECT 1 FROM session WHERE recorded_project_id = project.id) FROM project"""
# Events are counted in indexes, without reading any.
_NO_PIN: Final = f"NOT (session.agent = '{NOTE}' AND session.native_id BETWEEN '{PIN}' AND '{PIN}~')"
_COUNTS: Final = f"""SELECT (SELECT count(*) FROM event) - (SELECT count(*) FROM event WHERE retracted != 0),
    (SELECT count(*) FROM session WHERE agent != '{NOTE}'),
    (SELECT count(*) FROM source),
    (SELECT count(DISTINCT project_id) FROM session WHERE {_NO_PIN}),
    page_count * page_size FROM pragma_page_count, pragma_page_size"""
_WORKTREES: Final = """SELECT id, root, last_event_ms FROM project
    WHERE main_root = ? ORDER BY last_event_ms DESC LIMIT ?"""
SELECTED: Final = """(:session IS NULL OR session.agent = :agent AND session.native_id = :session)
    AND (:conversation IS NULL OR session.agent = :agent AND (session.native_id = :conversation
        OR session.native_id >= :first_of AND session.native_id < :end_of))
    AND (:root IS NULL OR EXISTS (SELECT 1 FROM project
        WHERE root = :root AND project.id IN (session.project_id, session.recorded_project_id)))
    AND (NOT :in_part OR EXISTS (SELECT 1 FROM thread JOIN event ON event.thread_id = thread.id
            WHERE thread.session_id = session.id AND event.at_ms >= :begin AND event.at_ms < :end))"""
"""Condition on `session` rows with anything that a `Selection` selects."""
_BY_AGENT: Final = f"""SELECT agent, count(*) AS sessions, max(last_ms) AS last_event_ms FROM session
    WHERE agent != '{NOTE}' AND machine = '' GROUP BY agent ORDER BY agent"""
SHORTEST_ID: Final = 8
_NEIGHBOURS: Final = """SELECT native_id, (SELECT max(native_id) FROM session WHERE native_id < :name),
    (SELECT min(native_id) FROM session WHERE native_id > :name) FROM session WHERE native_id = :name LIMIT 1"""


@contextmanager
def snapshot(db: sqlite3.Connection) -> Iterator[None]:
    """Makes all reads inside the block see the same state of the ledger."""
    db.execute("BEGIN")
    try:
        yield
    finally:
        db.execute("ROLLBACK")


def project_by_id(db: sqlite3.Connection, project_id: int) -> ProjectRow | None:
    """Returns the project with this id; None if there is none."""
    return next(records(ProjectRow, db, f"{PROJECT_ROWS} WHERE id = ?", (project_id,)), None)


def project_by_root(db: sqlite3.Connection, root: str) -> ProjectRow | None:
    """Returns the project whose root is exactly `root`; None if there is none."""
    return next(records(ProjectRow, db, f"{PROJECT_ROWS} WHERE root = ?", (root,)), None)


def changed_since_published(db: sqlite3.Connection, project_id: int) -> bool:
    """Whether a commit has touched the project since it was last published or refused.

    A commit within 2 ms counts as the one that was published, since the two times are rounded differently.
    """
    condition = "id = ? AND changed_ms > coalesce(published_ms + 1, 0)"
    return db.execute(f"SELECT 1 FROM project WHERE {condition}", (project_id,)).fetchone() is not None


def agents_in(db: sqlite3.Connection, project_id: int) -> set[str]:
    """Returns the ids of the agents that have a session in the project."""
    rows = db.execute("SELECT DISTINCT agent FROM session WHERE project_id = ?", (project_id,))
    return {agent for (agent,) in rows}


def recorded_agents(db: sqlite3.Connection) -> set[str]:
    """Returns the ids of the agents that have a session of this machine."""
    return {agent for (agent,) in db.execute("SELECT DISTINCT agent FROM session WHERE machine = ''")}


def by_last_use(
    db: sqlite3.Connection, agents: Iterable[str], project_id: int | None, *, until_ms: int
) -> tuple[str, ...]:
    """Returns the ids of `agents`, those first with the newest session in the project that began by `until_ms`, then
    with the newest one anywhere: what happens later does not change the order."""
    wanted = tuple(agents)
    if len(wanted) < 2:
        return wanted
    here = "coalesce(max(CASE WHEN project_id = ? THEN started_ms END), 0)"
    of_each = f"SELECT agent, {here}, max(started_ms) FROM session WHERE started_ms <= ? GROUP BY agent"
    last = {
        agent: (here_ms, anywhere_ms) for agent, here_ms, anywhere_ms in db.execute(of_each, (project_id, until_ms))
    }
    return tuple(sorted(wanted, key=lambda agent: last.get(agent, (0, 0)), reverse=True))


def project_of_session(db: sqlite3.Connection, agent: str, native_id: str) -> int | None:
    """Returns the id of the project that a session belongs to; None for an unknown session or an unknown folder."""
    rows = db.execute("SELECT project_id FROM session WHERE agent = ? AND native_id = ?", (agent, native_id))
    return next((project_id for (project_id,) in rows), None)


def session_of(db: sqlite3.Connection, agent: str, native_id: str) -> SessionRow | None:
    """Returns the session with exactly this id; None if there is none."""
    return next(records(SessionRow, db, f"{SESSION_ROWS} WHERE agent = ? AND native_id = ?", (agent, native_id)), None)


def projects(db: sqlite3.Connection) -> list[ProjectRow]:
    """Returns every project of this machine that has a session or a note, most recently active first.

    Where there is nothing but pins, no agent has worked yet.
    """
    has_session = f"EXISTS (SELECT 1 FROM session WHERE project_id = project.id AND {_NO_PIN})"
    rows = records(ProjectRow, db, f"{PROJECT_ROWS} WHERE {has_session} ORDER BY last_event_ms DESC, id DESC")
    return [row for row in rows if not is_foreign(row.root)]


def has_only_pins(db: sqlite3.Connection, project_id: int) -> bool:
    """Whether the user's pins are all that is recorded of the project."""
    [(only,)] = db.execute(f"SELECT min(NOT {_NO_PIN}) FROM session WHERE project_id = ?", (project_id,))
    return bool(only)


def worktrees(db: sqlite3.Connection, root: str, *, limit: int) -> list[tuple[int, str, int]]:
    """Returns the checkout's worktrees, most recently active first: id, root, and time of the last event (UTC ms)."""
    return list(db.execute(_WORKTREES, (root, limit)))


def related_projects(db: sqlite3.Connection, root: str, main_root: str | None) -> tuple[int, ...]:
    """Returns the ids of a checkout's worktrees and of its main checkout: their handoffs name this one."""
    rows = db.execute("SELECT id FROM project WHERE main_root = ? OR root = ?", (root, main_root))
    return tuple(project_id for (project_id,) in rows)


def roots_below(db: sqlite3.Connection, root: str) -> tuple[str, ...]:
    """Returns the roots of the projects in folders below `root`, however deep."""
    above = root.rstrip("/")  # of `/`
    first, behind = f"{above}/", f"{above}0"  # "0" is the sign behind "/"
    rows = db.execute("SELECT root FROM project WHERE root > ? AND root < ?", (first, behind))
    return tuple(below for (below,) in rows)


def session_counts(db: sqlite3.Connection) -> dict[int, int]:
    """Returns the number of agents' sessions by project."""
    counted = "project_id IS NOT NULL AND agent != ?"
    rows = db.execute(f"SELECT project_id, count(*) FROM session WHERE {counted} GROUP BY project_id", (NOTE,))
    return dict(rows.fetchall())


def unpublished(db: sqlite3.Connection, *, since_ms: int) -> list[int]:
    """Returns the ids of this machine's projects with events since `since_ms` that changed in the ledger since they
    were last published, newest first."""
    statement = """SELECT id, root FROM project WHERE last_event_ms >= ? AND changed_ms >= coalesce(published_ms, 0)
        ORDER BY last_event_ms DESC"""
    return [project_id for project_id, root in db.execute(statement, (since_ms,)) if not is_foreign(root)]


def whereabouts(db: sqlite3.Connection) -> list[Whereabouts]:
    """Returns where each project's folder is and was, most recently active first, even if its sessions moved away."""
    return list(records(Whereabouts, db, f"{_WHEREABOUTS} ORDER BY last_event_ms DESC, id"))


def published_git(db: sqlite3.Connection, project_id: int | None) -> GitFacts | None:
    """Returns the git state when the project's handoff was last published; None without git, publication or project."""
    rows = db.execute("SELECT git FROM project WHERE id = ?", (project_id,)).fetchall()
    try:
        return next((decoder_of(GitFacts).decode(stored) for (stored,) in rows if stored is not None), None)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def sessions(
    db: sqlite3.Connection,
    project_id: int | None = None,
    *,
    limit: int,
    agent: str | None = None,
    since_ms: int | None = None,
    until_ms: int | None = None,
    branch: str | None = None,
    after: tuple[int, int] | None = None,
    notes: bool = True,
) -> list[SessionRow]:
    """Returns the newest sessions, by default of all projects, and notes. `since_ms` (UTC): those with an event since
    then; `until_ms`: those that began before; `after`: those that come after the session with this time of its last
    event and this id. What the user pinned is none of them."""
    wanted: dict[str, tuple[str | int | None, ...]] = {
        "session.project_id = ?": (project_id,),
        "session.agent = ?": (agent,),
        "session.last_ms >= ?": (since_ms,),
        "session.started_ms < ?": (until_ms,),
        "session.branch = ?": (branch,),
        "(session.last_ms, session.id) < (?, ?)": after or (None,),
        "session.agent != ?": (None if notes else NOTE,),
    }
    given = {condition: values for condition, values in wanted.items() if values != (None,)}
    where = " AND ".join([*given, _NO_PIN])
    newest = f"{SESSION_ROWS} WHERE {where} ORDER BY last_ms DESC, session.id DESC LIMIT ?"
    return list(records(SessionRow, db, newest, (*chain(*given.values()), limit)))


def newest_session(db: sqlite3.Connection, project_id: int) -> SessionRow | None:
    """Returns the session of an agent in the project that has the newest event; None if there is none."""
    return next(iter(sessions(db, project_id, limit=1, notes=False)), None)


def sessions_before(db: sqlite3.Connection, row: SessionRow, *, limit: int) -> list[SessionRow]:
    """Returns the agents' sessions of the same project that began before this one, those first that were active last
    before it; one that still was then, or is again since, counts as active when it began."""
    statement = f"""{SESSION_ROWS} WHERE session.project_id = ? AND session.agent != ? AND session.started_ms < ?
        ORDER BY min(session.last_ms, ?) DESC, session.started_ms DESC, session.id DESC LIMIT ?"""
    values = (row.project_id, NOTE, row.started_ms, row.started_ms, limit)
    return list(records(SessionRow, db, statement, values))


def sessions_by_agent(db: sqlite3.Connection, project_id: int | None) -> dict[str, int]:
    """Returns the number of sessions of each agent, in a project or in all; most first."""
    where, values = (
        ("agent != ?", (NOTE,)) if project_id is None else ("agent != ? AND project_id = ?", (NOTE, project_id))
    )
    counted = f"SELECT agent, count(*) FROM session WHERE {where} GROUP BY agent ORDER BY count(*) DESC, agent"
    return dict(db.execute(counted, values).fetchall())


def session_ids(db: sqlite3.Connection) -> list[str]:
    """Returns the agents' own ids of all sessions."""
    return [native_id for (native_id,) in db.execute("SELECT native_id FROM session")]


def session_by_prefix(db: sqlite3.Connection, prefix: str, project_id: int | None = None) -> SessionRow:
    """Returns the session whose id is or begins with `prefix`, ignoring case; `codex:ID` means only one from Codex.

    With `project_id`, sessions of other projects do not exist.
    Raises UserError: NOTHING_FOUND if there is none, USAGE if several match and none is an exact match.
    """
    if not prefix:
        raise UserError("The session id is empty. `carryover sessions` lists the ids.", ExitCode.USAGE)
    agent, colon, rest = prefix.partition(":")
    found = _beginning_with(db, prefix, project_id) or (_beginning_with(db, rest, project_id, agent) if colon else [])
    if not found:
        message = f"No session begins with {rest or prefix!r}. `carryover sessions` lists them."
        raise UserError(message, ExitCode.NOTHING_FOUND)
    exact = [row for row in found if row.native_id in (prefix, rest)]
    if len(exact or found) > 1:
        some = ", ".join(f"{row.agent}:{row.native_id}" for row in (exact or found)[:_MAX_NAMED])
        some += ", and more" if len(exact or found) > _MAX_NAMED else ""
        raise UserError(f"Several sessions begin with {prefix!r}: {some}. Give more of the id.", ExitCode.USAGE)
    return (exact or found)[0]


def _beginning_with(
    db: sqlite3.Connection, prefix: str, project_id: int | None, agent: str | None = None
) -> list[SessionRow]:
    # The exact id comes first: however many others begin with it, the limit does not cut it off.
    statement = f"""{SESSION_ROWS} WHERE substr(lower(native_id), 1, length(:prefix)) = lower(:prefix)
        AND (:project IS NULL OR session.project_id = :project) AND (:agent IS NULL OR session.agent = :agent)
        ORDER BY native_id != :prefix, native_id, session.agent LIMIT {_MAX_NAMED + 1}"""
    return list(records(SessionRow, db, statement, {"prefix": prefix, "project": project_id, "agent": agent}))


def totals(db: sqlite3.Connection) -> Totals:
    """Returns counts over the whole ledger, for `status`."""
    counters = dict(db.execute("SELECT name, n FROM counter").fetchall())
    kind_of = "redacted:"
    counted = ("events", "sessions", "sources", "project_count", "bytes")
    return Totals(
        **dict(zip(counted, db.execute(_COUNTS).fetchone(), strict=True)),
        redactions={name.removeprefix(kind_of): n for name, n in counters.items() if name.startswith(kind_of)},
        oversized=counters.get("oversized", 0),
        skipped=tuple(records(SkippedRow, db, _SKIPPED)),
        broken=tuple(
            BrokenSource(agent=agent, path=os.fsdecode(path), error=error, failures=failures, retry_ms=retry_ms)
            for agent, path, error, failures, retry_ms in db.execute(_BROKEN)
        ),
        incidents=tuple(records(Incident, db, "SELECT at_ms, text FROM incident ORDER BY id DESC LIMIT 5")),
    )


class AgentRow(msgspec.Struct, frozen=True, kw_only=True):
    """Totals of one agent in the ledger. Times are UTC ms, None if unknown."""

    agent: str
    sessions: int
    last_event_ms: int | None


def agents_seen(db: sqlite3.Connection) -> list[AgentRow]:
    """Returns every agent that has a session on this machine. Notes, which have no agent, are left out."""
    return list(records(AgentRow, db, _BY_AGENT))


def file_states(db: sqlite3.Connection) -> dict[tuple[str, str], tuple[int, int]]:
    """Returns the size and modification time (ns) of each source when it was last read in full, by agent and path."""
    rows = db.execute("SELECT agent, path, size, mtime_ns FROM source WHERE state = 'active'")
    return {(agent, os.fsdecode(path)): (size, mtime_ns) for agent, path, size, mtime_ns in rows}


def contexts_of(db: sqlite3.Connection, agent: str) -> Iterator[tuple[str, bytes]]:
    """Yields the path of each source of an agent, also of those that are gone, and the context after what was read."""
    for path, context in db.execute("SELECT path, context FROM source WHERE agent = ?", (agent,)):
        yield os.fsdecode(path), context


def short_ids(db: sqlite3.Connection, names: Iterable[str]) -> dict[str, str]:
    """Returns for each recorded session of `names` what `shortest_unique` does among all. Only the two ids around each
    are read, since no other has a longer beginning in common with it."""
    found = {}
    for name in set(names):
        for ids in db.execute(_NEIGHBOURS, {"name": name}):
            found[name] = shortest_unique([one for one in ids if one is not None])[name]
    return found


def shortest_unique(ids: Sequence[str]) -> dict[str, str]:
    """Returns for each id its shortest prefix, of at least 8 characters, that no other of `ids` has."""
    ordered = sorted(set(ids))
    shared = [len(os.path.commonprefix(pair)) for pair in pairwise(ordered)]  # noqa: RUF071 - by characters
    needed = [max(before, after) + 1 for before, after in zip([0, *shared], [*shared, 0], strict=False)]
    return {name: not_the_last(name[: max(length, SHORTEST_ID)]) for name, length in zip(ordered, needed, strict=False)}


class Selection(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What to forget: in one session or conversation, in one project, or everywhere. Times are UTC ms."""

    agent: str | None = None
    """With `session` or `conversation`: the agent it belongs to."""
    session: str | None = None
    """Selects one session, by the agent's own id."""
    conversation: str | None = None
    """Selects a conversation, including its turns in other folders."""
    root: str | None = None
    """Selects a project by its root, including sessions recorded there before it was moved."""
    since_ms: int | None = None
    until_ms: int | None = None
    """End of the period, exclusive. None: the moment of forgetting."""

    @property
    def is_everything(self) -> bool:
        """Whether neither a session nor a project nor a time limits the selection."""
        return self == Selection()

    @property
    def in_part(self) -> bool:
        """Whether only a part of each session is selected."""
        return self.since_ms is not None or self.until_ms is not None

    def span(self, now_ms: int) -> tuple[int, int]:
        """Returns the first time that is forgotten, and the first after it that is not."""
        since_ms = self.since_ms if self.since_ms is not None else 0
        return since_ms, min(self.until_ms, now_ms + 1) if self.until_ms is not None else now_ms + 1

    def values(self, now_ms: int) -> dict[str, str | int | None]:
        """Returns the parameters of `SELECTED`."""
        begin, end = self.span(now_ms)
        of = self.conversation or ""
        ends = {"first_of": session_in_other_cwd(of, ""), "end_of": session_in_other_cwd(of, "\U0010ffff")}
        return {**msgspec.structs.asdict(self), **ends, "in_part": self.in_part, "begin": begin, "end": end}


def selected_sessions(db: sqlite3.Connection, selection: Selection, *, now_ms: int) -> list[SessionRow]:
    """Returns the sessions with anything selected, newest first. Blocking."""
    newest = f"{SESSION_ROWS} WHERE {SELECTED} ORDER BY session.last_ms DESC, session.id DESC"
    return list(records(SessionRow, db, newest, selection.values(now_ms)))
