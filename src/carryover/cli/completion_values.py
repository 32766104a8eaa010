"""The values that a shell completes: sessions, agents, projects. Asked for at each Tab, so nothing slow is imported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from carryover.cli.output import one_line

MOST_SESSIONS: Final = 60
MEANING_LIMIT: Final = 50

Values = Iterator[tuple[str, str]]


def values(kind: str, beginning: str) -> Values:
    """What can be completed there to what begins like `beginning`, each with what it means; nothing for other kinds.

    Never raises for what can't be read: a Tab is no place for a message.
    """
    from carryover.errors import UserError

    make = _OF_KIND.get(kind)
    if make is None:
        return
    try:
        for value, meaning in make(beginning):
            if value.lower().startswith(beginning.lower()):
                yield value, one_line(meaning, MEANING_LIMIT)
    except (UserError, OSError):
        return


def _sessions(_beginning: str) -> Values:
    import time

    from carryover.agents import agent_names
    from carryover.cli.context import state_dir
    from carryover.cli.output import ago
    from carryover.cli.recorded import LAST
    from carryover.ledger.queries import connect_read_only, session_ids, sessions
    from carryover.ledger.short_ids import shortest_unique

    with closing(connect_read_only(state_dir().ledger)) as db:
        rows, short = sessions(db, limit=MOST_SESSIONS), shortest_unique(session_ids(db))
    names, now_ms = agent_names(), int(time.time() * 1000)
    yield LAST, "the newest session of this project"
    for row in rows:
        what = row.title or Path(row.root or "").name
        yield short[row.native_id], f"{names.get(row.agent, row.agent)}, {ago(row.last_ms, now_ms)}, {what}"


def _agents(beginning: str) -> Values:
    from carryover.agents import specs

    *before, last = beginning.split(",")  # `--agents` takes several
    taken = "".join(f"{name}," for name in before)
    for spec in specs():
        if spec.id.startswith(last):
            yield taken + spec.id, spec.name


def _projects(beginning: str) -> Values:
    from carryover.cli.context import state_dir
    from carryover.ledger.queries import connect_read_only, projects
    from carryover.paths import short_path

    with closing(connect_read_only(state_dir().ledger)) as db:
        roots = [project.root for project in projects(db)]
    home = Path.home()
    for root in roots:
        yield (root if beginning.startswith("/") else short_path(root, home)), ""


def _settings(_beginning: str) -> Values:
    from carryover.cli.config import setting_names

    yield from ((name, "") for name in setting_names())


def _times(_beginning: str) -> Values:
    yield from (("1h", ""), ("1d", ""), ("7d", ""), ("today", ""), ("yesterday", ""))


_OF_KIND: Final[dict[str, Callable[[str], Values]]] = {
    "sessions": _sessions,
    "agents": _agents,
    "projects": _projects,
    "settings": _settings,
    "times": _times,
}
