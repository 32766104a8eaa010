"""A project that Claude Code has worked in, on disk and in the ledger."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from carryover.past.context import state_dir
from carryover.past.without_daemon import catch_up
from support.agent_here import only_this_path, put_claude
from support.claude_session import ClaudeWork
from support.empty_ledger import put_ledger
from support.recorded_shop import Run
from support.replayed import FILES, replay
from support.repository import git, repository


@pytest.fixture
def shop(home: Path) -> Path:
    """A repository with two recorded sessions of Claude Code 2.1.328; nothing of it is in a ledger."""
    project = repository(home / "shop", dict(FILES))
    replay(home / ".claude", project)
    return project


@pytest.fixture
def recorded(shop: Path) -> Path:
    """The same, read into the ledger."""
    put_ledger(state_dir().ledger)
    catch_up(str(shop))
    return shop


@pytest.fixture
def history(home: Path) -> Path:
    """Where SpecStory saves the sessions of a repository."""
    folder = home / "store/.specstory/history"
    folder.mkdir(parents=True)
    git(home / "store", "init", "-q")
    return folder


@pytest.fixture
def claude(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Claude Code 2.1.328 is on this machine, and no service manager; the path of its settings, not there yet."""
    only_this_path(home, monkeypatch)
    return put_claude(home)


@pytest.fixture
def installed(claude: Path, run: Run) -> Path:
    """The same after `carryover install`."""
    code, _, err = run("install", "--yes", "--no-service")
    assert (code, err) == (0, "")
    return claude


@pytest.fixture
def work(home: Path, monkeypatch: pytest.MonkeyPatch) -> ClaudeWork:
    """A session in a repository with one committed file, `cart.py`; it began three hours ago."""
    session = ClaudeWork(
        home / ".claude" / "projects",
        repository(home / "shop", {"cart.py": "def total(items):\n    return sum(items)\n"}),
    )
    session.now -= timedelta(hours=3)
    git(session.cwd, "commit", "--quiet", "--amend", "--no-edit", "--date", "2026-01-02T00:00:00Z")
    monkeypatch.chdir(session.cwd)
    return session
