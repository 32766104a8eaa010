from __future__ import annotations

import subprocess
import sysconfig
from pathlib import Path

import pytest

from carryover.errors import ExitCode, UserError
from carryover.install.service import Program, Ran, ServiceManager, ServiceStatus, run_command, this_program

REASON = "There is no systemd on this machine."


def executable(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_where_nobody_runs_services_installing_succeeds_and_starting_says_what_to_do(home: Path) -> None:
    nobody = ServiceManager(REASON)
    program = Program(("/bin/carryoverd",), home)

    assert (nobody.available(), nobody.file(program), nobody.install(program), nobody.uninstall()) == (
        REASON,
        None,
        False,
        False,
    )
    assert nobody.status() == ServiceStatus(kind="none", installed=False, trouble=REASON)
    with pytest.raises(UserError, match="`carryover start` starts the daemon") as refused:
        nobody.start()
    assert refused.value.code == ExitCode.NOT_RUNNING


def test_the_service_runs_the_daemon_of_this_installation(home: Path) -> None:
    program = this_program({"PATH": "/usr/bin:/bin"}, home / ".carryover")

    assert program.command == (str(Path(sysconfig.get_path("scripts")) / "carryoverd"),)
    assert subprocess.run([*program.command, "--version"], check=True, capture_output=True).stdout.startswith(b"carry")
    assert (program.state, dict(program.environment)) == (home / ".carryover", {})


def test_a_state_folder_elsewhere_is_handed_on(home: Path, tmp_path: Path) -> None:
    program = this_program({"CARRYOVER_HOME": "~/state"}, tmp_path / "state")

    assert dict(program.environment) == {"CARRYOVER_HOME": str(tmp_path / "state")}


def test_the_git_of_the_users_shell_is_handed_on(home: Path, tmp_path: Path) -> None:
    """A service has a short PATH: without this it would ask another git, or none."""
    git = executable(tmp_path / "nix" / "git")

    program = this_program({"PATH": f"{git.parent}:/usr/bin:/bin"}, home)

    assert dict(program.environment) == {"PATH": f"{git.parent}:/usr/local/bin:/usr/bin:/bin"}
    assert dict(this_program({"PATH": str(tmp_path / "empty")}, home).environment) == {}


def test_a_command_that_is_not_there_or_does_not_answer_gives_no_code() -> None:
    assert run_command(("/nowhere/launchctl",), env={}) == Ran(
        None, err="/nowhere/launchctl: No such file or directory"
    )
    assert run_command(("sleep", "9"), env={"PATH": "/usr/bin:/bin"}, limit_s=0.05) == Ran(
        None, err="no answer from sleep within 0.05 s"
    )


@pytest.mark.parametrize(
    ("ran", "reason"),
    [
        (Ran(1, err="Failed to connect to bus: No medium found\n"), "Failed to connect to bus: No medium found"),
        (
            Ran(5, err="Bootstrap failed: 5: Input/output error\nTry as root.\n"),
            "Bootstrap failed: 5: Input/output error",
        ),
        (Ran(1, out="\nhm.\n"), "hm"),
        (Ran(7), "exit code 7"),
    ],
)
def test_the_reason_is_what_was_said_first(ran: Ran, reason: str) -> None:
    assert ran.reason() == reason
