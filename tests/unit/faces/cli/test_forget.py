"""What `carryover forget` removes is in no file of Carryover's afterwards, and does not come back."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import nullcontext
from datetime import UTC, datetime
from functools import partial
from itertools import cycle
from pathlib import Path

import pytest

from carryover.actions.forgetting import forget_planned, plan_forgetting
from carryover.actions.linking import link_projects
from carryover.errors import ExitCode, UserError
from carryover.fsio import SCRATCH, FileLock, private_dir
from carryover.outside.journal import write_down
from carryover.outside.listed import handoff_folder
from carryover.past.context import state_dir
from carryover.past.without_daemon import catch_up
from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, handoff_of
from support.forked import CARRYOVER
from support.recorded_shop import Run
from support.repository import git
from support.scribe import compressed
from support.socket_server import SocketServer, answer, hang
from support.terminal import ENTER, played

SECRET = "zebra merger"
KEPT = "Wire discount into checkout"
"""The task of a session that stays."""


@pytest.fixture
def secret(home: Path, recorded: Path) -> ClaudeSession:
    """A session in the project of `recorded`, read, published and spooled, of which nothing is to stay."""
    session = ClaudeSession(home / ".claude" / "projects", recorded)
    session.prompt(f"Add a page about the {SECRET}. Never mention the {SECRET} elsewhere.")
    session.run(f"grep '{SECRET}' .", f"{SECRET}\n" * 200)
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


def all_bytes(*folders: Path) -> bytes:
    """Every byte in files below `folders`, and the text of what the ledger holds compressed."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return b"".join([*(path.read_bytes() for path in files), *compressed(state_dir().ledger).values()])


def everything(project: Path) -> bytes:
    return all_bytes(state_dir().root, project)


def test_copies_without_a_ledger_are_not_called_nothing(home: Path, run: Run) -> None:
    private_dir(state_dir().root)
    (state_dir().root / "ledger.before-7.sqlite").write_text(SECRET)

    err = run.err(ExitCode.NOTHING_FOUND, "forget", "--all", "--yes")

    assert "Nothing is recorded" not in err and "`carryover start`" in err


def test_nothing_of_a_forgotten_session_is_left(published: Path, secret: ClaudeSession, run: Run) -> None:
    former = state_dir().root / "restore" / "codex" / "startup" / published.relative_to("/") / ".answer"
    former.parent.mkdir(parents=True)
    former.write_text(f"As 0.1.0 kept it: {SECRET}")
    (state_dir().root / "handoff.md").write_text(handoff_of(published))  # as 0.1.0 kept a copy

    [damaged] = state_dir().root.glob("ledger.corrupt-*.sqlite")
    damaged.with_name(f"{damaged.name}-wal").write_text(SECRET)

    out = run.out("forget", secret.session[:13], "--yes")

    assert "1 session loses all that was recorded until now:" in out
    assert "2 copies of the ledger go as a whole: ledger.before-7.sqlite, ledger.corrupt-" in out
    assert "✓ 1 session forgotten." in out
    assert SECRET.encode() not in everything(published)
    assert KEPT in handoff_of(published), "the handoff is written again without it"
    assert [path.name for path in (state_dir().root / "spool" / "claude-code").rglob("*.*")] == ["other.jsonl"]
    assert SECRET.encode() in secret.path.read_bytes(), "what the agent keeps is not Carryover's"


@pytest.mark.parametrize("in_worktree", [False, True])
def test_nothing_is_left_in_the_handoff_of_a_worktree_or_of_its_main_checkout(
    shop: Path, home: Path, run: Run, in_worktree: bool
) -> None:
    """Each names what is unfinished in the other."""
    tree = shop.with_name("shop-tax")
    git(shop, "worktree", "add", "--quiet", str(tree))
    folders = (tree, shop) if in_worktree else (shop, tree)
    sessions = [ClaudeSession(home / ".claude" / "projects", folder) for folder in folders]
    for session, task in zip(sessions, (SECRET, KEPT), strict=True):
        session.prompt(task)
    private_dir(state_dir().root)
    (state_dir().config).write_text("[server]\nport = 0\n")
    with DaemonProcess() as daemon:
        daemon.settle()
        daemon.stop()
    assert SECRET in handoff_of(folders[1])

    run.out("forget", sessions[0].session, "--yes")

    assert SECRET.encode() not in everything(shop) + everything(tree)
    assert KEPT in handoff_of(folders[1])


