from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import msgspec
import pytest

from carryover import __version__
from carryover.actions import ui
from carryover.actions.first_read import how_far, watch_first_read
from carryover.actions.pausing import with_one
from carryover.config import load_config
from carryover.daemon.client import daemon_pid
from carryover.daemon.health import Health
from carryover.errors import ExitCode
from carryover.fsio import FileLock, private_dir
from carryover.install.config_file import with_settings
from carryover.install.service import Program, ServiceKind, ServiceStatus
from carryover.install.service_managers import Launchd as LaunchdManager
from carryover.install.service_managers import SystemdUser
from carryover.ledger.schema import newest
from carryover.past.context import state_dir
from carryover.paths import STARTER
from carryover.platform import LINUX, MACOS
from support.agent_here import everything
from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, agree_to_pointers, handoff_of, wait_until
from support.forked import CARRYOVER
from support.hook_client import PageClient
from support.launchd import Launchd
from support.platforms import full_disk, on
from support.recorded_shop import Run
from support.socket_server import HEALTH, SocketServer, answer, answering_socket
from support.terminal import CTRL_C, played
from support.tools import program

REGISTERED = "carryover.actions.daemon_control.registered"


class Service(SystemdUser):
    """A service manager that is installed and starts real daemons."""

    kind: ServiceKind = "systemd"
    daemon: DaemonProcess | None = None

    def available(self) -> str | None:
        return None

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


