"""A source that is a database: somebody writes to it, we follow, and at rest nobody stirs."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest
from watchfiles import watch

from agents.cursor.stores import Chat, EditorStore, say, user
from support.daemon_process import DaemonProcess, handoff_of, wait_until

STILL_MS: Final = 600
"""Two looks of a reader that is hinted at without end."""
LIMIT_S: Final = 10.0


@pytest.fixture
def store(home: Path) -> Iterator[EditorStore]:
    with closing(EditorStore(home / ".config" / "Cursor" / "User")) as made:
        yield made


def asked(project: Path, *prompts: str) -> Chat:
    """A conversation of just now."""
    now_ms = int(time.time() * 1000)
    bubbles = [bubble for prompt in prompts for bubble in (user(prompt), say("Done."))]
    return Chat(name="Dates", bubbles=bubbles, folder=str(project), start_ms=now_ms - 600_000)


def test_what_is_written_is_in_the_handoff_and_then_all_is_still(
    running: DaemonProcess, project: Path, store: EditorStore
) -> None:
    """Each look at a WAL is a change for all that watch its folder: it must not be the reason for the next one."""
    store.put(asked(project, "Fix the parser of dates in src/dates.py."))
    wait_until("the task", lambda: "parser of dates" in handoff_of(project))
    store.put(
        asked(
            project, "Fix the parser of dates in src/dates.py.", "Now write the formatter of times in src/times.py too."
        )
    )
    wait_until("the next task", lambda: "formatter of times" in handoff_of(project))

    deadline = time.monotonic() + LIMIT_S
    stop = threading.Event()
    for changes in watch(store.path.parent, rust_timeout=STILL_MS, yield_on_timeout=True, stop_event=stop):
        assert time.monotonic() < deadline, changes
        if not changes:
            stop.set()
    assert running.health()["broken_sources"] == 0
