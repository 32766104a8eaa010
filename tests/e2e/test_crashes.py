"""What a daemon or a command leaves when it crashes, and that none of it holds content."""

import json
import signal
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest

from carryover import __version__
from carryover.daemon.main import OWN_SESSION
from carryover.errors import ExitCode
from carryover.faces.cli.main import main
from carryover.ledger.connect import connect_read_only
from carryover.ledger.queries import sessions
from support import forked
from support.claude_session import ClaudeSession
from support.daemon_process import COMMAND, DaemonProcess, handoff_of, wait_until
from support.forked import ALTERED, run
from support.hook_client import HookClient, payload_of
from support.repository import repository

MARKER: Final = "xylophonic"
RUN: Final = "import sys; from carryover.faces.cli import carryoverd; sys.exit(carryoverd.main())"

RESTARTED: Final = """
from carryover.daemon import supervisor
from carryover.daemon.second_pages import SecondPages
async def run(self):
    raise KeyError("xylophonic")
SecondPages.run = run
supervisor.FIRST_DELAY_S = 0.01
"""
OUTSIDE_OF_TASKS: Final = """
from carryover.daemon.daemon import Daemon
async def run(self, **_):
    raise ValueError("xylophonic")
Daemon.run = run
"""
SIGNALLED: Final = """
import os, signal
from carryover.daemon.daemon import Daemon
async def run(self, **_):
    transcript = "xylophonic"
    os.kill(os.getpid(), signal.SIGSEGV)
Daemon.run = run
"""
HANGS: Final = """
import pathlib, threading
from carryover.daemon import run
from carryover.ingest import pipeline
def hang(*_):
    pathlib.Path("~/reads").expanduser().touch()
    threading.Event().wait(60)
pipeline.prepare, run.STOP_LIMIT_S = hang, 1.0
"""
NO_DISK: Final = """
import os, threading
def ask(path, *given, real=os.stat, **named):
    return threading.Event().wait(60) if "/shop" in os.fsdecode(path) else real(path, *given, **named)
os.stat = os.lstat = ask
"""
DAMAGED: Final = """
from carryover.ledger.connect import LedgerDamaged
from carryover.ledger.store import Ledger
async def commit(self, source, prepared, *, seen_rev):
    raise LedgerDamaged("xylophonic words of a transcript")
Ledger.commit = commit
"""


def crashing(program: str) -> DaemonProcess:
    return DaemonProcess((*ALTERED, f"{program}{RUN}"))


def said(daemon: DaemonProcess) -> str:
    """All that the log says, which holds no content."""
    text = "\n".join(daemon.log())
    assert MARKER not in text
    return text


def test_a_task_that_fails_again_and_again_says_so_each_time(session: ClaudeSession) -> None:
    with crashing(RESTARTED) as daemon:
        wait_until("three failures", lambda: said(daemon).count("task_failed task=second-pages") >= 3)
        daemon.settle()
        assert daemon.stop()[0] == ExitCode.OK


def test_a_daemon_that_fails_outside_of_its_tasks_says_so_without_the_message(home: Path) -> None:
    daemon = crashing(OUTSIDE_OF_TASKS)
    ran = run((*ALTERED, f"{OUTSIDE_OF_TASKS}{RUN}"))

    assert ran.returncode == ExitCode.FAILED
    assert MARKER not in ran.stderr
    assert "Traceback" not in ran.stderr
    assert "carryoverd failed: ValueError at carryover.daemon.run:" in ran.stderr
    assert said(daemon).splitlines()[-1].startswith('ERROR crashed error="ValueError at ')


def test_a_fatal_signal_is_told_where_without_content(home: Path) -> None:
    ran = run((*ALTERED, f"{SIGNALLED}{RUN}"))

    assert ran.returncode == -signal.SIGSEGV
    assert "Fatal Python error: Segmentation fault" in ran.stderr
    assert MARKER not in ran.stderr


