"""`carryover doctor` on a machine where all is installed: what it finds, repairs and reports."""

from __future__ import annotations

import json
import os
import sys
import threading
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from carryover.faces.cli import status
from carryover.faces.cli.doctor import doctor_lines
from carryover.how_installed import on_path_here
from carryover.past.context import state_dir
from carryover.past.findings.checks import Finding
from carryover.publish.pointers import END, with_block
from support.check_up import found
from support.daemon_process import DaemonProcess, handoff_of, wait_until
from support.forked import CARRYOVER
from support.recorded_shop import Run
from support.terminal import Terminal
from support.tools import program


@pytest.fixture
def up(installed: Path, shop: Path) -> Iterator[DaemonProcess]:
    """Everything is installed, and the daemon has read and published all there is."""
    config = state_dir().config
    config.write_text(config.read_text() + "\n[server]\nport = 0\n")
    with DaemonProcess() as daemon:
        daemon.settle()
        wait_until("the port", lambda: daemon.health()["hook_port"]["port"])
        yield daemon


def test_a_state_folder_that_cannot_be_used_is_named(home: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a disk that is read only, or if another user made it."""
    unusable = "The state folder ~/.carryover can't be used: "
    assert not any(what.startswith(unusable) for what in found(run))

    with monkeypatch.context() as patched:
        patched.setattr(os, "access", lambda *_: False)
        assert f"{unusable}the folder above it can't be written." in found(run)
        state_dir().root.mkdir()
        assert f"{unusable}it can't be written." in found(run)
    monkeypatch.setattr(os, "geteuid", lambda: home.stat().st_uid + 1)
    assert f"{unusable}it belongs to another user." in found(run)


def test_a_pointer_without_its_end_is_named_where_carryover_may_write(
    recorded: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(recorded)
    block = with_block(b"# Shop\n", at_top=False)
    (recorded / "AGENTS.md").write_bytes(block)
    assert [what for what in found(run) if "AGENTS.md" in what] == []

    (recorded / "AGENTS.md").write_bytes(block.replace(END, b""))
    [said] = [what for what in found(run) if "AGENTS.md" in what]
    assert said.endswith("shop: the pointer in AGENTS.md lost one of its markers.")
    state_dir().config.write_text('[projects]\nexclude = ["shop"]\n')
    assert [what for what in found(run) if "AGENTS.md" in what] == []


def test_what_is_broken_is_named_and_put_right(up: DaemonProcess, installed: Path, run: Run) -> None:
    """A script of the hooks also where no service restarts the daemon."""
    whole, script = json.loads(installed.read_bytes()), state_dir().hook_script.read_bytes()
    installed.write_text(json.dumps({"hooks": {"Stop": whole["hooks"]["Stop"]}}))
    state_dir().root.chmod(0o755)
    state_dir().hook_script.unlink()

    assert set(found(run)) >= {
        "Claude Code: hooks are missing in ~/.claude/settings.json: SessionStart, PreCompact, StopFailure, SessionEnd.",
        "Other users of this machine can read ~/.carryover.",
    }
    assert "✓ The script that the hooks run is in place." in run.out("doctor", "--fix").splitlines()
    assert run.out("doctor").startswith("No problems found.\n")
    assert set(json.loads(installed.read_bytes())["hooks"]) == set(whole["hooks"])
    assert state_dir().root.stat().st_mode & 0o777 == 0o700
    assert state_dir().hook_script.read_bytes() == script


def test_the_hint_on_how_to_upgrade_can_be_run(home: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    on_path_here.cache_clear()
    command = on_path_here().command

    assert Path(command).is_absolute()
    assert run("doctor")[1].splitlines()[-1].endswith(f"; then `{command} refresh --yes`.")
    on_path_here.cache_clear()


def test_a_server_that_was_asked_for_is_put_back_with_the_hooks(installed: Path, home: Path, run: Run) -> None:
    run.out("refresh", "--yes", "--mcp", "--no-service")
    servers = home / ".claude.json"
    whole = servers.read_bytes()
    for file in (installed, servers):
        file.write_text("{}")

    run("doctor", "--fix")

    assert json.loads(servers.read_bytes()) == json.loads(whole)
    assert "SessionStart" in installed.read_text()


def test_hooks_that_cannot_be_written_are_not_left_to_a_repair(up: DaemonProcess, installed: Path, run: Run) -> None:
    installed.write_text("{}")
    installed.chmod(0o400)

    said = [line for line in run("doctor")[1].splitlines() if "hooks" in line or "edit that" in line]

    assert "They can't be written there: it is read-only." in " ".join(said)
    assert "Let yourself edit that file, then run `carryover refresh`." in " ".join(said)


def test_a_daemon_that_cannot_run_git_publishes_and_is_named_once(installed: Path, shop: Path, run: Run) -> None:
    """It has another PATH than the shell, and another right to run what is there."""
    config = state_dir().config
    config.write_text(config.read_text() + "\n[server]\nport = 0\n")
    with DaemonProcess(env={**os.environ, "PATH": str(shop / "no programs")}) as daemon:
        daemon.settle()
        wait_until("the port", lambda: daemon.health()["hook_port"]["port"])

        assert "discount" in handoff_of(shop)
        trouble = "carryoverd can't run git: there is none in the folders of its PATH."
        assert [text for text in found(run) if "git" in text] == [trouble]
        assert trouble in run.out("status")


def test_a_hook_that_was_edited_by_hand_is_left_as_it_is(up: DaemonProcess, installed: Path, run: Run) -> None:
    installed.write_text(installed.read_text().replace("claude-code Stop 2>", "claude-code Stop; beep 2>"))
    before = installed.read_bytes()

    [edited] = found(run, "--fix")

    assert edited.endswith("are not as this version writes them: Stop.")
    assert installed.read_bytes() == before


def test_what_is_the_same_for_several_projects_is_explained_once() -> None:
    said: dict[str, Any] = {"level": "note", "why": "No session finds a handoff.", "do": "Leave it."}
    of_each = [Finding(check="project", what=f"/tmp/{name}: nothing is published.", **said) for name in ("a", "b")]
    other = Finding(check="disk", level="wrong", what="The disk is full.", why="Nothing is recorded.", do="Leave it.")

    assert [*doctor_lines([*of_each, other], [])] == [
        "1 problem.",
        "",
        "· /tmp/a: nothing is published.",
        "· /tmp/b: nothing is published.",
        "  No session finds a handoff.",
        "  → Leave it.",
        "",
        "✗ The disk is full.",
        "  Nothing is recorded.",
        "  → Leave it.",
    ]


@pytest.mark.parametrize(
    "command",
    ["doctor", *(pytest.param(other, marks=pytest.mark.night) for other in ("status -v", "install --dry-run"))],
)
def test_on_a_terminal_it_is_said_that_an_agent_is_waited_for(
    home: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    os.mkfifo(home / "answer")
    program(home / "programs" / "claude", f"read -r line < {home}/answer; echo '2.1.330 (Claude Code)'")
    monkeypatch.setenv("PATH", f"{home}/programs:/usr/bin:/bin")

    with Terminal([*CARRYOVER, *command.split()], os.environ) as terminal:
        terminal.wait_for("Asking your agents for their versions ...")
        answer = os.open(home / "answer", os.O_RDWR)
        os.write(answer, b"now\n")
        terminal.end()
        os.close(answer)


def test_nothing_is_said_of_agents_where_carryoverd_is_waited_for(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    others = threading.active_count()
    during: list[int] = []
    monkeypatch.setattr("carryover.past.findings.gather.ask_health", lambda _: during.append(threading.active_count()))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)

    status.run(Namespace(verbose=False, json=True))

    assert during == [others]
