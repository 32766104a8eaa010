"""What `carryover forget` removes is in no file of Carryover's afterwards, and does not come back."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from carryover.actions.context import state_dir
from carryover.actions.from_disk import catch_up
from carryover.errors import ExitCode
from carryover.fsio import FileLock, private_dir
from carryover.publish.answers import answer_path
from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, handoff_of
from support.forked import CARRYOVER
from support.recorded_shop import Run
from support.repository import git
from support.stored_texts import compressed
from support.terminal import ENTER, Terminal

SECRET = "zebra merger"
KEPT = "Wire discount into checkout"
"""The task of a session that stays."""


def all_bytes(*folders: Path) -> bytes:
    """Every byte in files below `folders`, and the text of what the ledger holds compressed."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return b"".join(path.read_bytes() for path in files) + b"".join(compressed(state_dir().ledger).values())


def everything(project: Path) -> bytes:
    return all_bytes(state_dir().root, project)


@pytest.fixture
def secret(home: Path, recorded: Path) -> ClaudeSession:
    """A session in the project of `recorded`, read, published and spooled, of which nothing is to stay."""
    session = ClaudeSession(home / ".claude" / "projects", recorded)
    session.prompt(f"Add a page about the {SECRET}. Never mention the {SECRET} elsewhere.")
    session.append(session.call_line("call-1", f"grep '{SECRET}' ."))
    session.append(session.result_line("call-1", f"{SECRET}\n" * 200))
    session.answer(f"I added the page about the {SECRET}.")
    session.append(session.call_line("call-2", f"cat '{SECRET}'"))
    return session


@pytest.fixture
def published(secret: ClaudeSession, recorded: Path, home: Path) -> Path:
    """The project with that session, after a daemon has published it and a migration has made a copy."""
    private_dir(state_dir().root)
    (state_dir().config).write_text("[server]\nport = 0\n")
    with DaemonProcess() as daemon:
        daemon.settle()
        daemon.stop()
    spool = state_dir().root / "spool" / "claude-code"
    (spool / "pending").mkdir(parents=True)
    for name in (f"{secret.session}.jsonl", f"{secret.session}.transcript.jsonl", "pending/1.hook", "other.jsonl"):
        (spool / name).write_text(f"{SECRET} {secret.session}" if name != "other.jsonl" else "kept")
    for name in ("ledger.before-7.sqlite", "ledger.corrupt-20261120T000000.0Z.sqlite"):
        (state_dir().root / name).write_bytes(SECRET.encode())
    assert SECRET in handoff_of(recorded)
    return recorded


def answer_of(project: Path) -> Path:
    return answer_path(state_dir().root, "claude-code", "startup", str(project))


def test_nothing_of_a_forgotten_session_is_left(published: Path, secret: ClaudeSession, run: Run) -> None:
    assert SECRET in answer_of(published).read_text()
    assert SECRET in (state_dir().root / "handoff.md").read_text()

    out = run.out("forget", secret.session[:13], "--yes")

    assert "1 session loses all that was recorded until now:" in out
    assert "2 copies of the ledger go as a whole: ledger.before-7.sqlite, ledger.corrupt-" in out
    assert "✓ 1 session forgotten." in out
    assert SECRET.encode() not in everything(published)
    assert KEPT in handoff_of(published), "the handoff is written again without it"
    assert KEPT in answer_of(published).read_text()
    assert [path.name for path in (state_dir().root / "spool" / "claude-code").rglob("*.*")] == ["other.jsonl"]
    assert SECRET.encode() in secret.path.read_bytes(), "what the agent keeps is not Carryover's"


def test_a_whole_project_is_forgotten(published: Path, secret: ClaudeSession, run: Run) -> None:
    code, out, _ = run("forget", "--project", str(published / "sub"), "--yes", "--json")

    assert (code, json.loads(out)) == (ExitCode.OK, {"sessions": 3, "problems": []})
    for text in (SECRET, KEPT):
        assert text.encode() not in all_bytes(state_dir().root, published / ".carryover")
    assert not (published / ".carryover" / "handoff.md").exists()
    assert not (state_dir().root / "handoff.md").exists()
    assert not answer_of(published).exists()
    assert run("handoff", str(published))[0] == ExitCode.NOTHING_FOUND


