from __future__ import annotations

import subprocess
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from carryover import __version__
from carryover.actions.context import state_dir
from carryover.daemon.client import stop_daemon
from carryover.errors import ExitCode, UserError
from carryover.install.background import bring_up, registered, service_here
from carryover.install.service import Kind, Program, Ran, ServiceManager, ServiceStatus, run_command, this_program
from carryover.install.service_managers import Launchd, SystemdUser
from support.daemon_process import COMMAND, DaemonProcess


class Manager:
    """Starts the daemon as systemd would; `fails` is what it cannot do."""

    kind: Kind = "systemd"

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.fails = ""
        self.registered = False
        self.daemon: DaemonProcess | None = None

    def available(self) -> str | None:
        return None

    def file(self, program: Program) -> tuple[Path, bytes] | None:
        return None

    def install(self, program: Program) -> bool:
        self._called("install")
        changed, self.registered = not self.registered, True
        return changed

    def start(self) -> None:
        self._called("start")
        self.daemon = DaemonProcess().start().wait_until_it_answers()

    def stop(self) -> None:
        self._called("stop")
        if self.daemon is not None:
            self.daemon.stop()
            self.daemon = None

    def restart(self) -> None:
        self._called("restart")
        if self.daemon is not None:
            self.daemon.stop()
        self.daemon = DaemonProcess().start().wait_until_it_answers()

    def status(self) -> ServiceStatus:
        return ServiceStatus(kind=self.kind, installed=self.registered, active=self.daemon is not None)

    def uninstall(self) -> bool:
        return False

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if name == self.fails:
            raise UserError(f"systemd could not {name} it.")


@pytest.fixture
def manager(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    manager = Manager()
    program = Program(("/opt/bin/carryoverd",), state_dir().root)
    monkeypatch.setattr("carryover.install.background.service_of_user", lambda: (manager, program))
    yield manager
    if manager.daemon is not None:
        manager.daemon.kill()


def test_the_service_is_registered_and_started_and_restarted_only_for_another_version(
    manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    background = bring_up(state_dir(), service=True)

    assert manager.daemon is not None
    assert (background.kind, background.changed, background.pid) == ("systemd", True, manager.daemon.pid)
    assert (background.version, background.trouble) == (__version__, ())
    manager.calls.clear()
    assert (bring_up(state_dir(), service=True).changed, manager.calls) == (False, ["install"])
    manager.calls.clear()
    monkeypatch.setattr("carryover.install.background.__version__", "9.9.9")
    bring_up(state_dir(), service=True)
    assert manager.calls == ["install", "restart"]


def test_a_daemon_that_was_started_by_hand_gives_way_to_the_service(manager: Manager) -> None:
    with DaemonProcess() as by_hand:
        background = bring_up(state_dir(), service=True)

        assert by_hand.process.wait(30) == 0
        assert manager.daemon is not None
        assert (background.pid, background.changed) == (manager.daemon.pid, True)


@pytest.mark.parametrize("step", ["install", "start"])
def test_what_the_service_manager_cannot_do_is_reported(manager: Manager, step: str) -> None:
    manager.fails = step

    background = bring_up(state_dir(), service=True)

    assert background.trouble[0] == f"systemd could not {step} it."


def no_manager(monkeypatch: pytest.MonkeyPatch, program: Program) -> None:
    nobody: Any = ServiceManager("There is no systemd on this machine.")
    monkeypatch.setattr("carryover.install.background.service_of_user", lambda: (nobody, program))


def test_without_a_service_manager_it_is_started_in_the_background(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_manager(monkeypatch, Program(COMMAND, state_dir().root, {"CARRYOVER_HOME": str(state_dir().root)}))
    try:
        background = bring_up(state_dir(), service=True)
        again = bring_up(state_dir(), service=True)
    finally:
        stop_daemon(state_dir())

    assert (background.kind, background.hints) == ("none", ("There is no systemd on this machine.",))
    assert (background.version, background.trouble, background.changed) == (__version__, (), True)
    assert (again.pid, again.changed) == (background.pid, False)


def test_a_daemon_that_does_not_start_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_manager(monkeypatch, Program(("/opt/bin/carryoverd",), state_dir().root))
    monkeypatch.setattr("carryover.install.background.ANSWER_S", 0.1)

    background = bring_up(state_dir(), service=True)

    assert background.pid is None
    assert background.trouble == (f"carryoverd does not answer on {state_dir().socket}.",)


def command(folder: Path, name: str, code: int) -> dict[str, str]:
    """An environment in which the command `name` ends with `code`."""
    path = folder / name
    path.write_text(f"#!/bin/sh\necho 'Failed to connect to bus' >&2\nexit {code}\n")
    path.chmod(0o755)
    return {"PATH": str(folder)}


@pytest.mark.parametrize(("platform", "name"), [("linux", "systemctl"), ("darwin", "launchctl")])
def test_one_that_does_not_answer_is_as_good_as_none_and_says_why(
    platform: str, name: str, home: Path, tmp_path: Path
) -> None:
    nobody = service_here(command(tmp_path, name, 1), platform=platform)

    assert type(nobody) is ServiceManager
    assert "programs for this user here (Failed to connect to bus)" in str(nobody.available())


@pytest.mark.parametrize("platform", ["linux", "darwin", "freebsd14"])
def test_where_there_is_none_nothing_is_registered(platform: str, home: Path, tmp_path: Path) -> None:
    env = {"PATH": str(tmp_path)}

    assert service_here(env, platform=platform).kind == "none"
    assert registered(env, platform=platform) is None


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_a_registration_is_found_though_its_service_manager_is_gone(platform: str, home: Path, tmp_path: Path) -> None:
    env = {"PATH": str(tmp_path)}
    known = SystemdUser(env) if platform == "linux" else Launchd(env)
    known.path.parent.mkdir(parents=True)
    known.path.touch()

    found = registered(env, platform=platform)

    assert found is not None
    assert (found.kind, found.uninstall()) == (known.kind, True)
    assert not known.path.exists()


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
