"""A real daemon process, called as Claude Code's hooks call it; no call keeps its agent waiting."""

import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from carryover.actions.pinning import keep
from carryover.daemon.hooks.dispatch import SAVE_S, START_S
from carryover.ledger.connect import connect_read_only
from carryover.ledger.queries import totals
from support.claude_session import ClaudeSession
from support.daemon_process import DaemonProcess, handoff_of, wait_until
from support.hook_client import Heard, HookClient, payload_of, start_after
from support.repository import git, repository

NOTHING = Heard(204)


@pytest.fixture
def session(session: ClaudeSession) -> ClaudeSession:
    """A session of a while ago: hooks tell things when they happen, and its lines must not be later than that."""
    session.now -= timedelta(minutes=5)
    return session


@pytest.fixture
def decoy(transcripts: Path, home: Path) -> ClaudeSession:
    root = repository(home / "work" / "decoy")
    session = ClaudeSession(transcripts, root)
    return session.work("Paint the decoy purple", "I painted it. Next I will varnish the decoy.")


@pytest.fixture
def shared_hooks(shared: DaemonProcess) -> HookClient:
    return HookClient(shared.state.socket)


DONE = "I wrote discount(). Shall I add tests for negative amounts?"


def test_a_new_session_gets_the_handoff_of_its_project_and_asks(
    hooks: HookClient, session: ClaudeSession, decoy: ClaudeSession
) -> None:
    reported = hooks.told(session.work(answer=DONE))

    assert reported.startswith("# [CARRYOVER] Last updated ")
    assert "# RESUME PROTOCOL: ask\nYour first response in this session MUST be:" in reported
    assert "Add a discount function to the cart" in reported
    assert "negative amounts" in reported
    assert "decoy" not in reported


def test_a_projects_first_session_is_given_nothing_and_nothing_is_written_before_it_works(
    hooks: HookClient, session: ClaudeSession, project: Path
) -> None:
    assert hooks.start(session) == NOTHING

    assert not (project / ".carryover").exists()
    session.work()
    wait_until("its file", lambda: "Add a discount function" in handoff_of(project))
    assert ".carryover/" in (project / ".git" / "info" / "exclude").read_text().splitlines()
    assert git(project, "status", "--porcelain") == "", "nobody has agreed to more"


def test_a_projects_first_session_gets_what_was_pinned_there_before(
    hooks: HookClient, session: ClaudeSession, project: Path, running: DaemonProcess
) -> None:
    keep(str(project), "never floats", is_done=False)
    running.settle()
    assert not (project / ".carryover").exists(), "no agent has worked there"

    assert "- Pinned by the user: never floats" in hooks.told(session)
    wait_until("its file", lambda: "- Pinned by the user: never floats" in handoff_of(project))


def test_one_projects_call_neither_gets_nor_changes_another(
    hooks: HookClient, session: ClaudeSession, decoy: ClaudeSession, running: DaemonProcess
) -> None:
    """Even where its transcript is named with the other's folder: it belongs where the ledger knows it to be."""
    session.work(answer=DONE)
    running.settle()
    before = files_below(decoy.cwd)

    elsewhere = {"cwd": str(decoy.cwd)}
    reported = hooks.call("SessionStart", payload_of(session, "SessionStart", source="compact") | elsewhere)
    stop = payload_of(session, "Stop", last_assistant_message="Next I will ship the cart.")
    hooks.call("Stop", stop | elsewhere)
    session.answer("Next I will send the cart.")
    wait_until("the last words", lambda: "send the cart" in handoff_of(session.cwd))

    assert "decoy" not in reported.text
    assert "discount" in reported.text
    assert files_below(decoy.cwd) == before
    assert "decoy" not in handoff_of(session.cwd)
    assert "ship the cart" not in handoff_of(session.cwd)