def test_a_read_that_never_returns_does_not_keep_the_daemon_from_stopping(session: ClaudeSession) -> None:
    """A disk may hang for ever, and the thread that reads from it with it."""
    session.prompt("Add a discount function to the cart")
    with crashing(HANGS) as daemon:
        wait_until("the read", (Path.home() / "reads").exists)
        code, seconds = daemon.stop(signal.SIGTERM)

    assert (code, 1 <= seconds < 5) == (ExitCode.FAILED, True)
    assert daemon.log()[-1] == "WARNING stopped_by_force after_s=1"


def test_a_disk_that_hangs_keeps_no_daemon_from_starting(session: ClaudeSession, home: Path) -> None:
    session.work()
    other = ClaudeSession(session.folder, repository(home / "work" / "blog")).work()
    with DaemonProcess() as daemon:
        daemon.settle()
    with crashing(NO_DISK):
        other.prompt("Paint the fence")
        wait_until("the other project's handoff", lambda: "Paint the fence" in handoff_of(other.cwd))


def test_damage_to_the_ledger_stops_the_daemon_with_a_failure_that_says_where(session: ClaudeSession) -> None:
    """Its next start repairs the ledger; the person who looks after the daemon must know that it is needed."""
    session.prompt(f"Add a {MARKER} function to the cart")
    daemon = crashing(DAMAGED).start()

    assert daemon.process.wait(30) == ExitCode.FAILED
    [failed] = [line for line in said(daemon).splitlines() if "vital_task_failed" in line]
    assert 'error="LedgerDamaged at carryover.' in failed
    assert daemon.log()[-1] == "INFO closed"


def work_and_damage(daemon: DaemonProcess, session: ClaudeSession, table: str) -> None:
    """Has a session recorded, and damages a table while the daemon is stopped."""
    session.prompt("Add a parser")
    with daemon:
        daemon.settle()
        daemon.stop()
    ledger = daemon.state.ledger
    with closing(sqlite3.connect(ledger)) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        (size,) = db.execute("PRAGMA page_size").fetchone()
    with ledger.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)


@pytest.mark.parametrize("table", ["project", pytest.param("source", marks=pytest.mark.night)])
def test_a_daemon_whose_ledger_is_damaged_fails_and_its_next_start_mends_it(
    table: str, daemon: DaemonProcess, free_port: None, session: ClaudeSession
) -> None:
    work_and_damage(daemon, session, table)

    daemon.start()
    assert wait_until("the daemon to end", lambda: daemon.process.poll()) == ExitCode.FAILED

    with daemon:
        daemon.settle()
        assert list(daemon.state.root.glob("ledger.corrupt-*.sqlite"))
        with closing(connect_read_only(daemon.state.ledger)) as db:
            assert [row.native_id for row in sessions(db, limit=9)] == [session.session]
        assert "Add a parser" in handoff_of(session.cwd)


@pytest.mark.parametrize("table", ["project", pytest.param("source", marks=pytest.mark.night)])
def test_a_daemon_in_the_background_mends_a_damaged_ledger_itself(
    table: str, free_port: None, session: ClaudeSession
) -> None:
    """It is in nobody's care: no service manager starts it again."""
    daemon = DaemonProcess((*COMMAND, OWN_SESSION))
    work_and_damage(daemon, session, table)

    with daemon:
        wait_until("a mended ledger", lambda: list(daemon.state.root.glob("ledger.corrupt-*.sqlite")))
        wait_until("its second start", lambda: said(daemon).count(f"started version={__version__}") == 3)
        wait_until("its answer", lambda: daemon.ask("GET", "/health"))
        daemon.settle()
        assert "Add a parser" in handoff_of(session.cwd)
        assert daemon.stop()[0] == ExitCode.OK


MARKERS: Final = (MARKER, "quixotry", "zephyrous", "jackdaw")
TEXT, PATH, CALL, SETTING = MARKERS


