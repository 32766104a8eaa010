"""An agent whose hook calls are kept, from `install` to `uninstall --purge`: what its hooks do, and what is left."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from agents.windsurf.talks import Talk
from e2e.test_install import contents, install
from support.agent_here import only_this_path
from support.daemon_process import DaemonProcess, handoff_of
from support.forked import carryover
from support.tools import versioned

SETTINGS = (
    b'{"hooks":\r\n  {"post_write_code": [\r\n    {"command": "./audit.sh", "show_output": true}\r\n  ], '
    b'"pre_read_code": []}}'
)
"""The user's own: somebody else's hook, a list that is empty, no line feed at the end."""


@pytest.fixture
def lived_in(home: Path, project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    only_this_path(home, monkeypatch)
    versioned(home / ".local/bin/windsurf", "2.3.9")
    (home / ".codeium/windsurf").mkdir(parents=True)
    (home / ".codeium/windsurf/hooks.json").write_bytes(SETTINGS)
    (project / "AGENTS.md").write_bytes(b"# Rules\r\nBe brief.")
    return home


def run_hooks(home: Path, talk: Talk, project: Path) -> None:
    """As Cascade does: each command of an event in a shell, in the workspace."""
    hooks = json.loads((home / ".codeium/windsurf/hooks.json").read_bytes())["hooks"]
    for event, data, _ in talk.calls:
        for entry in hooks.get(event, []):
            if "audit" not in entry["command"]:
                done = subprocess.run(["sh", "-c", entry["command"]], cwd=project, input=data, capture_output=True)
                assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
                assert entry["show_output"] is False
    talk.calls.clear()


def test_from_the_first_hook_to_no_trace(lived_in: Path, project: Path, daemon: DaemonProcess, tmp_path: Path) -> None:
    without = tmp_path / "without"
    shutil.copytree(lived_in, without, symlinks=True)
    install(lived_in)
    written = json.loads((lived_in / ".codeium/windsurf/hooks.json").read_bytes())["hooks"]
    assert len(written["post_write_code"]) == 2
    now = datetime.now(UTC)
    talk = Talk(f"installed {now}", str(project), now, timedelta(milliseconds=10))
    talk.prompt("Add a discount code to the basket page")
    talk.edit(f"{project}/basket.py", "", "code = None\n")
    talk.say("The basket page takes a code now. Shall I add a test for expired codes?")
    with daemon:
        run_hooks(lived_in, talk, project)
        daemon.settle()
        assert "discount code" in handoff_of(project)
        assert "Shall I add a test for expired codes?" in handoff_of(project)
        assert "CARRYOVER:START" in (project / "AGENTS.md").read_text()
        assert carryover("doctor").returncode == 0
        listed = carryover("uninstall", "--purge", "--dry-run")
        answer = carryover("uninstall", "--purge")

    assert f"{lived_in}/.carryover/spool" in listed.stdout or "~/.carryover/spool" in listed.stdout
    assert (answer.returncode, answer.stderr) == (0, "")
    assert contents(lived_in) == contents(without)


def test_a_refresh_changes_nothing_and_an_uninstall_gives_the_bytes_back(lived_in: Path) -> None:
    install(lived_in)
    written = (lived_in / ".codeium/windsurf/hooks.json").read_bytes()
    assert carryover("refresh", "--yes", "--no-service").returncode == 0
    assert (lived_in / ".codeium/windsurf/hooks.json").read_bytes() == written

    assert carryover("uninstall").returncode == 0
    assert (lived_in / ".codeium/windsurf/hooks.json").read_bytes() == SETTINGS
