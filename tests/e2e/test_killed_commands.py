"""What a killed command leaves is private text too: the next start and `forget` remove it."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import Final

import pytest

from support import forked
from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, wait_until

CANARY: Final = "zebra-4711"


@pytest.fixture
def temporary(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = home / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.fixture
def daemon(temporary: Path, daemon: DaemonProcess) -> DaemonProcess:
    daemon.env["TMPDIR"] = str(temporary)
    return daemon


def started(project: Path, *arguments: str) -> subprocess.Popen[bytes]:
    return forked.start([*forked.CARRYOVER, *arguments], cwd=project)


def started_note(project: Path) -> subprocess.Popen[bytes]:
    answer = project.parent / "answer.md"
    answer.write_text(CANARY)
    return started(project, "note", str(answer))


def kill_at(process: subprocess.Popen[bytes], folder: Path, name: str) -> None:
    wait_until(name, lambda: any(folder.glob(f"*/{name}")))
    process.kill()
    process.wait()
    assert any(folder.glob(f"*/{name}"))


def kill_note_and_handoff(daemon: DaemonProcess, session: ClaudeSession, project: Path, temporary: Path) -> None:
    """The first waits for the daemon, the second reads."""
    daemon.process.send_signal(signal.SIGSTOP)
    kill_at(started_note(project), daemon.state.root, "note.json")
    for number in range(400):
        session.prompt(f"{CANARY} {number}")
        session.answer("Done. " * 200)
    kill_at(started(project, "handoff", "--transcript", str(session.path)), temporary, "ledger.sqlite")


def with_canary(*folders: Path) -> list[Path]:
    files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    return [path for path in files if CANARY.encode() in path.read_bytes() or "scratch" in str(path)]


def test_the_next_start_and_forget_remove_it(
    running: DaemonProcess, session: ClaudeSession, project: Path, temporary: Path
) -> None:
    kill_note_and_handoff(running, session, project, temporary)
    running.kill()
    assert with_canary(temporary)

    with running:
        assert [path for path in with_canary(temporary, running.state.root) if "scratch" in str(path)] == []
        running.settle()
        kill_note_and_handoff(running, session, project, temporary)
        running.process.send_signal(signal.SIGCONT)
        running.settle()
        assert started(project, "forget", "--all", "--yes").wait() == 0
        assert with_canary(temporary, running.state.root, project) == []


def test_what_a_living_command_needs_stays(running: DaemonProcess, project: Path, temporary: Path) -> None:
    running.process.send_signal(signal.SIGSTOP)
    process = started_note(project)
    wait_until("the note", lambda: any(running.state.root.glob("*/note.json")))
    other = started(project, "forget", "--all", "--yes")
    running.process.send_signal(signal.SIGCONT)

    assert process.wait() == 0
    other.wait()
    assert list(temporary.iterdir()) == []
