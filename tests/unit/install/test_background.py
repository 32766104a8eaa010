from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from carryover import __version__
from carryover.daemon.client import stop_daemon, wait_for_daemon
from carryover.errors import UserError
from carryover.fsio import private_dir
from carryover.how_installed import own_scripts
from carryover.install.background import bring_up, registered, service_status, write_starter
from carryover.install.service import (
    Program,
    Ran,
    ServiceKind,
    ServiceStatus,
    run_command,
    this_program,
)
from carryover.install.service_managers import Launchd as LaunchdManager
from carryover.install.service_managers import SystemdUser
from carryover.ledger.schema import newest
from carryover.past.context import state_dir
from carryover.paths import STARTER
from support.daemon_process import COMMAND, DaemonProcess
from support.launchd import Launchd
from support.platforms import on
from support.tools import program


class Manager(SystemdUser):
    """Starts the daemon as systemd would; `fails` is what it cannot do."""

    kind: ServiceKind = "systemd"

    def __init__(self) -> None:
        super().__init__({})
        self.calls: list[str] = []
        self.fails = ""
        self.starts_nothing = False
        self.registered = False
        self.daemon: DaemonProcess | None = None

    def available(self) -> str | None:
        return None

    def install(self, program: Program, /) -> bool:
        self._called("install")
        changed, self.registered = not self.registered, True
        return changed

    def start(self) -> None:
        self._called("start")
        if not self.starts_nothing:
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

    def _called(self, name: str) -> None:
        self.calls.append(name)
        if name == self.fails:
            raise UserError(f"systemd could not {name} it.")


PROGRAM = Program(("/opt/bin/carryoverd",))


@pytest.fixture
def manager(home: Path) -> Iterator[Manager]:
    manager = Manager()
    yield manager
    if manager.daemon is not None:
        manager.daemon.kill()


