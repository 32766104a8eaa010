from __future__ import annotations

import os
import plistlib
import pwd
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from carryover.errors import UserError
from carryover.install.service import Program, Ran, ServiceStatus
from carryover.install.service_managers import LABEL, UNIT, SystemdUser, agent, unit_text
from carryover.install.service_managers import Launchd as LaunchdManager
from support.launchd import DOMAIN, TARGET, Launchd

NO_BUS = Ran(1, err="Failed to connect to bus: No medium found\n")
RUNNING = {
    "LoadState": "loaded",
    "ActiveState": "active",
    "SubState": "running",
    "UnitFileState": "enabled",
    "MainPID": "4711",
    "NRestarts": "2",
    "Result": "success",
    "ExecMainStatus": "0",
}
FAILED = {**RUNNING, "ActiveState": "failed", "SubState": "failed", "MainPID": "0"}


class Systemctl:
    """Stands in for the command: answers `show` with `shown`, others as `answers` says, or well."""

    def __init__(self) -> None:
        self.shown: dict[str, str] = {}
        self.answers: dict[str, Ran] = {}
        self.asked: list[str] = []
        self.env: Mapping[str, str] = {}

    def __call__(self, command: Sequence[str], *, env: Mapping[str, str], limit_s: float) -> Ran:
        assert tuple(command[:3]) == ("systemctl", "--user", "--no-pager")
        words = list(command[3:])
        self.env = env
        if words[0] != "show":
            self.asked.append(" ".join(words))
        if words[0] in self.answers:
            return self.answers[words[0]]
        return Ran(0, "".join(f"{name}={value}\n" for name, value in self.shown.items()))


@pytest.fixture
def systemctl() -> Systemctl:
    return Systemctl()


@pytest.fixture
def service(systemctl: Systemctl, home: Path, tmp_path: Path) -> SystemdUser:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "systemctl").touch(0o755)
    env = {"PATH": str(tmp_path / "bin")}
    return SystemdUser(env, run=systemctl, runtime=tmp_path / "run", linger=tmp_path / "linger")


@pytest.fixture
def program(home: Path) -> Program:
    return Program(("/opt/bin/carryoverd",))


def test_installing_writes_the_unit_and_enables_it(
    service: SystemdUser, systemctl: Systemctl, program: Program, home: Path
) -> None:
    assert service.install(program)

    assert service.path == home / ".config" / "systemd" / "user" / UNIT
    assert service.path.read_text() == unit_text(program)
    assert stat.S_IMODE(service.path.stat().st_mode) == 0o644
    assert systemctl.asked == ["daemon-reload", f"enable --quiet {UNIT}"]


