"""An agent whose folder was moved by a variable that only the user's shell has: its own folders are no projects."""

from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from carryover.distill.stored_digest import DigestReducer
from carryover.ledger.queries import connect_read_only, projects
from carryover.ledger.store import Ledger
from support.codex_session import CodexSession
from support.daemon_process import DaemonProcess, handoff_of
from support.forked import carryover
from support.hook_client import HookClient
from support.repository import git, repository


async def an_empty_ledger(path: Path) -> None:
    await (await Ledger.open(path, DigestReducer())).close()


@pytest.fixture
def codex_home(home: Path, daemon: DaemonProcess) -> Path:
    moved = home / "data" / "codex"
    (moved / "sessions").mkdir(parents=True)
    daemon.state.root.mkdir(mode=0o700)
    known = f'roots = ["{moved}/sessions"]\nenv = {{CODEX_HOME = "{moved}"}}\n'
    daemon.state.config.write_text(f'[tools]\nselected = ["codex"]\n[tools.codex]\n{known}')
    assert "CODEX_HOME" not in daemon.env
    return moved


@pytest.fixture
def shop(home: Path) -> Path:
    return repository(home / "shop", {"cart.py": "def total():\n    return 0\n"})


@pytest.fixture
def worktree(codex_home: Path, shop: Path) -> Path:
    """A worktree of `shop` that Codex made for itself (0.169: `/new`)."""
    own = codex_home / "worktrees" / "ab12" / "shop"
    git(shop, "worktree", "add", "--quiet", "--detach", str(own))
    return own


@pytest.fixture
def session(codex_home: Path, worktree: Path) -> CodexSession:
    session = CodexSession(codex_home, worktree, now=datetime.now(UTC) - timedelta(minutes=5))
    session.prompt("Add a discount function to the cart")
    session.patch("c1", worktree / "cart.py", "return 0", "return 1")
    session.answer("I wrote discount(). Next I will add tests for negative amounts.")
    return session


def test_a_worktree_of_its_own_is_work_on_the_main_checkout(
    session: CodexSession, worktree: Path, shop: Path, daemon: DaemonProcess
) -> None:
    (worktree / "cart.py").write_text("def total():\n    return 1\n")
    with daemon:
        daemon.settle()
        again = CodexSession(session.home, worktree)
        reported = HookClient(daemon.state.socket).call(
            "SessionStart", again.payload("SessionStart", source="startup"), agent="codex"
        )
        daemon.settle()

    assert "Add a discount function to the cart" in handoff_of(shop)
    assert f"`{worktree}/cart.py`" in handoff_of(shop)
    assert "Add a discount function to the cart" in reported.text
    assert sorted(path.name for path in worktree.iterdir()) == [".git", "cart.py"]


@pytest.mark.parametrize("with_ledger", [True, False])
def test_without_a_daemon_the_handoff_is_that_of_the_main_checkout_too(
    with_ledger: bool, session: CodexSession, worktree: Path, shop: Path, daemon: DaemonProcess
) -> None:
    if with_ledger:
        asyncio.run(an_empty_ledger(daemon.state.ledger))

    asked = [carryover("handoff", cwd=folder).stdout for folder in (worktree, shop)]

    assert asked[0] == asked[1]
    assert "Add a discount function to the cart" in asked[0]
    assert f"`{worktree}/cart.py`" in asked[0]
    if with_ledger:
        with closing(connect_read_only(daemon.state.ledger)) as db:
            assert [row.root for row in projects(db)] == [str(shop)]
