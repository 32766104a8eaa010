from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from carryover import __version__
from carryover.actions.context import state_dir
from carryover.errors import ExitCode
from carryover.install.service import Kind, Program, ServiceStatus
from carryover.install.service_managers import Launchd
from support.daemon_process import DaemonProcess
from support.recorded_shop import Run
from support.scripted_daemon import HEALTH, answering_socket

LAUNCHCTL = Path(__file__).parents[2] / "support" / "fake_launchctl.sh"


class Service:
    """A service manager that is installed and starts real daemons."""

    kind: Kind = "systemd"

    def __init__(self) -> None:
        self.daemon: DaemonProcess | None = None
        self.reason: str | None = None

    def available(self) -> str | None:
        return self.reason

    def file(self, program: Program) -> tuple[Path, bytes] | None:
        return None

    def install(self, program: Program) -> bool:
        return False

    def start(self) -> None:
        self.daemon = DaemonProcess().start().wait_until_it_answers()

    def stop(self) -> None:
        if self.daemon is not None:
            self.daemon.stop()
            self.daemon = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def status(self) -> ServiceStatus:
        return ServiceStatus(kind=self.kind, installed=True, active=self.daemon is not None)

    def uninstall(self) -> bool:
        return False


def use(service: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("carryover.cli.daemon_control.registered", lambda *_: service)


@pytest.fixture
def service(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    found = Service()
    use(found, monkeypatch)
    yield found
    found.stop()


@pytest.fixture
def no_service(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use(None, monkeypatch)


def test_the_service_starts_restarts_and_stops_it(service: Service, run: Run) -> None:
    started = run("start")
    assert service.daemon is not None
    pid = service.daemon.pid
    assert started == (ExitCode.OK, f"carryoverd {__version__} runs as a systemd service (process {pid}).\n", "")
    assert run("start") == (ExitCode.OK, f"carryoverd runs already (process {pid}).\n", "")

    restarted = run("restart")
    assert f"(process {service.daemon.pid})" in restarted[1]
    assert service.daemon.pid != pid

    code, out, _ = run("stop")
    assert code == ExitCode.OK
    assert not service.status().active
    assert out.startswith("carryoverd is stopped: no handoff is kept fresh until `carryover start`")
    assert run("stop") == (ExitCode.OK, "carryoverd was not running.\n", "")


@pytest.fixture
def stopped_in_the_end(no_service: None, run: Run) -> Iterator[None]:
    yield
    run("stop")


def test_launchd_starts_and_stops_it_too(home: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """No Mac was at hand: a script answers as launchctl does."""
    folder = home / "bin" / "launchd"
    folder.mkdir(parents=True)
    shutil.copy(LAUNCHCTL, home / "bin" / "launchctl")
    (home / "bin" / "launchctl").chmod(0o755)
    service = Launchd({"PATH": f"{home}/bin:{os.environ['PATH']}"}, sleep=lambda _s: None)
    service.install(Program(("/opt/bin/carryoverd",), state_dir().root))
    use(service, monkeypatch)

    with answering_socket(state_dir().socket, HEALTH):
        started = run("start")
    stopped = run("stop")

    assert started[0] == ExitCode.OK
    assert "runs as a launchd service" in started[1]
    assert stopped[:1] == (ExitCode.OK,)
    assert not (folder / "pid").exists()


def test_one_that_was_started_by_hand_can_be_restarted_and_stopped(stopped_in_the_end: None, run: Run) -> None:
    daemon = DaemonProcess().start().wait_until_it_answers()
    try:
        assert run("start")[:2] == (ExitCode.OK, f"carryoverd runs already (process {daemon.pid}).\n")
        assert run("restart")[0] == ExitCode.OK
        assert daemon.process.wait(30) == 0
        assert run("stop")[0] == ExitCode.OK
    finally:
        daemon.process.kill()
        daemon.process.wait()
