"""The service under a real `systemd --user`, from `carryover install` to `carryover uninstall`."""

import json
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from carryover.daemon.client import ask_daemon
from carryover.errors import UserError
from carryover.install.background import service_status
from carryover.install.service import Program, Ran
from carryover.install.service_managers import SystemdUser
from carryover.paths import StateDir
from support import user_systemd
from support.agent_here import put_claude
from support.claude_session import ClaudeSession
from support.daemon_process import COMMAND, DaemonProcess, agree_to_pointers, handoff_of, wait_until
from support.user_systemd import UserSystemd, make_wheel

pytestmark = pytest.mark.skipif(user_systemd.missing() is not None, reason=str(user_systemd.missing()))


@pytest.fixture
def systemd(home: Path) -> Iterator[UserSystemd]:
    with UserSystemd(home) as running:
        yield running


@pytest.fixture
def service(systemd: UserSystemd, home: Path) -> SystemdUser:
    return SystemdUser(systemd.env, run=systemd.run)


@pytest.fixture
def state(home: Path) -> StateDir:
    return StateDir(home / ".carryover")


@pytest.fixture
def program() -> Program:
    return Program(tuple(COMMAND))


def health(state: StateDir) -> dict[str, Any]:
    """Empty while nobody answers."""
    try:
        return ask_daemon(state.socket, "GET", "/health", timeout_s=30) or {}
    except ConnectionError:
        return {}


def test_a_killed_daemon_is_back_within_seconds_and_has_lost_nothing(
    service: SystemdUser, systemd: UserSystemd, program: Program, state: StateDir, session: ClaudeSession, project: Path
) -> None:
    service.install(program)
    ran = systemd.run(("systemd-analyze", "--user", "verify", str(service.path)), env=systemd.env)
    assert (ran.code, ran.out, ran.err) == (0, "", ""), "it finds nothing to complain about"
    service.start()
    session.prompt("Add a discount function to the cart")
    wait_until("the handoff", lambda: "discount function" in handoff_of(project))
    first = service.status().pid
    assert first is not None

    systemd.kill(first, "KILL")
    began = time.monotonic()
    session.answer("I wrote discount(). Next I will add tests for negative amounts.")
    second = wait_until("another daemon", lambda: (pid := health(state).get("pid")) != first and pid)
    took_s = time.monotonic() - began

    wait_until("the answer in the handoff", lambda: "negative amounts" in handoff_of(project))
    status = service.status()
    assert (status.pid, status.restarts, status.trouble) == (second, 1, None)
    assert took_s < 10, "a second until it is started again, and its start on a slow machine"


@pytest.mark.night
def test_a_daemon_that_refuses_to_start_is_not_started_over_and_over(
    service: SystemdUser, systemd: UserSystemd, program: Program, daemon: DaemonProcess
) -> None:
    service.install(program)
    with daemon:
        with pytest.raises(UserError, match=r"could not start the daemon\. It refused to start"):
            service.start()
        status = service.status()
        assert (status.active, status.restarts) == (False, 0)
        assert status.trouble == "It refused to start; `carryoverd` in a terminal says why."
        daemon.stop()

    service.start()
    assert (service.status().active, service.status().trouble) == (True, None)


def test_what_it_must_not_do_is_forbidden_and_what_it_must_do_is_not(
    service: SystemdUser, systemd: UserSystemd, program: Program, state: StateDir, session: ClaudeSession, project: Path
) -> None:
    """Hardening that hides folders or other users' ids would keep handoffs out of projects."""
    agree_to_pointers(state)
    service.install(program)
    service.start()
    subprocess.run(["git", "-C", str(project), "switch", "-qc", "discounts"], check=True)
    session.prompt("Add a discount function to the cart")

    wait_until("the handoff", lambda: "discount function" in handoff_of(project))
    session.answer("I will look at the cart first.")  # git may have been too slow for the first handoff
    wait_until("git was asked", lambda: "branch discounts" in handoff_of(project))
    wait_until("the pointer, which comes after the handoff", (project / "AGENTS.md").exists)
    shown = systemd.run(("cat", f"/proc/{service.status().pid}/status"), env=systemd.env).out
    kernel = dict(line.split(":\t", 1) for line in shown.splitlines() if ":\t" in line)
    assert (kernel["NoNewPrivs"], kernel["Seccomp"]) == ("1", "2")