@pytest.mark.parametrize("of", ["the project", "another"])
def test_a_handoff_in_a_folder_of_earlier_settings_goes_too(
    published: Path, secret: ClaudeSession, home: Path, run: Run, of: str
) -> None:
    """A worktree's handoff names what is done in its main checkout."""
    former = home / "handoffs" / "shop"
    former.mkdir(parents=True)
    (former / "handoff.md").write_text(SECRET)
    write_down(state_dir().root, handoff_folder(former, published if of == "the project" else home / "worktree"))

    run.out("forget", secret.session[:13], "--yes")

    assert not (former / "handoff.md").exists()
    assert KEPT in handoff_of(published)


def test_what_was_handed_over_in_another_project_stays(published: Path, secret: ClaudeSession, run: Run) -> None:
    """Where `pointers` is off, it is outside of the project, and an agent may not have read it yet."""
    blog = published.parent / "blog"
    blog.mkdir()
    ClaudeSession(secret.folder, blog).work("Write a page about cheese")
    catch_up(str(blog))
    chosen = state_dir().root / "handoffs" / "blog" / "handoff-chosen.md"
    chosen.parent.mkdir(parents=True)
    chosen.write_text("cheese")
    write_down(state_dir().root, handoff_folder(chosen.parent, blog))

    run.out("forget", secret.session[:13], "--yes")
    assert chosen.exists()

    run.out("forget", "--project", str(blog), "--yes")
    assert not chosen.exists()


def test_a_whole_project_is_forgotten(published: Path, secret: ClaudeSession, run: Run) -> None:
    (published / "sub").mkdir()
    done = json.loads(run.out("forget", "--project", str(published / "sub"), "--yes", "--json"))

    assert done == {"sessions": 3, "problems": []}
    left = all_bytes(state_dir().root, published / ".carryover")
    assert SECRET.encode() not in left and KEPT.encode() not in left
    assert not (published / ".carryover" / "handoff.md").exists()
    assert run("handoff", str(published))[0] == ExitCode.NOTHING_FOUND


def test_a_time_is_forgotten_and_what_was_before_and_after_stays(recorded: Path, home: Path, run: Run) -> None:
    session = ClaudeSession(home / ".claude" / "projects", recorded, now=datetime(2026, 11, 1, 12, tzinfo=UTC))
    session.prompt("Add a glossary")
    session.now = datetime(2026, 11, 3, 12, tzinfo=UTC)
    session.prompt(f"Explain the {SECRET} in it")
    session.now = datetime(2026, 11, 5, 12, tzinfo=UTC)
    session.prompt("Sort the glossary")
    catch_up(str(recorded))

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