def test_the_service_is_registered_and_started_and_restarted_only_for_another_build(
    manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    background = bring_up(state_dir(), service=True, by=(manager, PROGRAM))

    assert manager.daemon is not None
    assert (background.kind, background.changed, background.pid) == ("systemd", True, manager.daemon.pid)
    assert (background.version, background.trouble) == (__version__, ())
    manager.calls.clear()
    again = bring_up(state_dir(), service=True, by=(manager, PROGRAM))
    assert (again.changed, manager.calls) == (False, ["install"])
    manager.calls.clear()
    monkeypatch.setattr("carryover.install.background.build", lambda: "another checkout of the same version")
    bring_up(state_dir(), service=True, by=(manager, PROGRAM))
    assert manager.calls == ["install", "restart"]


def test_a_daemon_that_was_started_by_hand_gives_way_to_the_service(manager: Manager) -> None:
    with DaemonProcess() as by_hand:
        background = bring_up(state_dir(), service=True, by=(manager, PROGRAM))

        assert by_hand.process.wait(30) == 0
        assert manager.daemon is not None
        assert (background.pid, background.changed) == (manager.daemon.pid, True)


@pytest.mark.parametrize("step", ["install", "start"])
def test_what_the_service_manager_cannot_do_is_reported(manager: Manager, step: str) -> None:
    manager.fails = step

    background = bring_up(state_dir(), service=True, by=(manager, PROGRAM))

    assert background.trouble[0] == f"systemd could not {step} it."


def test_no_daemon_is_started_for_a_ledger_that_it_would_refuse(manager: Manager) -> None:
    private_dir(state_dir().root)
    with closing(sqlite3.connect(state_dir().ledger, isolation_level=None)) as db:
        db.execute(f"PRAGMA user_version = {newest() + 1}")

    background = bring_up(state_dir(), service=True, by=(manager, PROGRAM))

    assert "was written by a newer Carryover" in background.trouble[0]
    assert (background.pid, manager.calls) == (None, [])


def test_without_a_service_manager_it_is_started_in_the_background(home: Path) -> None:
    nobody = SystemdUser({"PATH": str(home / "empty")})
    itself = Program(COMMAND, {"CARRYOVER_HOME": str(state_dir().root)})
    try:
        background = bring_up(state_dir(), service=True, by=(nobody, itself))
        again = bring_up(state_dir(), service=True, by=(nobody, itself))
    finally:
        stop_daemon(state_dir())

    assert (background.kind, background.hints) == ("none", ("There is no systemd on this machine.",))
    assert (background.version, background.trouble, background.changed) == (__version__, (), True)
    assert (again.pid, again.changed) == (background.pid, False)


def test_what_ends_the_agent_whose_hook_started_it_does_not_end_it(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """macOS has no `setsid` command: Ctrl-C in the terminal of an agent goes to its whole process group."""
    state = state_dir()
    (home / "bin").mkdir()
    (home / "bin" / "env").symlink_to("/usr/bin/env")
    program = Program(COMMAND, {"CARRYOVER_HOME": str(state.root)})
    write_starter(state, program, {"HOME": str(home)})
    hook = subprocess.Popen([state.root / STARTER], env={"PATH": str(home / "bin")}, start_new_session=True)
    assert hook.wait(30) == 0
    found, _ = wait_for_daemon(state, 30)
    assert found is not None
    try:
        with suppress(ProcessLookupError):
            os.killpg(hook.pid, signal.SIGINT)
        assert os.getsid(found.pid) == found.pid
    finally:
        stop_daemon(state)


def test_a_daemon_that_does_not_start_is_said(manager: Manager) -> None:
    manager.starts_nothing = True

    background = bring_up(state_dir(), service=True, by=(manager, PROGRAM), answer_s=0.1)

    assert (background.pid, background.trouble) == (None, (f"carryoverd does not answer on {state_dir().socket}.",))


@pytest.mark.parametrize(("platform", "name"), [("linux", "systemctl"), ("darwin", "launchctl")])
def test_one_that_does_not_answer_is_as_good_as_none_and_says_why(
    platform: str, name: str, home: Path, tmp_path: Path
) -> None:
    empty = {"PATH": str(tmp_path / "empty")}
    with on(platform):
        assert (service_status(empty).kind, registered(empty)) == ("none", None)
        program(tmp_path / name, "echo 'Failed to connect to bus' >&2", "exit 1")
        nobody = service_status({"PATH": str(tmp_path)})

    assert (nobody.kind, nobody.installed) == ("none", False)
    assert "programs for this user here (Failed to connect to bus)" in str(nobody.trouble)


@pytest.mark.parametrize("platform", ["linux", "darwin"])
def test_a_registration_is_found_though_its_service_manager_is_gone(platform: str, home: Path, tmp_path: Path) -> None:
    env = {"PATH": str(tmp_path)}
    known = SystemdUser(env) if platform == "linux" else LaunchdManager(env)
    known.path.parent.mkdir(parents=True)
    known.path.touch()

    with on(platform):
        found = registered(env)

    assert found is not None
    assert (found.kind, found.uninstall()) == (known.kind, True)
    assert not known.path.exists()


class RealDaemon:
    """What launchd has started."""

    def __init__(self, daemon: DaemonProcess) -> None:
        self.pid = daemon.pid
        self._daemon = daemon

    def stop(self) -> int:
        return self._daemon.stop()[0]


@pytest.fixture
def launchd(home: Path) -> Iterator[Launchd]:
    """launchd, which starts real daemons."""
    started: list[DaemonProcess] = []

    def spawn(_values: object) -> RealDaemon:
        started.append(DaemonProcess().start())
        return RealDaemon(started[-1])

    launchd = Launchd(spawn=spawn)
    yield launchd
    for daemon in started:
        daemon.process.kill()
        daemon.process.wait()


@pytest.fixture
def service(launchd: Launchd, tmp_path: Path) -> LaunchdManager:
    return LaunchdManager(launchd.manager_env(tmp_path / "bin"), run=launchd.run, sleep=launchd.sleep)


def test_what_launchd_has_just_started_is_not_restarted(launchd: Launchd, service: LaunchdManager) -> None:
    """launchd would start it again only 30 s later, when installing has given up."""
    background = bring_up(state_dir(), service=True, by=(service, PROGRAM))

    assert (background.kind, background.pid, background.trouble) == ("launchd", launchd.pid, ())
    assert [words.split()[0] for words in launchd.asked] == ["enable", "bootstrap"]
    again = bring_up(state_dir(), service=True, by=(service, PROGRAM))
    assert (again.changed, len(launchd.asked)) == (False, 2)


def test_launchd_takes_over_from_a_daemon_that_was_started_by_hand(launchd: Launchd, service: LaunchdManager) -> None:
    """One that finds the other's lock refuses to start, and launchd tries it again only 30 s later."""
    with DaemonProcess() as by_hand:
        background = bring_up(state_dir(), service=True, by=(service, PROGRAM))

        assert by_hand.process.wait(30) == 0
        assert (background.pid, background.trouble) == (launchd.pid, ())


def test_the_service_runs_the_daemon_of_this_installation(home: Path) -> None:
    program = this_program({"PATH": "/usr/bin:/bin"}, home / ".carryover")

    assert program.command == (str(Path(sysconfig.get_path("scripts")) / "carryoverd"),)
    assert subprocess.run([*program.command, "--version"], check=True, capture_output=True).stdout.startswith(b"carry")
    assert dict(program.environment) == {}
    elsewhere = this_program({"CARRYOVER_HOME": "~/state"}, home / "state")
    assert dict(elsewhere.environment) == {"CARRYOVER_HOME": str(home / "state")}


def test_an_upgrade_by_homebrew_does_not_take_the_service_s_program_away(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`brew upgrade` removes the folder of the version before, and links the newest one's."""
    kept = tmp_path / "Cellar" / "carryoverd" / "0.1.0"
    (tmp_path / "opt").mkdir()
    (tmp_path / "opt" / "carryoverd").symlink_to(kept)
    program(kept / "libexec" / "bin" / "carryoverd")
    monkeypatch.setattr("sysconfig.get_path", lambda *_: str(kept / "libexec" / "bin"))

    assert this_program({"PATH": "/usr/bin:/bin"}, home).command == (
        f"{tmp_path}/opt/carryoverd/libexec/bin/carryoverd",
    )

    (tmp_path / "opt" / "carryoverd").unlink()  # moved here by hand
    assert own_scripts() == kept / "libexec" / "bin"


def test_a_git_that_launchd_does_not_find_is_handed_on(tmp_path: Path) -> None:
    """launchd looks in /usr/bin and /bin only: its git would be the one that asks for Apple's command line tools."""
    git = program(tmp_path / "local" / "git")
    usual = f"{git.parent}:/usr/bin:/bin"

    service = this_program({"PATH": usual}, tmp_path, standard_path=usual)

    assert dict(service.environment) == {"PATH": f"{git.parent}:{git.parent}:/usr/bin:/bin"}


def test_the_git_of_the_users_shell_is_handed_on(home: Path, tmp_path: Path) -> None:
    """A service has a short PATH: without this it would ask another git, or none."""
    git = program(tmp_path / "nix" / "git")

    service = this_program({"PATH": f"{git.parent}:/usr/bin:/bin"}, home)

    assert dict(service.environment) == {"PATH": f"{git.parent}:/usr/local/bin:/usr/bin:/bin"}
    assert dict(this_program({"PATH": str(tmp_path / "empty")}, home).environment) == {}


def test_a_command_that_is_not_there_or_does_not_answer_gives_no_code_and_others_a_reason() -> None:
    asked = [(("/nowhere/launchctl",), {}), (("sleep", "9"), {"PATH": "/usr/bin:/bin"})]
    assert [run_command(command, env=env, limit_s=0.05) for command, env in asked] == [
        Ran(None, err="/nowhere/launchctl: No such file or directory"),
        Ran(None, err="no answer from sleep within 0.05 s"),
    ]
    said = [Ran(1, err="Bootstrap failed: 5\nTry as root.\n"), Ran(1, out="\nhm.\n"), Ran(7)]
    assert [ran.reason() for ran in said] == ["Bootstrap failed: 5", "hm", "exit code 7"]
