from __future__ import annotations

import json
import os
from pathlib import Path

from carryover.actions.context import state_dir
from carryover.errors import ExitCode
from support.agent_here import everything
from support.forked import CARRYOVER
from support.recorded_shop import Run
from support.terminal import ENTER, Terminal


def test_hooks_go_and_what_was_recorded_stays(claude: Path, recorded: Path, run: Run) -> None:
    before = b'{\r\n\t"model": "opus",\r\n\t"hooks": {"Stop": []}}'
    claude.write_bytes(before)
    run("install", "--yes", "--no-service")

    code, out, err = run("uninstall")

    assert (code, err) == (ExitCode.OK, "")
    assert out.startswith("~/.claude/settings.json is put back (hooks of Claude Code)\n")
    assert out.endswith(
        "What was recorded stays in ~/.carryover, and the handoffs stay in your projects; "
        "`carryover uninstall --purge` takes them away too.\n"
    )
    assert claude.read_bytes() == before
    assert state_dir().ledger.exists()


def test_a_purge_leaves_nothing(installed: Path, recorded: Path, home: Path, run: Run) -> None:
    assert run("handoff", str(recorded))[0] == ExitCode.OK

    code, out, err = run("uninstall", "--purge")

    assert (code, err) == (ExitCode.OK, "")
    assert "~/.claude/settings.json goes (hooks of Claude Code)\n" in out
    assert "~/.carryover goes (the state folder)\n" in out
    assert not installed.exists()
    assert not state_dir().root.exists()


def test_a_dry_run_lists_and_shows_everything_and_touches_nothing(installed: Path, home: Path, run: Run) -> None:
    before = everything(home)

    code, out, _ = run("uninstall", "--purge", "--dry-run")

    assert code == ExitCode.OK
    assert f"--- {installed}\n+++ /dev/null\n" in out
    assert out.endswith("\nNothing was changed.\n")
    assert everything(home) == before


def test_it_works_with_settings_that_cannot_be_read(installed: Path, run: Run) -> None:
    state_dir().config.write_text("[tools\n")

    assert run("uninstall")[0] == ExitCode.OK
    assert not installed.exists()


def test_a_file_that_cannot_be_edited_is_named_and_nothing_else_stays(installed: Path, run: Run) -> None:
    broken = installed.read_text() + ","
    installed.write_text(broken)

    code, out, _ = run("uninstall")

    assert code == ExitCode.FAILED
    assert f"✗ {installed} is left alone: " in out
    assert installed.read_text() == broken


def test_as_data_it_tells_what_went(installed: Path, run: Run) -> None:
    code, out, err = run("uninstall", "--purge", "--json")

    done = json.loads(out)
    assert (code, err, done["left"], done["service"]) == (ExitCode.OK, "", [], None)
    assert done["files"] == [{"path": str(installed), "why": "hooks of Claude Code", "outcome": "removed"}]
    assert str(state_dir().config) in done["removed"]


def test_on_a_terminal_a_purge_asks_once_more(installed: Path, home: Path) -> None:
    before = everything(home)
    command = (*CARRYOVER, "uninstall", "--purge")
    with Terminal(command, os.environ) as terminal:
        terminal.wait_for("Remove all this? What was recorded cannot be recovered. [y/N]")
        terminal.press(ENTER)
        code, shown = terminal.end()

    assert code == ExitCode.INTERRUPTED
    assert "Nothing was changed." in shown
    assert everything(home) == before