@pytest.fixture
def service(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    found = Service({})
    monkeypatch.setattr(REGISTERED, lambda *_: found)
    yield found
    found.stop()


@pytest.fixture
def in_background(home: Path, run: Run) -> Iterator[None]:
    """carryoverd is started in the background, at any port, and stopped in the end."""
    state_dir().root.mkdir(mode=0o700)
    state_dir().config.write_text("[server]\nport = 0\n")
    yield
    run("stop")


def test_the_service_starts_restarts_and_stops_it(service: Service, run: Run) -> None:
    started = run.out("start")
    assert service.daemon is not None
    pid = service.daemon.pid
    assert started == f"carryoverd {__version__} runs as a systemd service (process {pid}).\n"
    assert run.out("start") == f"carryoverd runs already (process {pid}).\n"

    restarted = run.out("restart")
    assert f"(process {service.daemon.pid})" in restarted and service.daemon.pid != pid

    stopped = "carryoverd is stopped: no handoff is kept fresh until `carryover start`"
    assert (run.out("stop").startswith(stopped), service.status().active) == (True, False)
    assert run.out("stop") == "carryoverd was not running.\n"


def test_started_during_a_pause_it_says_so(service: Service, run: Run) -> None:
    run("pause")
    paused = "Carryover is paused: nothing is read or handed over until `carryover unpause`."
    for command in ("start", "start", "restart"):
        assert run.out(command).endswith(f" {paused}\n")
    run("unpause")
    assert "paused" not in run.out("start")


def test_on_a_full_disk_it_says_so_at_once_and_stops_none_that_runs(in_background: None, run: Run) -> None:
    run.out("start")
    pid = daemon_pid(state_dir())
    with on(full_disk(state_dir().root)):
        code, _, err = run("restart")
    assert code == ExitCode.FAILED
    assert err.startswith("carryover: carryoverd can't be started: No space left on device. Commands work without it.")
    assert daemon_pid(state_dir()) == pid is not None


def test_launchd_starts_and_stops_it_too_until_it_is_started_again(
    home: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    launchd = Launchd()
    service = LaunchdManager(launchd.manager_env(home / "bin"), run=launchd.run, sleep=launchd.sleep)
    service.install(Program(("/opt/bin/carryoverd",)))
    monkeypatch.setattr(REGISTERED, lambda *_: service)

    with answering_socket(state_dir().socket, HEALTH):
        assert "runs as a launchd service" in run.out("start")
    assert run.out("stop") == "carryoverd is stopped: no handoff is kept fresh until `carryover start`.\n"

    launchd.log_in()
    assert launchd.pid is None


def test_one_that_was_started_by_hand_can_be_restarted_and_stopped(in_background: None, run: Run) -> None:
    daemon = DaemonProcess().start().wait_until_it_answers()
    try:
        assert run.out("start") == f"carryoverd runs already (process {daemon.pid}).\n"
        run.out("restart")
        assert daemon.process.wait(30) == 0
        run.out("stop")
    finally:
        daemon.process.kill()
        daemon.process.wait()


def test_a_daemon_that_could_not_read_its_settings_is_neither_stopped_nor_started(
    in_background: None, run: Run
) -> None:
    daemon = DaemonProcess().start().wait_until_it_answers()
    try:
        state_dir().config.write_text("[server")
        for command in ("restart", "start"):
            code, _, err = run(command)
            if command == "restart":
                assert (code, daemon_pid(state_dir())) == (ExitCode.REFUSED, daemon.pid)
                run("stop")
        assert (code, (state_dir().root / STARTER).exists()) == (ExitCode.REFUSED, False)
        assert "config.toml is not valid TOML: " in err
    finally:
        daemon.process.kill()
        daemon.process.wait()


def test_a_daemon_that_may_not_write_the_ledger_is_neither_stopped_nor_started(in_background: None, run: Run) -> None:
    run.out("start")
    pid = daemon_pid(state_dir())
    for command in ("restart", "start"):
        if command == "start":
            run("stop")
        with closing(sqlite3.connect(state_dir().ledger, isolation_level=None)) as db:
            db.execute(f"PRAGMA user_version = {newest() + 1}")
        code, _, err = run(command)
        assert (code, daemon_pid(state_dir())) == (ExitCode.REFUSED, pid if command == "restart" else None)
        assert "was written by a newer Carryover" in err and "Install that newer version again" in err


def content(project: Path) -> dict[str, bytes]:
    """Every file of the project, with what keeps them out of commits."""
    files = [path for path in project.rglob("*") if path.is_file() and ".git" not in path.relative_to(project).parts]
    return {str(path.relative_to(project)): path.read_bytes() for path in (*files, project / ".git/info/exclude")}


def test_a_running_daemon_reads_and_writes_nothing_until_it_continues(shop: Path, home: Path, run: Run) -> None:
    session = ClaudeSession(home / ".claude" / "projects", shop)
    with DaemonProcess() as daemon:
        daemon.settle()
        before = handoff_of(shop)

        out = run.out("pause")
        assert out.startswith("Carryover is paused.\nThe handoffs in your projects stay as they are: ")
        assert out.endswith("\nResume with `carryover unpause`.\n")
        session.prompt("Add a discount code to the basket page")
        daemon.settle()
        assert (daemon.health()["paused"], handoff_of(shop)) == (True, before)

        assert run("unpause")[:2] == (ExitCode.OK, "Carryover is no longer paused.\n")
        wait_until("the new prompt in the handoff", lambda: "basket page" in handoff_of(shop))
        assert daemon.health()["paused"] is False


@pytest.mark.parametrize("runs", [True, False], ids=["daemon", "no daemon"])
def test_a_paused_project_has_nothing_stale_for_agents_to_read(shop: Path, run: Run, runs: bool) -> None:
    before = content(shop)
    private_dir(state_dir().root)
    agree_to_pointers(state_dir())
    with ExitStack() as running:
        daemon = running.enter_context(DaemonProcess())
        daemon.settle()
        # No more is read of them: the second page is still being written.
        published = {path for path in (".carryover/handoff.md", "AGENTS.md") if (shop / path).exists()}
        assert len(published - before.keys()) == 2
        if not runs:
            daemon.stop()
        former = state_dir().root / "restore"  # as 0.1.0 left it, whose script still prints answers from there
        (former / "codex").mkdir(parents=True)

        assert "What agents do there is still recorded" in run.out("pause", str(shop))
        if not runs:
            assert (content(shop), former.exists()) == (before, False)
            return
        exclude = shop / ".git" / "info" / "exclude"  # its rule goes last
        wait_until("the end of the removal", lambda: exclude.read_bytes() == before[".git/info/exclude"])
        assert content(shop) == before
        assert run("unpause", str(shop))[0] == ExitCode.OK
        wait_until("the handoff", lambda: bool(handoff_of(shop)) and (shop / "AGENTS.md").exists())


def test_with_broken_settings_everything_can_be_paused_and_nothing_else(shop: Path, run: Run) -> None:
    state_dir().root.mkdir(mode=0o700)
    state_dir().config.write_text("[publish\n")

    out = run.out("pause")
    before = everything(state_dir().root)

    assert out.startswith("Carryover is paused. carryoverd is not running now.\n")
    assert state_dir().paused.exists()
    for arguments in (("unpause",), ("unpause", str(shop)), ("pause", str(shop))):
        err = run.err(ExitCode.REFUSED, *arguments)
        assert "not valid TOML" in err and "Repair that line, or move the file away" in err
    assert everything(state_dir().root) == before


def test_of_a_pause_that_cannot_be_ended_it_says_what_to_do(run: Run) -> None:
    state_dir().paused.mkdir(parents=True)

    err = run.err(ExitCode.FAILED, "unpause")
    assert "so Carryover stays paused. Remove it, then run `carryover unpause` again." in err
    assert state_dir().paused.is_dir()


def test_a_running_daemon_obeys_a_pause_when_its_settings_break(shop: Path, run: Run) -> None:
    with DaemonProcess() as daemon:
        state_dir().config.write_text("[publish\n")

        run("pause")
        health = daemon.health()
        assert (health["paused"], "not valid TOML" in health["config_trouble"]) == (True, True)

        state_dir().config.unlink()
        run("unpause")
        health = daemon.health()
        assert (health["paused"], health["config_trouble"]) == (False, None)


def test_what_is_still_left_out_after_a_pause_is_named(shop: Path, home: Path, run: Run) -> None:
    run("pause", str(shop))
    run("pause")
    assert run("unpause")[1].splitlines()[-1] == (
        f"Still left out, by [projects] exclude in config.toml: {shop}. "
        "`carryover unpause PROJECT` includes a project again."
    )

    state_dir().config.write_text('[projects]\nexclude = ["~/shop/", "~/clients/*"]\n')
    again = f"`carryover unpause {shop}` includes it again."
    assert again in run.err(ExitCode.REFUSED, "handoff", str(shop))
    assert run("unpause", str(shop))[0] == ExitCode.OK
    assert load_config(state_dir().config).projects.exclude == ("~/clients/*",)

    state_dir().config.write_text('[projects]\nexclude = ["shop"]\n')
    said = "is still left out, by [projects] exclude = 'shop' in config.toml."
    assert said in run.err(ExitCode.REFUSED, "unpause", str(shop))


def test_a_pause_of_a_folder_says_what_lies_in_it_and_what_ends_it(recorded: Path, home: Path, run: Run) -> None:
    said = run.out("pause", str(home))
    assert f"The pause holds for each project below that folder too, such as {recorded}." in said

    ends = f"`carryover unpause {home}` includes it again."
    assert ends in run.err(ExitCode.REFUSED, "handoff", str(recorded))
    assert ends in run.err(ExitCode.REFUSED, "unpause", str(recorded))
    said = run.out("pause", str(recorded))
    assert f"{recorded} was already paused" in said and ends in said and "Resume with" not in said
    assert run("unpause", str(home))[0] == ExitCode.OK
    assert run("handoff", str(recorded))[0] == ExitCode.OK


def test_a_pause_that_another_command_has_just_made_is_not_made_again() -> None:
    data = b'[projects]\nexclude = [\n  "/srv/shop", # mine\n]\n'
    assert with_settings(data, {("projects", "exclude"): partial(with_one, "/srv/shop")}, datetime.now(UTC)) is data


def test_what_a_project_leaves_out_itself_no_command_includes(shop: Path, home: Path, run: Run) -> None:
    run("pause", str(home))
    (shop / ".carryover.toml").write_text("exclude = true\n")
    err = run.err(ExitCode.REFUSED, "handoff", str(shop))
    assert err.endswith("the project's own .carryover.toml. Change that there to include it again.\n")


def test_a_folder_whose_name_looks_like_a_pattern_is_paused_alone(home: Path, run: Run) -> None:
    for name in ("app[1]", "app1"):
        (home / name / ".git").mkdir(parents=True)

    run("pause", str(home / "app[1]"))

    codes = [run("handoff", str(home / name))[0] for name in ("app[1]", "app1")]
    assert codes == [ExitCode.REFUSED, ExitCode.NOTHING_FOUND]


ADDRESS = re.compile(r"http://(\w{32}\.localhost):(\d+)(/ui/\?key=[\w-]{43})\n")


def test_the_page_is_opened_and_the_daemon_started_if_it_does_not_run(
    in_background: None, run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = home / "opened"
    program(home / "bin" / "browser", f'printf "%s\\n" "$1" > {opened}.part; mv {opened}.part {opened}')
    monkeypatch.setenv("BROWSER", str(home / "bin" / "browser"))

    code, out, err = run("ui")

    found = ADDRESS.fullmatch(out)
    assert code == ExitCode.OK and found is not None
    assert err.startswith("carryoverd ") and f"(process {daemon_pid(state_dir())})" in err
    wait_until("the browser", opened.exists)
    assert opened.read_text() == out
    assert PageClient(int(found[2]), found[1]).get(found[3]).status == 303

    opened.unlink()
    assert ADDRESS.fullmatch(run("ui", "--no-open")[1])
    assert not opened.exists()


def test_without_a_display_the_address_is_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A browser in the terminal would take it over."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"):
        monkeypatch.delenv(name, raising=False)

    with on(LINUX):
        assert not ui.open_in_browser("http://127.0.0.1:1/")


@contextmanager
def running(pid: int) -> Iterator[None]:
    """Inside, the process `pid` holds the daemon's lock."""
    private_dir(state_dir().root)
    lock = FileLock(state_dir().lock)
    assert lock.acquire(f'{{"pid": {pid}, "socket": "", "started_ms": 0}}')
    yield
    lock.release()


@pytest.mark.parametrize(("version", "asks"), [("15.7.1", True), ("16.0", False), ("26.1", False)])
def test_safari_is_not_shown_an_address_that_it_would_look_for_on_the_network(
    home: Path, run: Run, monkeypatch: pytest.MonkeyPatch, version: str, asks: bool
) -> None:
    """Whoever answers there would get the key."""
    browsers: list[str] = []

    def opened(url: str) -> bool:
        browsers.append(url)
        return True

    monkeypatch.setattr(ui, "open_in_browser", opened)
    monkeypatch.setattr("platform.mac_ver", lambda: (version, ("", "", ""), "arm64"))
    told = {**HEALTH, "hook_port": {"port": 1}, "host": "x", "key": "y"}
    with running(4711), on(MACOS), SocketServer(state_dir().socket, answer(200, json.dumps(told).encode())):
        code, out, err = run("ui")

    assert (code, out) == (ExitCode.OK, "http://x:1/ui/?key=y\n")
    assert ("Chrome, Edge or Firefox" in err, browsers == [out.strip()]) == (asks, not asks)


def test_an_older_daemon_is_said_to_be_restarted(home: Path, run: Run) -> None:
    with (
        running(4711),
        answering_socket(state_dir().socket, {**HEALTH, "hook_port": {"port": 1}}, {"error": "Not Found"}),
    ):
        assert "Run `carryover restart`" in run.err(ExitCode.FAILED, "ui", "--no-open")


BEHIND = {**HEALTH, "caught_up": False, "sources": 340, "waiting_sources": 300}


@pytest.mark.parametrize(
    ("more", "share", "words"),
    [
        ({"last_sweep_ms": None}, 0.0, "looking for transcripts"),
        ({}, 40 / 340, "40 of 340 transcripts read, newest project first"),
        ({"waiting_sources": 0}, 1.0, "writing handoffs"),
        ({"sources": 0}, 1.0, "writing handoffs"),
    ],
)
def test_how_far_the_reading_is(more: dict[str, object], share: float, words: str) -> None:
    assert how_far(msgspec.convert(BEHIND | more, Health)) == (share, words)


def test_what_the_ledger_did_not_take_is_not_said_to_be_read(home: Path) -> None:
    """As on a full disk, where what could not be stored waits for the next try."""
    with answering_socket(state_dir().socket, {**HEALTH, "ledger_trouble": "The disk is full."}):
        assert watch_first_read(state_dir()) == "unstored"


def test_on_a_terminal_there_is_a_bar_and_ctrl_c_ends_only_the_watching(claude: Path) -> None:
    command = (*CARRYOVER, "install", "--yes", "--no-service")
    with answering_socket(state_dir().socket, BEHIND):
        code, shown = played(command, ("[#...........] 40 of 340 transcripts read, newest project first", CTRL_C))

    assert (code, 'In a new session say "let\'s start"' in shown) == (ExitCode.OK, True)
    assert "carryoverd keeps reading in the background; `carryover status` shows its progress." in shown
