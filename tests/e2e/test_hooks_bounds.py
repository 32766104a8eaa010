"""No hook keeps its agent waiting, whatever keeps the daemon busy."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from carryover.daemon.hooks.dispatch import SAVE_S, START_S
from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, wait_until
from support.hook_client import Heard, HookClient, payload_of

NOTHING = Heard(204)
SLACK_S = 0.15
"""For the way there and back. With it a start takes no longer than its script waits."""


@pytest.fixture
def session(session: ClaudeSession) -> ClaudeSession:
    """A session of a while ago."""
    session.now -= timedelta(hours=1)
    session.prompt("Add a discount function to the cart")
    session.answer("I wrote discount(). Next I will add tests for negative amounts.")
    return session


@pytest.fixture
def known(running: DaemonProcess, session: ClaudeSession) -> ClaudeSession:
    """That session, read and published."""
    running.settle()
    return session


def started(session: ClaudeSession) -> dict[str, object]:
    return payload_of(ClaudeSession(session.folder, session.cwd), "SessionStart", source="startup")


@contextmanager
def locked(daemon: DaemonProcess) -> Iterator[None]:
    """Another program writes to the ledger and does not come to an end: nothing can be stored meanwhile."""
    with closing(sqlite3.connect(daemon.state.ledger, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_while_nothing_can_be_stored_a_session_is_given_what_is_known(
    known: ClaudeSession, running: DaemonProcess, hooks: HookClient
) -> None:
    with locked(running):
        known.answer("It rounds to cents now. Next I will ask about the currency.")
        reported, took_s = timed(hooks, "SessionStart", started(known))

    assert reported.status == 200
    assert "negative amounts" in reported.text
    assert "currency" not in reported.text
    assert took_s < START_S + SLACK_S
    wait_until("the rest", lambda: "currency" in hooks.call("SessionStart", started(known)).text)


@pytest.mark.parametrize(
    ("event", "more"),
    [
        ("PreCompact", {"trigger": "auto"}),
        ("SessionEnd", {"reason": "other"}),
        ("Stop", {"last_assistant_message": "Next I will ask about the currency."}),
        ("PostToolUse", {}),
    ],
)
def test_while_nothing_can_be_stored_the_other_events_are_not_kept_waiting(
    known: ClaudeSession, running: DaemonProcess, hooks: HookClient, event: str, more: dict[str, object]
) -> None:
    with locked(running):
        known.prompt("And the currency?")
        heard, took_s = timed(hooks, event, payload_of(known, event, **more))

    assert heard == NOTHING
    assert took_s < SAVE_S + SLACK_S


def test_while_a_long_history_is_read_sessions_start_in_time(
    known: ClaudeSession, running: DaemonProcess, hooks: HookClient, home: Path
) -> None:
    """In the same folder as well: what is not read in time is told to the next session."""
    folders = [known.cwd, *(home / "work" / f"old{n}" for n in range(5))]
    line = ClaudeSession(known.folder, known.cwd, now=known.now).prompt_line("x" * 1500)
    for folder in folders:
        folder.mkdir(exist_ok=True)
        old = ClaudeSession(known.folder, folder, now=known.now - timedelta(days=1))
        old.append(b"".join(old.prompt_line("x" * 1500) for _ in range(4 * 1024 * 1024 // len(line))))

    heard = [timed(hooks, "SessionStart", started(known)) for _ in range(10)]

    assert [reported.status for reported, _ in heard] == [200] * 10
    assert all("negative amounts" in reported.text for reported, _ in heard)
    assert max(took_s for _, took_s in heard) < START_S + SLACK_S
    assert running.health()["hook_calls"]["late"] == 0


def timed(hooks: HookClient, event: str, payload: dict[str, object]) -> tuple[Heard, float]:
    began = time.monotonic()
    heard = hooks.call(event, payload)
    return heard, time.monotonic() - began
