"""The demo on the transcripts that agents left on this machine, which are only read."""

from __future__ import annotations

import os
import sys
import time
from contextlib import closing
from typing import Final

from carryover.agents import agent_names
from carryover.cli.demo.throwaway import ThrowAway
from carryover.cli.output import Progress, counted, size
from carryover.config import load_config
from carryover.ingest.scan import FoundSource
from carryover.ledger.queries import connect_read_only, projects
from carryover.projects.handoff_file import HANDOFF
from carryover.publish.make import made_handoff

WAIT_LIMIT_S: Final = 60.0
"""How long the demo waits for old history; the newest project comes first, so its handoff is ready long before."""

TICK_S: Final = 0.1


def from_history(
    place: ThrowAway, history: list[FoundSource], *, wait_limit_s: float = WAIT_LIMIT_S
) -> tuple[str, str] | None:
    """Let a daemon read `history`; root and handoff of the project that moved last, None where nothing happened."""
    agents = ", ".join(name for id_, name in agent_names().items() if any(item.source.agent == id_ for item in history))
    amount = f"{counted(len(history), 'transcript')} of {agents} ({size(sum(item.size for item in history))})"
    print(f"Found {amount}. Reading them, newest project first.", flush=True)
    with place.running_daemon(os.environ):
        if not _read_whole(place, len(history), wait_limit_s):
            print("That is more history than a demo should wait for; the rest was left unread this time.")
        return _newest_handoff(place)


def _read_whole(place: ThrowAway, expected: int, wait_limit_s: float) -> bool:
    """Show how the history is read, until it is or the time is up; whether it is."""
    progress = Progress(sys.stdout)
    begin_s = time.monotonic()
    first_handoff = ""
    while True:
        caught_up = bool(place.health()["caught_up"])
        spent_s = time.monotonic() - begin_s
        if not first_handoff and next(place.handoffs.glob(f"*/{HANDOFF}"), None) is not None:
            first_handoff = f"; first handoff ready after {spent_s:.1f} s"
        counts = place.counts()
        text = f"{counts.sources} of {counted(expected, 'transcript')} read, {counted(counts.events, 'event')}"
        if caught_up or spent_s > wait_limit_s:
            secrets = f", {counted(counts.redactions, 'secret')} taken out" if counts.redactions else ""
            progress.finish(f"{text}{secrets}, in {spent_s:.1f} s{first_handoff}")
            return caught_up
        progress.update(counts.sources / expected, f"{text}{first_handoff}")
        time.sleep(TICK_S)


def _newest_handoff(place: ThrowAway) -> tuple[str, str] | None:
    config = load_config(place.state.config)
    with closing(connect_read_only(place.state.ledger)) as ledger:
        for project in projects(ledger):
            # Old projects are read but not published, so the newest one here may have no file yet.
            text = place.published(project.root)
            text = text or made_handoff(ledger, project.id, config, now_ms=int(time.time() * 1000)).text
            if text is not None:
                return project.root, text
    return None
