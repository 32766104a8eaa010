"""Broken set-ups, each broken for real."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from carryover.actions.context import state_dir
from carryover.errors import ExitCode
from support.agent_here import everything
from support.daemon_process import DaemonProcess, wait_until
from support.recorded_shop import DISCOUNT, Run


@pytest.fixture
def up(installed: Path, shop: Path) -> Iterator[DaemonProcess]:
    """Everything is installed, and the daemon has read and published all there is."""
    config = state_dir().config
    config.write_text(config.read_text() + "\n[server]\nport = 0\n")
    with DaemonProcess() as daemon:
        daemon.settle()
        wait_until("the port", lambda: daemon.health()["hook_port"]["port"])
        yield daemon


def found(run: Run, *arguments: str) -> list[dict[str, str]]:
    code, out, err = run("doctor", "--json", *arguments)
    reported = json.loads(out)
    assert err == ""
    assert code == (ExitCode.OK if reported["healthy"] else ExitCode.FAILED)
    assert reported["healthy"] == all(finding["level"] != "wrong" for finding in reported["findings"])
    return [finding for finding in reported["findings"] if finding["level"] == "wrong"]


def test_where_all_is_well_it_says_so(up: DaemonProcess, run: Run) -> None:
    out = run.out("doctor")

    assert out.startswith("No problems found.\n\n· Claude Code deletes transcripts that are older than 30 days")


def test_it_changes_nothing(installed: Path, recorded: Path, home: Path, run: Run) -> None:
    before = everything(home)

    run("doctor")

    assert everything(home) == before


def test_hooks_that_were_removed_and_come_back(up: DaemonProcess, installed: Path, run: Run) -> None:
    whole = json.loads(installed.read_bytes())
    installed.write_text(json.dumps({"hooks": {"Stop": whole["hooks"]["Stop"]}}))

    [removed] = found(run)
    assert removed["what"] == (
        "Claude Code: hooks are missing in ~/.claude/settings.json: SessionStart, PreCompact, StopFailure, SessionEnd."
    )

    assert found(run, "--fix") == []
    assert set(json.loads(installed.read_bytes())["hooks"]) == set(whole["hooks"])


def test_a_hook_that_was_edited_by_hand_is_left_as_it_is(up: DaemonProcess, installed: Path, run: Run) -> None:
    installed.write_text(installed.read_text().replace("claude-code Stop 2>", "claude-code Stop; beep 2>"))
    before = installed.read_bytes()

    [edited] = found(run, "--fix")

    assert edited["what"].endswith("are not as this version writes them: Stop.")
    assert installed.read_bytes() == before


def test_files_that_others_can_read_are_closed(up: DaemonProcess, run: Run) -> None:
    state_dir().root.chmod(0o755)

    [open_] = found(run)
    assert open_["what"] == "Other users of this machine can read ~/.carryover."

    assert found(run, "--fix") == []
    assert state_dir().root.stat().st_mode & 0o777 == 0o700


def test_a_script_of_the_hooks_that_was_deleted_is_written_again(up: DaemonProcess, run: Run) -> None:
    """Also where no service restarts the daemon."""
    script = state_dir().hook_script
    before = script.read_bytes()
    script.unlink()

    code, out, _ = run("doctor", "--fix")

    assert (code, out.splitlines()[0]) == (ExitCode.OK, "✓ The script that the hooks run is in place.")
    assert script.read_bytes() == before


COMMANDS: Final = (
    ("show", DISCOUNT),
    ("search", "discount"),
    ("log",),
    ("why", "cart.py"),
    ("export",),
    ("export", "--session", DISCOUNT),
    ("handoff",),
)
SAID: Final = "damaged entr"


def damage(column: str, where: str) -> int:
    """Changes what matching events hold, as a disk would; returns how many there were."""
    with closing(sqlite3.connect(state_dir().ledger, isolation_level=None)) as db:
        return db.execute(f"UPDATE event SET body = {column} WHERE {where}").rowcount


@pytest.fixture(params=["x'8000ff'", '\'{"kind":"nothing"}\''])
def damaged(recorded: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The shop, of whose events every third is damaged."""
    assert damage(request.param, "id % 3 = 0") > 2
    monkeypatch.chdir(recorded)
    return recorded


def test_it_is_left_out_and_that_is_said(damaged: Path, run: Run) -> None:
    for command in COMMANDS:
        code, out, err = run(*command)

        assert "Traceback" not in err, command
        assert code in (ExitCode.OK, ExitCode.NOTHING_FOUND), command
        if command[0] == "show":
            assert f"Session {DISCOUNT}" in out
            assert f"{SAID}ies of the ledger" in err
            assert "doctor --fix" in err


def test_doctor_finds_it_and_reads_it_again(
    installed: Path, recorded: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(recorded)
    whole = run("show", DISCOUNT)
    number = damage("x'8000ff'", "id % 3 = 0")

    _, out, _ = run("doctor")
    assert f"{number} entries cannot be read" in out
    run("doctor", "--fix")

    assert run("show", DISCOUNT) == whole
    assert "cannot be read" not in run("doctor")[1]