@pytest.mark.parametrize(("named", "folder"), [("/data/config", "/data/config"), ("config", "~/.config")])
def test_the_unit_lies_where_the_user_keeps_settings(named: str, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path would be another folder in each shell; nobody reads one."""
    monkeypatch.setenv("XDG_CONFIG_HOME", named)

    assert SystemdUser({}).path == Path(folder).expanduser() / "systemd" / "user" / UNIT


def test_a_running_service_is_shown(
    service: SystemdUser, systemctl: Systemctl, program: Program, tmp_path: Path
) -> None:
    service.install(program)
    systemctl.shown = RUNNING
    (tmp_path / "linger").mkdir()
    (tmp_path / "linger" / pwd.getpwuid(os.getuid()).pw_name).touch()

    assert service.status() == ServiceStatus(
        kind="systemd",
        installed=True,
        enabled=True,
        active=True,
        pid=4711,
        restarts=2,
    )


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        ({"Result": "exit-code", "ExecMainStatus": "5"}, "It refused to start; `carryoverd` in a terminal says why."),
        (
            {"Result": "exit-code", "ExecMainStatus": "203"},
            "The program that it starts can't be run; `carryover doctor --fix` has it start this installation.",
        ),
        ({"Result": "exit-code", "ExecMainStatus": "1"}, "It failed with exit code 1; carryoverd.log says more."),
        ({"Result": "signal", "ExecMainStatus": "9"}, "It was killed (signal 9); carryoverd.log says more."),
        ({"Result": "start-limit-hit"}, "It failed too often in a row, so systemd no longer starts it."),
        ({"Result": "watchdog"}, "It gave no sign of life, so systemd ended it."),
        ({"Result": "oom-kill"}, "It was ended because memory ran out."),
        ({"LoadState": "masked"}, "The unit is masked: `systemctl --user unmask carryoverd` allows it again."),
    ],
    ids=lambda value: value.get("Result", "masked") if isinstance(value, dict) else "",
)
def test_why_it_does_not_run_is_said_in_words(
    service: SystemdUser, systemctl: Systemctl, program: Program, shown: dict[str, str], words: str
) -> None:
    service.install(program)
    systemctl.shown = {**FAILED, **shown}
    status = service.status()

    assert (status.active, status.pid, status.trouble) == (False, None, words)


def test_a_failure_in_the_past_is_no_hindrance_and_one_now_is_reported(
    service: SystemdUser, systemctl: Systemctl
) -> None:
    service.start()
    service.restart()
    service.stop()
    steps = ("reset-failed", "start", "reset-failed", "restart", "stop")
    assert systemctl.asked == [f"{step} {UNIT}" for step in steps]

    systemctl.answers["start"] = Ran(1, err="Job for carryoverd.service failed.\nSee more.\n")
    with pytest.raises(UserError, match=r"^systemd could not start the daemon\. Job for carryoverd.service failed\. `"):
        service.start()

    systemctl.shown = {**FAILED, "Result": "exit-code", "ExecMainStatus": "5"}
    with pytest.raises(UserError, match=r"^systemd could not start the daemon\. It refused to start; "):
        service.start()


def test_a_systemd_that_does_not_answer_is_distinguished_from_none(
    service: SystemdUser, systemctl: Systemctl, home: Path
) -> None:
    assert service.available() is None

    systemctl.answers["show"] = NO_BUS
    assert service.available() == (
        "systemd starts no programs for this user here (Failed to connect to bus: No medium found)."
    )
    assert service.status() == ServiceStatus(kind="systemd", installed=False, trouble=service.available())

    none = SystemdUser({"PATH": str(home)}, run=systemctl)
    assert none.available() == "There is no systemd on this machine."


@pytest.mark.parametrize(
    ("answers", "asked"),
    [({}, [f"stop {UNIT}", "daemon-reload", f"reset-failed {UNIT}"]), ({"show": NO_BUS}, [])],
    ids=["systemd answers", "systemd does not answer"],
)
def test_uninstalling_stops_it_and_removes_what_was_made(
    answers: dict[str, Ran], asked: list[str], service: SystemdUser, systemctl: Systemctl, program: Program, home: Path
) -> None:
    service.install(program)
    enabled_by_systemd(service)
    systemctl.answers = answers
    systemctl.asked.clear()

    assert [service.uninstall(), service.uninstall()] == [True, False]

    assert not (home / ".config" / "systemd").exists()
    assert systemctl.asked == asked


def test_uninstalling_leaves_what_the_user_put_beside_it(service: SystemdUser, program: Program, home: Path) -> None:
    service.install(program)
    enabled_by_systemd(service)
    kept = [service.path.with_name("other.service"), service.path.with_name(f"{UNIT}.d") / "override.conf"]
    for path in kept:
        path.parent.mkdir(exist_ok=True)
        path.write_text("[Service]\n")

    service.uninstall()

    found = [path for path in (home / ".config" / "systemd").rglob("*") if path.is_file() or path.is_symlink()]
    assert sorted(found) == sorted(kept)


def test_systemd_is_found_though_the_shell_does_not_name_it(systemctl: Systemctl, home: Path, tmp_path: Path) -> None:
    """After `su`, XDG_RUNTIME_DIR is missing."""
    mine = tmp_path / "run" / str(os.getuid())
    mine.mkdir(parents=True)

    SystemdUser({}, run=systemctl, runtime=mine.parent).status()
    assert systemctl.env["XDG_RUNTIME_DIR"] == str(mine)

    SystemdUser({"XDG_RUNTIME_DIR": "/elsewhere"}, run=systemctl, runtime=mine.parent).status()
    assert systemctl.env["XDG_RUNTIME_DIR"] == "/elsewhere"


def enabled_by_systemd(service: SystemdUser) -> None:
    """What `systemctl enable` does."""
    link = service.path.parent / "default.target.wants" / UNIT
    link.parent.mkdir()
    link.symlink_to(service.path)


def test_what_systemd_would_replace_is_kept_from_it() -> None:
    """As a real systemd 252 takes it: `$` is for arguments only, `%` is for all."""
    environment = {"CARRYOVER_HOME": "/x $y 100%\n"}
    program = Program(("/my $HOME/100%h/bin/carryoverd", "a $b", 'c"d\\'), environment)
    unit = unit_text(program)

    assert 'ExecStart="/my $HOME/100%%h/bin/carryoverd" "a $$b" "c\\"d\\\\"' in unit.splitlines()
    assert 'Environment="CARRYOVER_HOME=/x $y 100%%\\n"' in unit.splitlines()


def test_a_path_that_systemd_does_not_take_is_refused_before_anything_is_written(service: SystemdUser) -> None:
    for path in ('/a"b', "/o'brien/bin/carryoverd", "/a\\b", "/a\nb"):
        with pytest.raises(UserError, match="starts no program whose path holds"):
            service.install(Program((path,)))

    assert not service.path.parent.exists()


@pytest.fixture
def launchd() -> Launchd:
    return Launchd()


@pytest.fixture
def mac(launchd: Launchd, home: Path, tmp_path: Path) -> LaunchdManager:
    return LaunchdManager(launchd.manager_env(tmp_path / "bin"), run=launchd.run, sleep=launchd.sleep)


def test_the_agent_says_what_is_to_run_and_when() -> None:
    """launchd silently ignores keys that launchd.plist(5) does not name. What the daemon prints goes into no file:
    nothing would keep that small."""
    program = Program(("/my $HOME/<carryoverd>", "a b"), {"CARRYOVER_HOME": "/x & é"})
    assert plistlib.loads(agent(program)) == {
        "Label": LABEL,
        "ProgramArguments": ["/my $HOME/<carryoverd>", "a b"],
        "EnvironmentVariables": {"CARRYOVER_HOME": "/x & é"},
        "RunAtLoad": True,
        "KeepAlive": {"SuccessfulExit": False},
        "ThrottleInterval": 30,
        "ExitTimeOut": 15,
        "SoftResourceLimits": {"NumberOfFiles": 10_240},
        "HardResourceLimits": {"Core": 0},
    }


def test_installing_registers_it_and_starting_runs_it_and_uninstalling_leaves_nothing(
    mac: LaunchdManager, program: Program, home: Path, launchd: Launchd
) -> None:
    assert mac.available() is None
    assert (mac.install(program), mac.install(program)) == (True, False)
    assert mac.path == home / "Library" / "LaunchAgents" / f"{LABEL}.plist"
    assert mac.path.read_bytes() == agent(program)
    assert launchd.asked == []

    mac.start()
    mac.start()
    assert launchd.asked == [f"enable {TARGET}", f"bootstrap {DOMAIN} {mac.path}"]
    assert mac.status() == ServiceStatus(kind="launchd", installed=True, enabled=True, active=True, pid=4711)
    launchd.asked.clear()
    assert [mac.uninstall(), mac.uninstall()] == [True, False]
    assert (mac.path.exists(), launchd.job, launchd.asked) == (False, None, [f"bootout {TARGET}"])


def test_an_installation_elsewhere_takes_the_agent_over_at_once(
    mac: LaunchdManager, program: Program, launchd: Launchd
) -> None:
    """A bootstrap soon after a bootout is refused for a while (reported of macOS 11 and later)."""
    mac.install(program)
    mac.start()
    launchd.settles_s = 1.5

    assert mac.install(Program(("/Users/dev/bin/carryoverd",)))
    assert (launchd.pid, launchd.arguments) == (4711, list(program.command))
    mac.restart()

    assert (launchd.pid, launchd.arguments) == (4712, ["/Users/dev/bin/carryoverd"])


def test_it_is_restarted_at_once_although_launchd_waits_between_starts(
    mac: LaunchdManager, program: Program, launchd: Launchd
) -> None:
    mac.install(program)
    mac.start()
    mac.restart()

    assert (mac.status().active, mac.status().pid) == (True, 4712)


@pytest.mark.parametrize("code", [0, 1], ids=["stopped in order", "ended by force"])
def test_what_was_stopped_stays_so_until_it_is_started(
    code: int, mac: LaunchdManager, program: Program, launchd: Launchd
) -> None:
    """A daemon that something hung in ends with 1, upon which launchd would start it again."""
    launchd.code = code
    mac.install(program)
    mac.start()

    mac.stop()
    mac.stop()
    launchd.sleep(60)
    assert (launchd.pid, mac.status().active, mac.status().trouble) == (None, False, None)
    launchd.log_in()
    assert (launchd.pid, mac.status().enabled, mac.status().trouble) == (None, False, None)

    mac.start()
    assert (mac.status().enabled, mac.status().active) == (True, True)
    launchd.log_in()
    assert mac.status().active
    mac.stop()
    mac.uninstall()
    assert not launchd.disabled


def test_why_it_failed_is_said_also_where_the_registration_is_damaged(
    mac: LaunchdManager, program: Program, launchd: Launchd
) -> None:
    mac.install(program)
    assert mac.status().trouble == "launchd does not know it: run `carryover install` again."
    mac.start()
    launchd.ends(5)

    for damaged in (b"<?xml", b"<plist><date>x</date></plist>"):
        mac.path.write_bytes(damaged)
        assert mac.status().trouble == "It failed with exit code 5; `carryoverd` in a terminal says why."


def test_one_that_failed_is_started_again_by_request_at_once(
    mac: LaunchdManager, program: Program, launchd: Launchd
) -> None:
    mac.install(program)
    mac.start()
    launchd.ends(5)

    mac.start()

    assert mac.status().pid == 4712