@pytest.mark.night
@pytest.mark.linux("for systemd")
def test_an_upgrade_does_not_disturb_the_daemon_that_runs_and_a_restart_takes_it_up(
    service: SystemdUser, state: StateDir, session: ClaudeSession, project: Path, tmp_path: Path
) -> None:
    """pip replaces every file of a program that runs. The folder has a name that a unit must quote."""
    venv = tmp_path / "my apps 100%h"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    packages = next((venv / "lib").glob("python*")) / "site-packages"
    (packages / "shared.pth").write_text(sysconfig.get_path("purelib"))
    pip_install(venv, make_wheel(tmp_path, "1.0.0"))
    service.install(Program((str(venv / "bin" / "carryoverd"),)))
    service.start()
    before = health(state)
    assert before["version"] == "1.0.0"

    shutil.rmtree(packages / "carryover")  # so it is for a moment while pip works: nothing must be missed then
    session.prompt("Add a discount function to the cart")
    wait_until("a handoff without a program on disk", lambda: "discount function" in handoff_of(project))
    pip_install(venv, make_wheel(tmp_path, "2.0.0"))
    session.prompt("Make it a surcharge function instead")

    wait_until("a handoff of the old daemon", lambda: "surcharge function" in handoff_of(project))
    during = health(state)
    assert (during["version"], during["pid"]) == ("1.0.0", before["pid"])
    service.restart()
    session.answer("I wrote discount(). Next I will add tests for negative amounts.")
    wait_until("a handoff of the new daemon", lambda: "negative amounts" in handoff_of(project))
    after = health(state)
    assert (after["version"], after["pid"] == before["pid"]) == ("2.0.0", False)
    assert service.status().restarts == 0


def pip_install(venv: Path, wheel: Path) -> None:
    """As in a virtual environment of its own, which has no pip here to save time."""
    pip = [sys.executable, "-m", "pip", f"--python={venv / 'bin' / 'python'}", "install", "--quiet"]
    subprocess.run([*pip, "--no-deps", "--no-index", "--disable-pip-version-check", str(wheel)], check=True)


@pytest.mark.linux("for systemd")
def test_where_systemd_runs_nothing_for_this_user_that_is_said(home: Path, tmp_path: Path) -> None:
    """As in a container, or in a remote shell without a session: the command is there, nobody answers."""
    nobody = service_status({"PATH": "/usr/bin:/bin", "XDG_RUNTIME_DIR": str(tmp_path)})

    assert nobody.kind == "none"
    assert "systemd starts no programs for this user here (Failed to connect to bus" in str(nobody.trouble)


def carryover(systemd: UserSystemd, *arguments: str) -> Ran:
    env = {**systemd.env, "PATH": f"{systemd.env['HOME']}/bin:{systemd.env['PATH']}"}
    return systemd.run((sys.executable, "-m", "carryover.faces.cli.main", *arguments), env=env, limit_s=90.0)


def reported(systemd: UserSystemd) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(carryover(systemd, "status", "--json").out)
    return found


def test_one_command_and_it_runs_and_one_command_and_it_is_gone(
    systemd: UserSystemd, home: Path, project: Path, session: ClaudeSession
) -> None:
    put_claude(home)
    session.prompt("Add a discount code to the basket page")

    installed = carryover(systemd, "install", "--yes")

    assert installed.ok, installed
    found = reported(systemd)
    assert f"✓ carryoverd 0.1.0 runs as a systemd service (process {found['daemon']['pid']}" in installed.out
    assert "your agents wrote so far has been read.\n  1 session in 1 project so far.\n" in installed.out
    assert "discount code" in handoff_of(project)
    assert (found["service"]["installed"], found["service"]["enabled"], found["service"]["active"]) == (True,) * 3
    assert found["service"]["pid"] == found["daemon"]["pid"]

    refreshed = carryover(systemd, "refresh", "--yes")
    assert refreshed.out.startswith("Nothing changed: ")
    assert reported(systemd)["daemon"]["pid"] == found["daemon"]["pid"]

    removed = carryover(systemd, "uninstall", "--purge", "--yes")
    assert removed.ok, removed
    assert "The systemd service will be stopped and removed.\n" in removed.out
    assert reported(systemd)["service"]["installed"] is False
    assert not (home / ".carryover").exists()
    assert list((home / ".config").rglob("*")) == []


@pytest.mark.night
def test_a_service_that_was_stopped_and_disabled_is_found_and_repaired(systemd: UserSystemd, home: Path) -> None:
    put_claude(home)
    assert carryover(systemd, "install", "--yes").ok
    systemd.systemctl("disable", "--now", "carryoverd.service")

    doctor = json.loads(carryover(systemd, "doctor", "--json").out)
    assert [finding["what"] for finding in doctor["findings"] if finding["level"] == "wrong"][:2] == [
        "carryoverd is not running.",
        "The systemd service is not enabled.",
    ]

    carryover(systemd, "doctor", "--fix")
    wait_until("the daemon", lambda: reported(systemd)["daemon"])
    assert reported(systemd)["service"]["enabled"] is True
