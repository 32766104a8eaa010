"""Which projects get a handoff at once; folders that `carryover install` makes; what it promises."""

from __future__ import annotations

import os
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from carryover.past.context import state_dir
from demo.replay import TIMESTAMP
from support.agent_here import only_this_path
from support.recorded_shop import Run


def aged(home: Path, days: int) -> None:
    """Dates the history `days` back; the files themselves are new, as in a copied home folder."""
    at = datetime.fromtimestamp(time.time() - days * 86_400, UTC).isoformat(timespec="milliseconds")
    for path in (home / ".claude").rglob("*.jsonl"):
        path.write_bytes(TIMESTAMP.sub(f'"timestamp":"{at[:23]}Z"'.encode(), path.read_bytes()))


@pytest.mark.parametrize("days", [6, 8])
def test_only_an_active_project_gets_a_handoff_at_once(
    claude: Path, shop: Path, home: Path, run: Run, days: int
) -> None:
    """As the daemon does, it goes by when something happened, not by the time of the file."""
    state_dir().root.mkdir(mode=0o700)
    state_dir().config.write_text("[server]\nport = 0\n")
    aged(home, days)
    try:
        run("install", "--yes")
    finally:
        run("stop")

    assert (shop / ".carryover" / "handoff.md").exists() == (days < 7)


def test_the_owner_can_use_what_install_creates_whatever_the_umask_is(
    claude: Path, home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(claude.parent)
    monkeypatch.setenv("CARRYOVER_HOME", str(home / "new" / "state"))
    before = os.umask(0o777)
    try:
        run("install", "--yes", "--no-service")
    finally:
        os.umask(before)
    modes = {path: path.stat().st_mode for path in (claude.parent, claude, home / "new", *(home / "new").rglob("*"))}
    assert {str(path): oct(mode) for path, mode in modes.items() if mode & 0o600 != 0o600} == {}


def test_an_agent_that_no_hook_tells_is_not_said_to_know_at_once(
    home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cursor's editor: nothing tells its version, and not every version takes in a handoff."""
    only_this_path(home, monkeypatch)
    (home / ".cursor").mkdir()

    out = run.out("install", "--yes", "--no-service")

    assert "  Inside an editor only the pointer brings it the handoff. If you have `cursor-agent`, " in out
    assert "gets the handoff by the pointer, once an agent has worked in the project.\nUntil then, and in a chat" in out
    assert "In a new session say" not in out
    assert "In a new session say" in run.out("install", "--yes", "--no-service", "--pointers", "local")
    assert "or an open chat paste what" in run.out("install", "--yes", "--no-service", "--pointers", "off")
