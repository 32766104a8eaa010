"""Answers a session that starts while no daemon does: `hook.sh` runs this module as a process of its own.

    python -P -m carryover.daemon.hooks.without_daemon STATE AGENT EVENT < payload

It prints what the daemon would, from the ledger as it stands, and nothing if the session should get nothing. Whatever
fails ends it with an error, which the script does not show. It writes nothing and has no time limit: the script has.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from pathlib import Path

from carryover.adapter.contract import Agent, HookEvent
from carryover.agents import adapter, agent_id_of, agent_ids
from carryover.clock import utc_now_ms
from carryover.config import Config, settings_now
from carryover.daemon.hooks.call import HookCall, beginning, check_call
from carryover.facts import ProjectRoot
from carryover.ledger.connect import connect_read_only
from carryover.ledger.queries import project_by_root, published_git
from carryover.paths import StateDir
from carryover.probe.looks import look_at
from carryover.projects.root import StatePaths
from carryover.publish.answers import AnswerTime
from carryover.redact import CleanText


def answer_hook(
    state: StateDir, agent_name: str, event: str, payload: bytes, *, home: Path, env: Mapping[str, str], now_ms: int
) -> bytes | None:
    """Returns what the agent's hook must print; None for nothing.

    Raises UserError if the settings or the ledger can't be read, Refused for a path that is no project of the user's,
    and TimeoutError if a disk does not answer.
    """
    agent_id = agent_name if agent_name in agent_ids() else agent_id_of(agent_name)  # an id needs no other's spec
    config = settings_now(state)
    if agent_id is None or not config.selects(agent_id):
        return None
    agent = adapter(agent_id)
    reading = _start_in(agent, event, payload)
    if agent.hooks is None or reading is None:
        return None
    root_of = StatePaths(state, home, config.agents).root_of
    roots = agent.spec.roots(home, env)
    check = partial(check_call, agent, reading, roots, root_of=root_of)
    start = look_at(state.root, check, soon=True)
    if start.project is None:
        return None
    with closing(connect_read_only(state.ledger)) as db:
        text = _text(db, start, start.project, config, now_ms)
    return agent.hooks.answer(text) if text is not None else None


def _start_in(agent: Agent, event: str, payload: bytes) -> HookEvent | None:
    """Returns what the payload says of a session that starts and takes in an answer; None for any other."""
    reading = agent.hooks.read(event, payload) if agent.hooks is not None else None
    return reading if isinstance(reading, HookEvent) and reading.action == "session_start" else None


def _text(db: sqlite3.Connection, start: HookCall, here: ProjectRoot, config: Config, now_ms: int) -> CleanText | None:
    project_id, begins = beginning(db, start, project_by_root(db, here.root))
    if project_id is None and here.main_root is None:
        return None
    moment = AnswerTime(project=project_id or here, config=config, now_ms=now_ms, then=published_git(db, project_id))
    return moment.answer(db, begins)


def main() -> None:
    """Answers the hook that the process's arguments and standard input describe."""
    state, agent_name, event = sys.argv[1:]
    payload, now_ms = sys.stdin.buffer.read(), utc_now_ms()
    output = answer_hook(
        StateDir(Path(state)), agent_name, event, payload, home=Path.home(), env=os.environ, now_ms=now_ms
    )
    if output is not None:
        sys.stdout.buffer.write(output)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # the script discards what was printed if its time is up while an interpreter frees what it holds