def test_no_word_of_a_session_a_path_or_a_call_is_in_the_log(
    home: Path, transcripts: Path, free_port: None, capsys: pytest.CaptureFixture[str]
) -> None:
    marked = ClaudeSession(transcripts, repository(home / f"{PATH}-clients" / f"{PATH}-shop"))
    marked.prompt(f"Never use {TEXT}. Write {PATH}.py; {TEXT.upper()}_TOKEN=sk-{TEXT}0123456789abcdef")
    marked.run(f"cat {PATH}.py; echo {TEXT}", f"{TEXT}: no such file")
    marked.append(
        f'{{"type": "{TEXT}", "{TEXT}": 1}}\n{TEXT} is no JSON\n'.encode() + b"\xff\xfe" + TEXT.encode() + b"\n"
    )
    marked.answer(f"Done: {TEXT}.")
    with DaemonProcess() as daemon:
        daemon.settle()
        assert TEXT in handoff_of(marked.cwd), "it was read"
        _call_hooks(daemon, marked)
        daemon.state.config.write_text(f'[publish]\npointers = "{SETTING}"\n')
        daemon.process.send_signal(signal.SIGHUP)
        wait_until("the refusal", lambda: daemon.health()["config_trouble"])
        daemon.settle()
        health = daemon.health()
        daemon.stop()
    log = "".join(path.read_text() for path in daemon.state.root.glob("carryoverd.log*"))

    logged = {line.split()[2] for line in log.splitlines()}
    assert {"source_read", "published", "hook_path_refused", "config_refused"} <= logged
    assert [marker for marker in MARKERS if marker in log.lower()] == []
    assert [part for part in marked.cwd.parts[2:] if part in log] == [], "no part of a path either"
    assert [marker for marker in MARKERS if marker in json.dumps(health["hook_calls"]).lower()] == []
    capsys.readouterr()
    main(["logs"])
    assert capsys.readouterr().out == log


def _call_hooks(daemon: DaemonProcess, session: ClaudeSession) -> None:
    client = HookClient(daemon.state.socket)
    payload = payload_of(session, "Stop", session_id=CALL, last_assistant_message=f"{CALL} it is")
    client.call("Stop", payload)
    client.call("Stop", {**payload, "cwd": f"/home/{CALL}/../{CALL}"})
    client.call("Stop", {**payload, "transcript_path": f"/etc/{CALL}"})
    client.call(CALL, {**payload, "hook_event_name": CALL})
    client.call("SessionStart", {CALL: [CALL]})
    client.call(CALL, {CALL: CALL}, agent=CALL)
    for target in (f"/{CALL}", f"/hook/{CALL}", f"/link?old=/{CALL}&new=/{CALL}", f"/unlink?old=/{CALL}"):
        client.ask("POST", target, CALL.encode(), {"X-Odd": CALL})


CANARY: Final = "zebra-4711"


@pytest.fixture
def temporary(home: Path, daemon: DaemonProcess, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = home / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    daemon.env["TMPDIR"] = str(folder)
    return folder


def started(project: Path, *arguments: str) -> subprocess.Popen[bytes]:
    return forked.start([*forked.CARRYOVER, *arguments], cwd=project)


def started_note(project: Path) -> subprocess.Popen[bytes]:
    (project.parent / "answer.md").write_text(CANARY)
    return started(project, "note", "../answer.md")


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
    temporary: Path, running: DaemonProcess, session: ClaudeSession, project: Path
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


def test_what_a_living_command_needs_stays(temporary: Path, running: DaemonProcess, project: Path) -> None:
    running.process.send_signal(signal.SIGSTOP)
    process = started_note(project)
    wait_until("the note", lambda: any(running.state.root.glob("*/note.json")))
    other = started(project, "forget", "--all", "--yes")
    running.process.send_signal(signal.SIGCONT)

    assert process.wait() == 0
    other.wait()
    assert list(temporary.iterdir()) == []