def test_what_cannot_be_is_not_found_and_garbage_is_answered_with_nothing(
    shared_hooks: HookClient, shared_session: ClaudeSession, shared: DaemonProcess
) -> None:
    def counted() -> int:  # what an earlier test sent may be counted late
        return sum(number for (kind, _), number in skipped(shared).items() if kind == "hook/sessionstart")

    for agent, event in (("nobody", "Stop"), ("claude-code", "St%2Fop"), ("claude-code", "a" * 41)):
        assert shared_hooks.call(event, payload_of(shared_session, "Stop"), agent=agent).status == 404
    for body in (b"", b"{", b"[]", b"null", b'{"session_id": 7}', b"\xff\xfe", b"[" * 100_000):
        before = counted()
        assert shared_hooks.call("SessionStart", body) == NOTHING
        wait_until("it to be counted", partial(lambda before: counted() == before + 1, before))


def files_below(folder: Path) -> dict[str, tuple[bytes, int, int]]:
    return {
        str(path): (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_ino)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".git" not in path.parts
    }


def skipped(daemon: DaemonProcess) -> Counter[tuple[str, str]]:
    with closing(connect_read_only(daemon.state.ledger)) as db:
        return Counter({(row.record_type, row.reason): row.n for row in totals(db).skipped})


SLACK_S = 3.0
"""For the way there and back on a busy machine. What these calls must not wait for takes longer: a lock, a history."""


@pytest.fixture
def known(running: DaemonProcess, session: ClaudeSession) -> ClaudeSession:
    session.now -= timedelta(hours=1)
    session.work()
    running.settle()
    return session


@contextmanager
def locked(daemon: DaemonProcess) -> Iterator[None]:
    """Another program writes to the ledger and does not come to an end: nothing can be stored meanwhile."""
    with closing(sqlite3.connect(daemon.state.ledger, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_while_nothing_can_be_stored_a_session_is_given_what_is_known_and_no_event_waits(
    known: ClaudeSession, running: DaemonProcess, hooks: HookClient
) -> None:
    with locked(running):
        known.answer("It rounds to cents now. Next I will ask about the currency.")
        reported, start_s = timed(hooks, "SessionStart", start_after(known))
        for event, more in (
            ("PreCompact", {"trigger": "auto"}),
            ("SessionEnd", {"reason": "other"}),
            ("Stop", {"last_assistant_message": "Next I will ask about the currency."}),
            ("PostToolUse", {}),
        ):
            heard, took_s = timed(hooks, event, payload_of(known, event, **more))
            assert (event, heard) == (event, NOTHING)
            assert took_s < SAVE_S + SLACK_S, event

    assert (reported.status, "negative amounts" in reported.text, "currency" in reported.text) == (200, True, False)
    assert start_s < START_S + SLACK_S
    wait_until("the rest", lambda: "currency" in hooks.start(known).text)


@pytest.mark.night
def test_while_a_long_history_is_read_sessions_start_in_time(
    known: ClaudeSession, running: DaemonProcess, hooks: HookClient, home: Path
) -> None:
    """In the same folder as well: what is not read in time is told to the next session.

    Some may be late on a machine that is busy with other things, or find a disk that does not answer in time; the
    hook's script then has an answer of its own.
    """
    folders = [known.cwd, *(home / "work" / f"old{n}" for n in range(2))]
    line = ClaudeSession(known.folder, known.cwd, now=known.now).prompt_line("x" * 1500)
    for folder in folders:
        folder.mkdir(exist_ok=True)
        old = ClaudeSession(known.folder, folder, now=known.now - timedelta(days=1))
        old.append(b"".join(old.prompt_line("x" * 1500) for _ in range(4 * 1024 * 1024 // len(line))))

    heard = [timed(hooks, "SessionStart", start_after(known)) for _ in range(10)]

    in_time = [reported for reported, _ in heard if reported.status == 200]
    assert in_time != []
    assert all("negative amounts" in reported.text for reported in in_time)
    assert max(took_s for _, took_s in heard) < START_S + SLACK_S
    assert running.health()["hook_calls"]["late"] == len(heard) - len(in_time)


def timed(hooks: HookClient, event: str, payload: dict[str, object]) -> tuple[Heard, float]:
    began = time.monotonic()
    heard = hooks.call(event, payload)
    return heard, time.monotonic() - began
