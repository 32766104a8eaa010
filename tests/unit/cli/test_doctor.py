"""Broken set-ups, each broken for real."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from carryover.cli.context import state_dir
from carryover.errors import ExitCode
from carryover.install.on_path import on_path_here
from support.agent_here import everything
from support.daemon_process import DaemonProcess, wait_until
from support.tools import versioned

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def port() -> Iterator[int]:
    """A port of this machine on which a stranger listens."""
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        yield stranger.getsockname()[1]


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
    code, out, err = run("doctor")

    assert (code, err) == (ExitCode.OK, "")
    assert out.startswith("No problems found.\n\n· Claude Code deletes transcripts that are older than 30 days")


def test_it_changes_nothing(installed: Path, recorded: Path, home: Path, run: Run) -> None:
    before = everything(home)

    run("doctor")

    assert everything(home) == before


def test_before_anything_is_installed_it_says_what_to_do(claude: Path, run: Run) -> None:
    reported = [finding["check"] for finding in found(run)]

    assert (reported[0], "daemon" in reported) == ("install", False)


def test_a_daemon_that_does_not_run(installed: Path, run: Run) -> None:
    assert "carryoverd is not running." in [finding["what"] for finding in found(run)]


def test_a_stranger_on_the_port(installed: Path, run: Run, port: int) -> None:
    config = state_dir().config
    config.write_text(config.read_text() + f"\n[server]\nport = {port}\n")

    [taken] = [finding["what"] for finding in found(run) if finding["check"] == "port"]

    assert taken.startswith(f"Port {port} is taken by another process")


def test_hooks_that_were_removed_and_come_back(up: DaemonProcess, installed: Path, run: Run) -> None:
    whole = json.loads(installed.read_bytes())
    installed.write_text(json.dumps({"hooks": {"Stop": whole["hooks"]["Stop"]}}))

    [removed] = found(run)
    assert removed["what"] == (
        "Claude Code: hooks were removed or overwritten in ~/.claude/settings.json: "
        "SessionStart, PreCompact, StopFailure, SessionEnd."
    )

    assert found(run, "--fix") == []
    assert set(json.loads(installed.read_bytes())["hooks"]) == set(whole["hooks"])


def test_hooks_that_are_switched_off(up: DaemonProcess, installed: Path, run: Run) -> None:
    settings = json.loads(installed.read_bytes())
    installed.write_text(json.dumps({**settings, "disableAllHooks": True}))

    [off] = found(run)

    assert "all hooks are switched off" in off["what"]


def test_a_hook_that_was_edited_by_hand_is_left_as_it_is(up: DaemonProcess, installed: Path, run: Run) -> None:
    installed.write_text(installed.read_text().replace("claude-code Stop 2>", "claude-code Stop; beep 2>"))
    before = installed.read_bytes()

    [edited] = found(run, "--fix")

    assert edited["what"].endswith("are not as this version writes them: Stop.")
    assert installed.read_bytes() == before


def test_a_handoff_that_git_tracks(up: DaemonProcess, shop: Path, run: Run) -> None:
    subprocess.run(["git", "add", "-f", ".carryover/handoff.md"], cwd=shop, check=True)

    [tracked] = found(run)

    assert tracked["what"].startswith("~/shop: nothing is published there: .carryover is tracked by git")


def test_a_file_that_hides_the_pointer(up: DaemonProcess, shop: Path, home: Path, run: Run) -> None:
    (home / ".codex").mkdir()
    (shop / "AGENTS.override.md").write_text("Mine.\n")

    assert [finding["what"] for finding in found(run)] == [
        "~/shop: AGENTS.override.md hides AGENTS.md, and the pointer in it, from Codex."
    ]


def test_a_pointer_that_was_edited_by_hand(up: DaemonProcess, shop: Path, run: Run) -> None:
    agents = shop / "AGENTS.md"
    agents.write_text(agents.read_text().replace("read it before starting", "read it whenever you like"))

    assert [finding["what"] for finding in found(run)] == ["~/shop: the pointer in AGENTS.md was edited by hand."]


def test_how_long_an_agent_keeps_its_transcripts(installed: Path, run: Run) -> None:
    settings = json.loads(installed.read_bytes())
    installed.write_text(json.dumps({**settings, "cleanupPeriodDays": 7}))

    _, out, _ = run("doctor")

    assert "· Claude Code deletes transcripts that are older than 7 days (`cleanupPeriodDays`).\n" in out


def test_transcripts_that_were_elsewhere_when_it_was_installed(up: DaemonProcess, run: Run) -> None:
    config = state_dir().config
    config.write_text(f'{config.read_text()}\n[tools.claude-code]\nroots = ["/data/projects"]\n')

    assert [finding["what"] for finding in found(run)] == [
        "Claude Code's transcripts were in /data/projects when it was installed; "
        "now they are expected in ~/.claude/projects."
    ]


def test_a_damaged_ledger(installed: Path, recorded: Path, run: Run) -> None:
    ledger = state_dir().ledger
    data = bytearray(ledger.read_bytes())
    data[8192:40_960] = b"\xff" * (40_960 - 8192)
    ledger.write_bytes(data)

    assert "ledger" in [finding["check"] for finding in found(run)]


def test_settings_that_cannot_be_read(installed: Path, run: Run) -> None:
    state_dir().config.write_text("[resume]\nmode = 'loud'\n")

    assert "line 2" in next(finding["what"] for finding in found(run) if finding["check"] == "settings")


def test_files_that_others_can_read_are_closed(up: DaemonProcess, run: Run) -> None:
    state_dir().root.chmod(0o755)

    [open_] = found(run)
    assert open_["what"] == "Other users of this machine can read ~/.carryover."

    assert found(run, "--fix") == []
    assert state_dir().root.stat().st_mode & 0o777 == 0o700


def test_another_installation(up: DaemonProcess, home: Path, run: Run) -> None:
    (home / "bin/carryoverd").write_text("#!/bin/sh\n")
    (home / "bin/carryoverd").chmod(0o755)

    assert [finding["what"] for finding in found(run)] == ["There is another installation: ~/bin/carryoverd."]


def test_the_lines_say_what_why_and_what_to_do(installed: Path, run: Run) -> None:
    code, out, _ = run("doctor")

    assert code == ExitCode.FAILED
    assert "problems" in out or "1 problem" in out
    assert (
        "✗ carryoverd is not running.\n"
        "  Handoffs are not kept fresh; a new session gets the last one that was made.\n"
        "  → Start it: `"
    ) in out


def test_after_a_good_install_it_is_green_and_what_is_left_to_do_is_said(
    up: DaemonProcess, home: Path, run: Run
) -> None:
    """Codex runs new hooks only once the user has reviewed them."""
    versioned(home / "bin" / "codex", "codex-cli 0.169.0")
    (home / ".codex").mkdir()
    run("install", "--agents", "claude,codex", "--no-service")
    (home / "bin" / "carryover").unlink()
    on_path_here.cache_clear()

    code, out, _ = run("doctor")

    assert code == ExitCode.OK
    assert out.startswith(
        "No problems found. 2 things left for you to do.\n\n☐ Codex CLI: hooks are installed, but not"
    )
    assert "☐ `carryover` is not on the PATH of this shell.\n" in out


def test_a_script_of_the_hooks_that_was_deleted_is_written_again(up: DaemonProcess, run: Run) -> None:
    """Also where no service restarts the daemon."""
    script = state_dir().hook_script
    before = script.read_bytes()
    script.unlink()

    code, out, _ = run("doctor", "--fix")

    assert (code, out.splitlines()[0]) == (ExitCode.OK, "✓ The script that the hooks run is in place.")
    assert script.read_bytes() == before
