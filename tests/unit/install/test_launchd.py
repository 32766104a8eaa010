"""What is asked of launchd. No Mac was at hand: a script answers as its manual page and reports of others say."""

from __future__ import annotations

import os
import plistlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carryover.install.service import Program, ServiceStatus
from carryover.install.service_managers import LABEL, Launchd, agent

SCRIPT = Path(__file__).parents[2] / "support" / "fake_launchctl.sh"
DOMAIN = f"gui/{os.getuid()}"
TARGET = f"{DOMAIN}/{LABEL}"

DOCUMENTED = {
    *("Label", "ProgramArguments", "EnvironmentVariables", "RunAtLoad", "KeepAlive", "ThrottleInterval"),
    *("ExitTimeOut", "HardResourceLimits", "StandardErrorPath"),
}
"""Keys of launchd.plist(5), macOS 13, that we mean to use. launchd ignores unknown ones silently."""

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn")), min_size=1)


@pytest.fixture
def launchd(tmp_path: Path) -> Path:
    """The folder in which the script keeps what it knows."""
    folder = tmp_path / "bin" / "launchd"
    folder.mkdir(parents=True)
    shutil.copy(SCRIPT, tmp_path / "bin" / "launchctl")
    (tmp_path / "bin" / "launchctl").chmod(0o755)
    return folder


@pytest.fixture
def service(launchd: Path, home: Path) -> Launchd:
    return Launchd({"PATH": f"{launchd.parent}:/usr/bin:/bin"}, sleep=lambda _s: None)


@pytest.fixture
def program(home: Path) -> Program:
    return Program(("/opt/bin/carryoverd",), home / ".carryover")


@pytest.fixture
def asked(launchd: Path) -> Callable[[], list[str]]:
    """What launchctl was told to do since this was last called; questions left out."""

    def since() -> list[str]:
        path = launchd / "asked"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return [line for line in lines if not line.startswith("print")]

    return since


def test_the_agent_says_what_is_to_run_and_when(program: Program) -> None:
    assert plistlib.loads(agent(program)) == {
        "Label": LABEL,
        "ProgramArguments": ["/opt/bin/carryoverd"],
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 30,
        "ExitTimeOut": 15,
        "HardResourceLimits": {"Core": 0},
        "StandardErrorPath": str(program.state / "launchd.log"),
    }


@given(command=st.lists(WORDS, min_size=1, max_size=3), environment=st.dictionaries(WORDS, WORDS, max_size=2))
def test_whatever_the_command_is_launchd_reads_it_as_it_is(command: list[str], environment: dict[str, str]) -> None:
    found = plistlib.loads(agent(Program(tuple(command), Path("/state"), environment)))

    assert (found["ProgramArguments"], found.get("EnvironmentVariables", {})) == (command, environment)
    assert set(found) <= DOCUMENTED


def test_installing_registers_and_so_starts_it(
    service: Launchd, program: Program, home: Path, asked: Callable[[], list[str]]
) -> None:
    assert service.available() is None
    assert service.install(program)

    assert service.path == home / "Library" / "LaunchAgents" / f"{LABEL}.plist"
    assert service.path.read_bytes() == agent(program)
    assert asked() == [f"enable {TARGET}", f"bootstrap {DOMAIN} {service.path}"]
    assert service.status() == ServiceStatus(
        kind="launchd", installed=True, enabled=True, active=True, pid=4711, command=program.command
    )


def test_installing_again_changes_nothing(service: Launchd, program: Program, asked: Callable[[], list[str]]) -> None:
    service.install(program)
    asked()

    assert not service.install(program)

    assert asked() == []


def test_an_installation_elsewhere_takes_the_agent_over(
    service: Launchd, program: Program, launchd: Path, asked: Callable[[], list[str]]
) -> None:
    """A bootstrap soon after a bootout is refused for a while (reported of macOS 11 and later)."""
    service.install(program)
    (launchd / "busy").write_text("1\n")
    asked()

    assert service.install(Program(("/Users/dev/bin/carryoverd",), program.state))

    again = f"bootstrap {DOMAIN} {service.path}"
    assert asked() == [f"bootout {TARGET}", f"enable {TARGET}", again, again]
    assert service.status().command == ("/Users/dev/bin/carryoverd",)


def test_it_is_stopped_started_and_restarted(
    service: Launchd, program: Program, asked: Callable[[], list[str]]
) -> None:
    service.install(program)
    asked()

    service.stop()
    assert (service.status().active, service.status().pid, service.status().trouble) == (False, None, None)
    service.stop()
    service.start()
    assert service.status().pid == 4711
    service.restart()
    assert service.status().pid == 4712
    assert asked() == [f"kill SIGTERM {TARGET}", f"kickstart {TARGET}", f"kickstart -k {TARGET}"]


def test_a_daemon_that_failed_is_reported(service: Launchd, program: Program, launchd: Path) -> None:
    service.install(program)
    (launchd / "pid").unlink()
    (launchd / "code").write_text("5")

    assert service.status().trouble == (
        "It failed with exit code 5; launchd.log and carryoverd.log in the state folder say more."
    )


def test_uninstalling_leaves_nothing(
    service: Launchd, program: Program, launchd: Path, asked: Callable[[], list[str]]
) -> None:
    service.install(program)
    asked()

    assert [service.uninstall(), service.uninstall()] == [True, False]

    assert (service.path.exists(), (launchd / "known").exists(), asked()) == (False, False, [f"bootout {TARGET}"])