def test_a_time_is_forgotten_and_what_was_before_and_after_stays(recorded: Path, home: Path, run: Run) -> None:
    session = ClaudeSession(home / ".claude" / "projects", recorded, now=datetime(2026, 11, 1, 12, tzinfo=UTC))
    session.prompt("Add a glossary")
    session.now = datetime(2026, 11, 3, 12, tzinfo=UTC)
    session.prompt(f"Explain the {SECRET} in it")
    session.now = datetime(2026, 11, 5, 12, tzinfo=UTC)
    session.prompt("Sort the glossary")
    catch_up(state_dir(), str(recorded))

    out = run.out("forget", "--since", "2026-11-02", "--until", "2026-11-04", "--yes")

    assert "1 session loses what happened from 2026-11-02 00:00 until 2026-11-05 00:00:" in out
    assert "✓ 1 session forgotten in part." in out
    shown = run("show", session.session)[1]
    assert ("Add a glossary" in shown, "Sort the glossary" in shown, SECRET in shown) == (True, True, False)
    assert SECRET.encode() not in all_bytes(state_dir().root)


def test_everything_is_forgotten(published: Path, run: Run) -> None:
    assert run("forget", "--all", "--yes")[0] == ExitCode.OK

    for text in (SECRET, KEPT, str(published)):
        assert text.encode() not in state_dir().ledger.read_bytes()
    assert run("sessions", "--all")[0] == ExitCode.NOTHING_FOUND
    assert run("handoff", str(published))[0] == ExitCode.NOTHING_FOUND
    assert not (state_dir().root / "spool").exists()
    assert run("forget", "--all", "--yes")[0] == ExitCode.NOTHING_FOUND


def test_a_dry_run_changes_nothing(published: Path, secret: ClaudeSession, run: Run) -> None:
    before = everything(published)

    code, out, _ = run("forget", secret.session, "--dry-run")
    as_json = json.loads(run("forget", "--project", str(published), "--dry-run", "--json")[1])

    assert code == ExitCode.OK
    assert out.splitlines()[-1] == "Nothing was changed."
    assert secret.session[:8] in out
    assert (as_json["sessions"], len(as_json["newest"]), len(as_json["copies"])) == (3, 3, 2)
    assert everything(published) == before


def test_on_a_terminal_it_asks(recorded: Path) -> None:
    before = state_dir().ledger.read_bytes()
    with Terminal((*CARRYOVER, "forget", "--all"), dict(os.environ)) as terminal:
        terminal.wait_for("Forget this? It cannot be recovered. [y/N]")
        terminal.press(ENTER)
        code, shown = terminal.end()

    assert (code, "Nothing was changed." in shown) == (ExitCode.INTERRUPTED, True)
    assert state_dir().ledger.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("ffff",), ExitCode.NOTHING_FOUND, "No session begins with 'ffff'"),
        (("--project", "nowhere"), ExitCode.NOTHING_FOUND, "Nothing that is recorded matches"),
    ],
)
def test_what_cannot_be_forgotten_says_why(
    recorded: Path, run: Run, arguments: tuple[str, ...], code: ExitCode, said: str
) -> None:
    answer = run("forget", *arguments, "--yes")

    assert answer[:2] == (code, "")
    assert said in answer[2]


def test_while_another_process_writes_the_ledger_nothing_is_changed(recorded: Path, run: Run) -> None:
    lock = FileLock(state_dir().lock)
    assert lock.acquire()
    try:
        code, _, err = run("forget", "--all", "--yes")
    finally:
        lock.release()

    assert code == ExitCode.FAILED
    assert "Another process is using the ledger. Nothing was changed." in err


def test_a_file_that_came_with_the_repository_is_not_removed(recorded: Path, run: Run) -> None:
    """Nothing was published there, since git tracks it."""
    theirs = recorded / ".carryover" / "handoff.md"
    theirs.parent.mkdir(exist_ok=True)
    theirs.write_text("theirs")
    git(recorded, "add", "-f", ".carryover")

    run("forget", "--project", str(recorded), "--yes")

    assert theirs.read_text() == "theirs"


def test_a_running_daemon_forgets_and_publishes_what_is_left(published: Path, secret: ClaudeSession, run: Run) -> None:
    with DaemonProcess() as daemon:
        daemon.settle()

        out = run.out("forget", secret.session, "--yes")

        assert "✓ 1 session forgotten." in out
        assert KEPT in handoff_of(published)
        os.utime(secret.path)
        daemon.settle()
        assert SECRET.encode() not in everything(published)
        secret.now = datetime.now(UTC)
        secret.prompt("Translate the guide to French")
        daemon.settle()
        assert "Translate the guide" in handoff_of(published)
        assert run("forget", "--project", str(published), "--yes")[0] == ExitCode.OK
        daemon.settle()
        assert not (published / ".carryover" / "handoff.md").exists()
        assert daemon.health()["projects"] == []
        assert [line for line in daemon.log() if "failed" in line] == []
        daemon.stop()
    assert SECRET.encode() not in everything(published)
