"""Says what happened in a project."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from carryover.agents import agent_name
from carryover.ledger.queries import session_ids, shortest_unique
from carryover.model import NOTE
from carryover.past.opened import Want, opened
from carryover.past.session_entries import show_command
from carryover.past.timeline import Moment, Wanted, timeline
from carryover.probe.git_history import SHORT, newest_commits


class Entry(NamedTuple):
    """An entry of the timeline, with what stands for its agents, session and commit."""

    moment: Moment
    agent: str
    """Display name; empty for a note."""
    took_over: tuple[str, str] | None
    """The names of the agents from which and by which the work was taken over."""
    session: str
    """The shortest unique prefix of the session's id."""
    commit: str
    show: str
    """The command that shows the turn, by the short id."""


def log(root: str, *, since_ms: int, agent: str | None, limit: int) -> list[Entry]:
    """Returns the timeline of the project at `root`, newest first."""
    with opened(Want.LISTED, root) as (ledger, project):
        if project is None:
            return []
        commits = newest_commits(Path(root), since_ms=since_ms)
        wanted = Wanted(since_ms=since_ms, agent=agent)
        moments = timeline(ledger, project.id, wanted, limit=limit, commits=commits)
        short = shortest_unique(session_ids(ledger))
    return [_entry(moment, short[moment.session]) for moment in moments]


def _entry(moment: Moment, session: str) -> Entry:
    agent = agent_name(moment.agent, moment.machine) if moment.agent != NOTE else ""
    took_over = None
    if moment.kind == "hand-over":
        took_over = (agent_name(" ".join(moment.text.split())), agent_name(moment.agent))
    commit = moment.commit[:SHORT] if moment.commit else ""
    named = replace(moment, show=show_command(moment.session, moment.turn))
    return Entry(named, agent, took_over, session, commit, show_command(session, moment.turn))