def test_a_dry_run_changes_nothing(
    published: Path, secret: ClaudeSession, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = everything(published)

    out = run.out("forget", secret.session, "--dry-run")
    as_json = json.loads(run.out("forget", "--project", str(published), "--dry-run", "--json"))

    assert secret.session[:8] in out and out.endswith("\nNothing was changed.\n")
    assert (as_json["sessions"], len(as_json["newest"]), len(as_json["copies"])) == (3, 3, 2)
    monkeypatch.setattr("carryover.faces.cli.forget.MOST_LISTED", 2)
    assert "\n... and 1 more\n" in run.out("forget", "--project", str(published), "--dry-run")
    assert everything(published) == before


def test_notes_and_pins_are_not_counted_as_sessions(recorded: Path, run: Run, tmp_path: Path) -> None:
    (tmp_path / "answer.txt").write_text("Cap it at 100.")
    run.out("note", str(tmp_path / "answer.txt"), "--project", str(recorded))
    run.out("pin", "never floats", "--project", str(recorded))

    assert run.out("forget", "--all", "--dry-run").startswith("2 sessions and 2 notes and pins lose all that was")
    assert "✓ 2 sessions and 2 notes and pins forgotten." in run.out("forget", "--all", "--yes")


def test_what_a_killed_command_left_goes_only_once_the_user_agrees(recorded: Path, run: Run) -> None:
    left = state_dir().root / f"{SCRATCH}left"
    private_dir(left)
    (left / "ledger.sqlite").write_text(SECRET)

    assert run("forget", "--all")[0] == ExitCode.REFUSED
    assert left.exists()
    assert run("forget", "--all", "--yes")[0] == ExitCode.OK
    assert not left.exists()


def test_on_a_terminal_it_asks(recorded: Path) -> None:
    before = state_dir().ledger.read_bytes()

    code, shown = played((*CARRYOVER, "forget", "--all"), ("Forget this? It cannot be recovered. [y/N]", ENTER))

    assert (code, "Nothing was changed." in shown) == (ExitCode.INTERRUPTED, True)
    assert state_dir().ledger.read_bytes() == before


def test_while_another_process_writes_the_ledger_nothing_is_changed(recorded: Path, run: Run) -> None:
    lock = FileLock(state_dir().lock)
    assert lock.acquire()
    try:
        code, _, err = run("forget", "--all", "--yes")
    finally:
        lock.release()

    assert (code, "Another process is using the ledger. Nothing was changed." in err) == (ExitCode.FAILED, True)


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


TASK = "Wire discount into checkout"
"""Of the newest session that is recorded in `shop`."""


@pytest.fixture
def moved(recorded: Path, home: Path) -> Path:
    """The shop at another path, in a way that cannot be told: as if it came from another disk."""
    new = home / "elsewhere" / "shop"
    shutil.copytree(recorded, new)
    shutil.rmtree(recorded)
    return new


def test_without_evidence_it_says_how_to_link_and_what_is_linked_is_there(
    recorded: Path, moved: Path, run: Run
) -> None:
    old, new = str(recorded), str(moved)
    advice = f"`carryover link {old} {new}` brings along what was recorded."
    assert advice in run.err(ExitCode.NOTHING_FOUND, "handoff", new)

    assert run.out("link", old, new).splitlines() == [
        f"2 sessions recorded at {old} belong to {new} now.",
        f"`carryover link --undo {old}` reverts that.",
    ]
    out = run.out("handoff", new)
    assert TASK in out and "`checkout.py`: " in out
    assert run("link", old, new)[1].startswith(f"What was recorded at {old} is linked already.")
    undo = f"What is linked to it is undone by its old path: `carryover link --undo {old}`."
    assert f"{new} is not linked to another folder. {undo}" in " ".join(
        run.err(ExitCode.NOTHING_FOUND, "link", "--undo", new).split()
    )
    assert f"{old} is linked to {new}. Nothing was" in run.err(ExitCode.REFUSED, "link", old, str(moved.parent))
    shutil.rmtree(moved)
    run.out("link", new, str(moved.parent))
    assert f"linked to {moved.parent}. Nothing was" in run.err(ExitCode.REFUSED, "link", old, str(recorded.parent))

    assert json.loads(run.out("link", "--undo", old, "--json")) == {"old": old, "new": None, "sessions": 2, "notes": 0}
    assert run("handoff", new)[0] == run("link", "--undo", old)[0] == ExitCode.NOTHING_FOUND


def test_without_a_folder_that_is_gone_nothing_is_said_of_a_move(recorded: Path, home: Path, run: Run) -> None:
    (home / "new").mkdir()
    advice = "`carryover link OLD NEW` brings along what was recorded before."
    assert advice not in run.err(ExitCode.NOTHING_FOUND, "handoff", str(home / "new"))

    recorded.rename(home / "away")

    assert advice in run.err(ExitCode.NOTHING_FOUND, "handoff", str(home / "new"))


def test_while_the_old_folder_is_there_nothing_is_linked_or_found(recorded: Path, home: Path, run: Run) -> None:
    copy, clone = home / "copy", home / "clone"
    shutil.copytree(recorded, copy)
    git(home, "clone", "--quiet", str(recorded), str(clone))

    for other in (copy, clone):
        err = run.err(ExitCode.REFUSED, "link", str(recorded), str(other))
        assert "still exists, so its sessions stay with it" in err
        assert run("handoff", str(other))[0] == ExitCode.NOTHING_FOUND


def test_another_repository_at_the_old_path_gets_nothing_and_gives_nothing(
    recorded: Path, home: Path, run: Run
) -> None:
    new = recorded.rename(home / "store")
    run("handoff", str(new))
    recorded.mkdir()
    git(recorded, "init", "--quiet")
    other = ClaudeSession(home / ".claude" / "projects", recorded)
    other.prompt("Translate the axolotl guide to French")

    here, there = run("handoff", str(recorded))[1], run("handoff", str(new))[1]

    assert ("axolotl" in here, TASK in here) == (True, False)
    assert ("axolotl" in there, TASK in there) == (False, True)


UNLINKABLE = {
    "NEW NEW": (ExitCode.USAGE, "OLD and NEW are the same folder."),
    "OLD gone": (ExitCode.NOTHING_FOUND, "There is no folder "),
    "gone NEW": (ExitCode.NOTHING_FOUND, "Nothing is recorded for "),
    "--undo OLD": (ExitCode.NOTHING_FOUND, " is not linked to another folder."),
}


@pytest.mark.parametrize("line", UNLINKABLE)
def test_what_cannot_be_linked_says_why(recorded: Path, moved: Path, run: Run, line: str) -> None:
    names = {"OLD": str(recorded), "NEW": str(moved), "gone": str(moved.with_name("gone"))}
    code, said = UNLINKABLE[line]

    assert said in run.err(code, "link", *(names.get(word, word) for word in line.split()))


def test_a_daemon_that_takes_too_long_is_said_to_be_at_work(recorded: Path, moved: Path) -> None:
    everything = plan_forgetting(session=None, project=None, since_ms=None, until_ms=None, most=9)
    asks = (
        partial(link_projects, str(recorded), str(moved), answer_s=0.1),
        partial(forget_planned, everything, answer_s=0.1),
    )
    behaviours = cycle((answer(200, b"{}"), hang))  # it says that it is there, then is at work
    with SocketServer(state_dir().socket, lambda connection, stop: next(behaviours)(connection, stop)):
        for ask in asks:
            with pytest.raises(UserError, match=r"has not finished after 0\.1 s and is still at work") as late:
                ask()
            assert late.value.code == ExitCode.FAILED


def test_a_running_daemon_finds_links_and_publishes(shop: Path, home: Path, run: Run) -> None:
    new = home / "store"
    with DaemonProcess() as daemon:
        daemon.settle()
        assert TASK in handoff_of(shop)
        shop.rename(new)

        assert TASK in run("handoff", str(new))[1]
        daemon.settle()
        assert TASK in handoff_of(new)

        run.out("link", "--undo", str(shop))
        assert run("handoff", str(new))[0] == ExitCode.NOTHING_FOUND
        run.out("link", str(shop), str(new))
        assert TASK in run("handoff", str(new))[1]


OF_RENAMED = ("sessions {0}", "log {0}", "search discount --project {0}", "why {0}/cart.py", "show last")


@pytest.mark.parametrize(
    ("command", "by_daemon"), [*((command, False) for command in OF_RENAMED), (OF_RENAMED[0], True)]
)
def test_one_that_was_renamed_while_no_daemon_ran_is_found_by_each_command_but_not_while_paused(
    command: str, by_daemon: bool, recorded: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    renamed = recorded.rename(recorded.with_name("store"))
    monkeypatch.chdir(renamed)
    state_dir().paused.touch()
    assert run(*command.format(renamed).split())[0] == ExitCode.NOTHING_FOUND
    state_dir().paused.unlink()

    with DaemonProcess() if by_daemon else nullcontext():
        code, out, _ = run(*command.format(renamed).split())

    assert (code, bool(out)) == (ExitCode.OK, True)
