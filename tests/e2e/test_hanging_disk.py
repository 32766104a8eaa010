"""A disk that hangs, below a project or an agent's folder: nothing else waits for it, and `status` says so."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from carryover.daemon.client import daemon_pid
from carryover.probe.looks import MOST_STUCK
from support import forked
from support.claude_session import ClaudeSession
from support.codex_session import CodexSession
from support.daemon_process import DaemonProcess, daemon_below, handoff_of, wait_until
from support.hanging_disk import HangingDisk, can_hang
from support.hook_client import HookClient
from support.repository import repository

pytestmark = pytest.mark.skipif(not can_hang(), reason="an ordinary user can't mount here")

SOON: Final = (
    "from carryover.ingest import pipeline; from carryover.probe import looks; "
    "pipeline.SILENT_AGAIN_S = 0.1; looks.DISKS.work_s = 4.0; "
)
"""What hangs is noticed soon, so that no test waits long for it, but nothing that is only slow on a busy machine."""
DAEMON: Final = (
    f"import sys; {SOON}looks.DISKS.again_s = 1.0; from carryover.faces.cli.carryoverd import main; sys.exit(main())"
)
COMMAND: Final = f"import sys; {SOON}from carryover.faces.cli.main import main; sys.exit(main())"
CALLS_AT_ONCE: Final = 24
OWN_THREADS: Final = min(32, (os.cpu_count() or 1) + 4) + 8
"""Those that the daemon has beside these, and not yet at its start: the event loop's pool, and looks at the rest."""
MOST_THREADS: Final = CALLS_AT_ONCE + MOST_STUCK + OWN_THREADS
"""All that call before the disk is known to hang, and all that ask it again."""


class Desk:
    """A home folder with two projects, of which one can hang, and a daemon that sees that."""

    def __init__(self, home: Path, disk: HangingDisk) -> None:
        home.mkdir()
        self.home = home
        self.disk = disk
        self.shop, self.remote = (repository(home / name, {"a.py": "1\n"}) for name in ("shop", "remote"))
        below = daemon_below(home)
        self.daemon = DaemonProcess(disk.inside(DAEMON), env=below.env)
        self.hooks = HookClient(self.daemon.state.socket)

    @property
    def threads(self) -> int:
        return len(list(Path(f"/proc/{self.daemon.pid}/task").iterdir()))

    def session(self, project: Path) -> ClaudeSession:
        return ClaudeSession(self.home / ".claude" / "projects", project)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return forked.run((*self.disk.inside(COMMAND), *arguments), env=self.daemon.env, cwd=self.shop)

    def wait_for(self, text: str, project: Path) -> None:
        wait_until(f"{text!r} in the handoff of {project.name}", lambda: text in handoff_of(project))

    def wait_for_start(self, session: ClaudeSession, text: str) -> None:
        """On a busy machine an answer may take longer than the time that is set here."""
        wait_until(f"a start with {text!r}", lambda: text in self.hooks.start(session).text)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with HangingDisk() as disk:
        desk = Desk(tmp_path / "home", disk)
        with desk.daemon:
            yield desk
            disk.close()  # else the kernel might keep the daemon


@pytest.mark.parametrize("hang", ["hang", pytest.param("hang_below", marks=pytest.mark.night)])
def test_a_hanging_project_holds_up_no_other_one_and_catches_up_later(desk: Desk, hang: str) -> None:
    here, there = desk.session(desk.shop).work("Count in cents"), desk.session(desk.remote).work("Send the report")
    desk.daemon.settle()
    threads = desk.threads
    getattr(desk.disk, hang)(desk.remote)
    there.prompt("Send it again")

    with ThreadPoolExecutor(CALLS_AT_ONCE) as callers:
        answers = callers.map(lambda _: desk.hooks.start(there), range(CALLS_AT_ONCE))
        assert {(heard.status, heard.text) for heard in answers} <= {(204, ""), (503, "")}
    wait_until("an answer in time", lambda: desk.hooks.start(there).status == 204)
    for number in range(3):
        here.prompt(f"Round up {number} times")
        desk.wait_for(f"Round up {number} times", desk.shop)
        desk.wait_for_start(here, f"Round up {number} times")
    assert desk.threads <= threads + MOST_THREADS
    silent = f"{desk.remote} does not answer: its disk hangs"
    wait_until("that it is said", lambda: silent in desk.run("status").stdout)
    only = [str(desk.remote)]
    wait_until("it alone", lambda: list(json.loads(desk.run("status", "--json").stdout)["silent"]) == only)

    desk.disk.heal(desk.remote)
    desk.wait_for("Send it again", desk.remote)
    wait_until("that it is over", lambda: "disk" not in desk.run("status").stdout)


@pytest.mark.night
def test_more_disks_than_the_daemon_has_threads_for_one_thing_may_hang(desk: Desk) -> None:
    others = [repository(desk.home / f"remote-{number}", {"a.py": "1\n"}) for number in range(6)]
    sessions = [desk.session(project).work("Send the report") for project in others]
    desk.daemon.settle()
    for project in others:
        desk.disk.hang_below(project)
    for session in sessions:
        session.prompt("Send it again")
        assert desk.hooks.start(session).status in (204, 503)

    here = desk.session(desk.shop).work("Count in cents")
    desk.wait_for("Count in cents", desk.shop)
    desk.wait_for_start(here, "Count in cents")


def test_a_hanging_folder_of_an_agent_holds_up_no_other_agent(desk: Desk) -> None:
    other = CodexSession(desk.home / ".codex", desk.remote)
    other.prompt("Send the report")
    desk.wait_for("Send the report", desk.remote)
    desk.disk.hang(desk.home / ".codex")

    desk.session(desk.remote).work("Send it again")
    desk.wait_for("Send it again", desk.remote)
    said = desk.run("status")
    assert (said.returncode, f"{desk.home / '.codex'} does not answer" in said.stdout) == (0, True), said


@pytest.mark.parametrize("hang", ["hang", pytest.param("hang_hard", marks=pytest.mark.night)])
def test_a_daemon_whose_disk_hangs_is_stopped_in_order_and_the_next_one_starts(desk: Desk, hang: str) -> None:
    """Even if the first one can't be removed while its disk hangs, since the kernel waits for that."""
    there = desk.session(desk.remote).work("Send the report")
    desk.daemon.settle()
    getattr(desk.disk, hang)(desk.remote)
    there.prompt("Send it again")
    assert desk.hooks.start(there).status in (204, 503)

    desk.daemon.process.send_signal(signal.SIGTERM)
    wait_until("the lock", lambda: daemon_pid(desk.daemon.state) is None)
    assert any("closed" in line for line in desk.daemon.log())
    assert not any("stopped_by_force" in line for line in desk.daemon.log())
    with DaemonProcess(desk.disk.inside(DAEMON), env=desk.daemon.env) as second:
        desk.session(desk.shop).work("Count in cents")
        desk.wait_for("Count in cents", desk.shop)
        desk.disk.heal(desk.remote)
        desk.wait_for("Send it again", desk.remote)
        assert second.health()["silent"] == {}
        desk.daemon.process.wait()


def test_a_command_without_a_daemon_waits_for_no_other_project(desk: Desk) -> None:
    desk.session(desk.remote).work("Send the report")
    desk.daemon.settle()
    desk.daemon.stop()
    desk.disk.hang(desk.remote)
    desk.session(desk.shop).work("Count in cents")

    assert "Count in cents" in desk.run("handoff").stdout
    forgotten = desk.run("forget", "--project", str(desk.remote), "--yes")
    assert "may still have a handoff: its disk does not answer" in forgotten.stdout + forgotten.stderr
