"""An agent reaches its usage limit while the daemon runs: the handoff, `status` and the desktop say so."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from carryover.agents import startable_agents
from carryover.distill.sections.next_action import command
from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, handoff_of, wait_until
from support.forked import data
from support.tools import program

CONFIG = "[server]\nport = 0\n"


@pytest.fixture
def shown(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    kept = home / "notices"
    program(home / "bin" / "notify-send", f"echo \"$@\" >> '{kept}'")
    monkeypatch.setenv("PATH", f"{home}/bin:{os.environ['PATH']}")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
    return kept


@pytest.fixture
def reported(home: Path, shown: Path, daemon: DaemonProcess) -> Iterator[DaemonProcess]:
    """A running daemon that is to give notices; its environment is that of after `shown`."""
    (home / ".carryover").mkdir(mode=0o700)
    (home / ".carryover" / "config.toml").write_text(CONFIG)
    with daemon:
        wait_until("the first rescan", lambda: daemon.health()["caught_up"])
        yield daemon


def notices(shown: Path) -> list[str]:
    return shown.read_text().splitlines() if shown.exists() else []


def now(session: ClaudeSession) -> None:
    session.now = datetime.now(UTC)


def test_a_limit_is_said_everywhere_until_somebody_continues(
    reported: DaemonProcess, session: ClaudeSession, transcripts: Path, project: Path, shown: Path
) -> None:
    session.prompt("Add a discount function to the cart")
    reported.settle()
    assert "continues elsewhere" not in handoff_of(project)

    session.limit()

    wait_until("the notice", lambda: notices(shown) or None)
    reported.settle()
    [notice] = notices(shown)
    assert notice.startswith("--app-name=Carryover -- Claude Code reached its usage limit In ")
    assert "discount" not in notice
    elsewhere = [command(agent) for agent in startable_agents(None) if agent != "claude-code"]
    assert notice.endswith(f"In {project.name}: {elsewhere[0]}")
    line = f"- Claude Code reached its usage limit; it resets 3pm (Europe/Amsterdam); for the user: `{elsewhere[0]}`"
    assert line in handoff_of(project)
    assert [limit["root"] for limit in data("status")["ledger"]["limits"]] == [str(project)]

    other = ClaudeSession(transcripts, project, now=session.now)
    other.prompt("Read .carryover/handoff.md, then go on with the task it describes.")
    reported.settle()
    assert "reached its usage limit" not in handoff_of(project)
    assert ": Add a discount function to the cart\n" in handoff_of(project)


def test_a_daemon_that_starts_again_repeats_nothing(
    home: Path, shown: Path, daemon: DaemonProcess, session: ClaudeSession, project: Path, transcripts: Path
) -> None:
    """Nor does it tell what it finds in the history: only what happens while it runs."""
    (home / ".carryover").mkdir(mode=0o700)
    (home / ".carryover" / "config.toml").write_text(CONFIG)
    session.now = datetime(2026, 1, 1, tzinfo=UTC)
    session.prompt("Add a discount function to the cart")
    now(session)
    session.limit()
    wait_until("the moment of the limit to be over", lambda: datetime.now(UTC) > session.now)
    with daemon:
        daemon.settle()
        assert "reached its usage limit" in handoff_of(project)
        blog = project.parent / "blog"
        blog.mkdir()
        other = ClaudeSession(transcripts, blog)
        other.prompt("Write a post on the discount")
        now(other)
        other.limit()
        wait_until("the notice", lambda: notices(shown) or None)
        wait_until("its moment to be over", lambda: datetime.now(UTC) > other.now)
        daemon.stop()
    with daemon:
        daemon.settle()
        daemon.stop()

    assert len(notices(shown)) == 1
    assert "In blog" in notices(shown)[0]
