"""Answers a session that starts while no daemon does: `hook.sh` runs this module as a process of its own.

    python -P -m carryover.daemon.hooks.without_daemon STATE AGENT EVENT < payload

It prints what the daemon would, from the ledger as it stands, and nothing if the session should get nothing. Whatever
fails ends it with an error, which the script does not show. It writes nothing and has no time limit: the script has.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from pathlib import Path

from carryover.adapter.contract import HookEvent
from carryover.agents import adapter, agent_id_of, agent_ids
from carryover.config import settings_now
from carryover.daemon.hooks.call import beginning, check_call, own_session
from carryover.ledger.connect import connect_read_only
from carryover.ledger.queries import published_git
from carryover.paths import StateDir
from carryover.projects.root import StatePaths, agent_folders
from carryover.publish.answers import Moment


def answer(
    state: StateDir, agent_name: str, event: str, payload: bytes, *, home: Path, env: Mapping[str, str], now_ms: int
) -> bytes | None:
    """Returns what the agent's hook must print; None for nothing.

    Raises UserError if the settings or the ledger can't be read, Refused for a path that is no project of the user's,
    and TimeoutError if a disk does not answer.
    """
    agent_id = agent_name if agent_name in agent_ids() else agent_id_of(agent_name)  # an id needs no other's spec
    config = settings_now(state)
    if agent_id is None or config.paused or not config.selects(agent_id):
        return None
    agent = adapter(agent_id)
    hooks = agent.hooks
    reading = hooks.read(event, payload, now_ms) if hooks is not None else None
    if hooks is None or not isinstance(reading, HookEvent):
        return None
    if reading.action != "session_start" or reading.reason in hooks.drops:
        return None
    agents_own = partial(agent_folders, config.agents, home, env)
    root_of = StatePaths.of(state, home, agents_own).root_of
    start = check_call(agent, reading, agent.roots(home, env), authenticated=True, root_of=root_of)
    if start.project is None:
        return None
    with closing(connect_read_only(state.ledger)) as db:
        own = own_session(db, agent_id, reading.session, start.project.root)
        project_id, begins = beginning(start, own)
        if project_id is None and start.project.main_root is None:
            return None
        moment = Moment(
            project=project_id or start.project,
            config=config,
            now_ms=now_ms,
            then=published_git(db, project_id) if project_id is not None else None,
            agents_own=agents_own,
        )
        text = moment.answer(db, begins)
    return hooks.answer(text) if text is not None else None


def main() -> None:
    """Answers the hook that the process's arguments and standard input describe."""
    state, agent_name, event = sys.argv[1:]
    payload, now_ms = sys.stdin.buffer.read(), int(time.time() * 1000)
    output = answer(StateDir(Path(state)), agent_name, event, payload, home=Path.home(), env=os.environ, now_ms=now_ms)
    if output is not None:
        sys.stdout.buffer.write(output)


if __name__ == "__main__":
    main()
