"""Files of Carryover's and of agents that are no files, or are taken away: nobody waits, and nothing is lost."""

import os
import shutil
import time
from pathlib import Path
from typing import Final

import pytest

from agents.opencode.stores import Client
from carryover.errors import ExitCode
from carryover.fsio import private_dir
from support.claude_session import ClaudeSession
from support.daemon_process import COMMAND, DaemonProcess, handoff_of, wait_until
from support.forked import ALTERED, carryover, run
from support.socket_server import NotifySocket


@pytest.fixture
def state(daemon: DaemonProcess, free_port: None, session: ClaudeSession) -> Path:
    session.prompt("Add a discount function to the cart")
    with daemon:
        daemon.settle()
        daemon.stop()
    return daemon.state.root


RARELY: Final = ("carryoverd.log", "daemon.lock", "hook.secret")


@pytest.mark.parametrize(
    "place", ["config.toml", "ledger.sqlite-wal", *(pytest.param(name, marks=pytest.mark.night) for name in RARELY)]
)
def test_daemon_and_commands_answer_or_end(state: Path, daemon: DaemonProcess, project: Path, place: str) -> None:
    path = state / place
    path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    os.mkfifo(path)

    for command in (["status"], ["handoff"], ["config"], ["doctor"], ["search", "discount"], ["forget", "--yes"]):
        # Far less than a FIFO keeps those waiting that open it, which is for ever.
        done = carryover(*command, cwd=project, limit_s=25)
        assert "Traceback" not in done.stderr
    daemon.start()
    wait_until("an answer or the end", lambda: daemon.process.poll() is not None or daemon.ask("GET", "/health"))
    if daemon.process.poll() is None:
        assert daemon.stop()[1] < 5


END_S: Final = 5.0


@pytest.fixture
def database(home: Path, project: Path) -> Path:
    """An opencode database whose client was killed, with a FIFO in the place of its WAL's index."""
    path = home / ".local" / "share" / "opencode" / "opencode.db"
    path.parent.mkdir(parents=True)
    with Client(path) as client:
        client.prompt(client.session(1, str(project)), 1, "Fix the parser")
        left = {suffix: Path(f"{path}{suffix}").read_bytes() for suffix in ("", "-wal")}
    for suffix, data in left.items():
        Path(f"{path}{suffix}").write_bytes(data)
    os.mkfifo(f"{path}-shm")
    return path


def test_the_daemon_answers_reads_the_others_and_ends(
    daemon: DaemonProcess, free_port: None, database: Path, session: ClaudeSession, project: Path
) -> None:
    session.prompt("Add a discount function to the cart")
    began = time.monotonic()
    with daemon:
        wait_until("the broken source", lambda: daemon.health()["broken_sources"] == 1, limit_s=END_S)
        wait_until("the handoff", lambda: "discount function" in handoff_of(project))
        code, took_s = daemon.stop()
    assert (code, took_s < END_S) == (0, True), time.monotonic() - began


@pytest.mark.parametrize("arguments", [["import"], ["handoff", "--transcript"]])
def test_a_command_that_is_handed_it_ends_with_a_message(
    home: Path, database: Path, project: Path, arguments: list[str]
) -> None:
    done = carryover(*arguments, str(database), cwd=project, limit_s=20)

    assert done.returncode not in (0, -9)
    assert str(database) in done.stderr
    assert "Traceback" not in done.stderr


HASTY: Final = (
    *ALTERED,
    "import sys; from carryover.faces.cli import carryoverd; from carryover.daemon import start, upkeep; "
    "start.RETRY_S, upkeep.CHECK_S = 0.2, 0.1; sys.exit(carryoverd.main())",
)


def test_a_daemon_whose_state_was_removed_ends_and_leaves_its_successor_alone(
    session: ClaudeSession, project: Path
) -> None:
    session.prompt("Add a discount function to the cart")
    with DaemonProcess(HASTY) as first:
        first.settle()
        shutil.rmtree(first.state.root)
        with DaemonProcess() as second:
            assert first.process.wait(30) == ExitCode.FAILED
            second.settle()
            assert "discount" in handoff_of(project)
            assert second.state.socket.exists()


def test_a_state_folder_that_cannot_be_used_is_tried_again_under_systemd_and_said_without(
    session: ClaudeSession, project: Path, tmp_path: Path
) -> None:
    """systemd gives up after a few failed starts, and a disk that was full at login has space a minute later."""
    session.prompt("Add a discount function to the cart")
    with NotifySocket(str(tmp_path / "notify")) as systemd:
        daemon = DaemonProcess(HASTY, env={**os.environ, "NOTIFY_SOCKET": systemd.address})
        private_dir(daemon.state.root)
        daemon.state.lock.mkdir()  # what not even root can write to
        without = run(COMMAND)
        daemon.start()
        assert systemd.receive()[0].startswith(f"STATUS=Waiting: The lock {daemon.state.lock} cannot be taken: ")
        daemon.state.lock.rmdir()
        daemon.wait_until_it_answers().settle()
        daemon.stop()
    assert "discount" in handoff_of(project)
    assert (without.returncode, "Traceback" in without.stderr) == (ExitCode.FAILED, False)
    assert without.stderr.startswith(f"carryoverd: The lock {daemon.state.lock} cannot be taken: ")
