"""What is opened of what is recorded: the ledger, brought up to date or not, or what is on disk."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from carryover.errors import ExitCode, UserError
from carryover.fsio import FileLock, private_dir
from carryover.ledger.queries import sessions
from carryover.past import opened as module
from carryover.past.context import state_dir, warn_once
from carryover.past.opened import Want, ask_patiently, may_be_running, opened, session_named
from carryover.past.search import search_page
from carryover.past.session import opened_session
from carryover.projects.moved_folders import identity_of
from support.claude_session import ClaudeSession
from support.scribe import execute
from support.shop_in_ledger import ReadIn
from support.socket_server import SocketServer, answer, hang


def ids(want: Want, root: Path, **more: str) -> tuple[list[str], str | None]:
    """The sessions in what is opened, and the project."""
    with opened(want, str(root), **more) as (ledger, project):  # type: ignore[arg-type]
        found = sorted(row.native_id for row in sessions(ledger, limit=9))
        return found, project.root if project is not None else None


@contextmanager
def locked() -> Iterator[None]:
    """As if a daemon ran."""
    lock = FileLock(state_dir().lock)
    assert lock.acquire()
    yield
    lock.release()


@pytest.fixture
def newer(session: ClaudeSession, shop: Path, read_in: ReadIn) -> ClaudeSession:
    """A session that is on disk alone; one before it is in the ledger too."""
    read_in(session.work())
    return ClaudeSession(session.folder, shop, now=session.now).work()


def test_new_records_are_read_only_if_they_are_wanted_and_nothing_is_paused(
    newer: ClaudeSession, session: ClaudeSession, shop: Path
) -> None:
    before, after = ([session.session], str(shop)), (sorted((session.session, newer.session)), str(shop))

    assert ids(Want.AS_IT_IS, shop) == ids(Want.FOLLOWED, shop) == ids(Want.LISTED, shop) == before
    state_dir().paused.touch()
    assert ids(Want.FRESH, shop) == before
    state_dir().paused.unlink()
    assert ids(Want.FRESH, shop) == after
    assert ids(Want.AS_IT_IS, shop) == after


def test_only_a_list_warns_that_no_daemon_keeps_it_fresh(
    newer: ClaudeSession, shop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    warn_once.cache_clear()
    ids(Want.FOLLOWED, shop)
    assert capsys.readouterr().err == ""
    with locked():
        ids(Want.LISTED, shop)
    assert capsys.readouterr().err == ""
    ids(Want.LISTED, shop)
    assert "carryoverd is not running" in capsys.readouterr().err


def test_without_a_ledger_what_is_on_disk_is_opened_unless_carryover_is_paused(
    session: ClaudeSession, shop: Path, tmp_path: Path
) -> None:
    session.work()

    assert ids(Want.AS_IT_IS, shop) == ([session.session], str(shop))
    assert ids(Want.LISTED, tmp_path) == ([], None)
    assert ids(Want.AS_IT_IS, shop, session=session.session[:6]) == ([session.session], str(shop))
    assert not state_dir().root.exists()
    state_dir().root.mkdir()
    state_dir().paused.touch()
    with pytest.raises(UserError, match="Carryover is paused"):
        ids(Want.AS_IT_IS, shop)


def test_without_a_ledger_what_is_on_disk_can_be_searched(session: ClaudeSession, shop: Path) -> None:
    session.prompt("Paint the okapi")

    for want in (Want.AS_IT_IS, Want.LISTED):
        with opened(want, str(shop)) as (ledger, _):
            assert len(search_page(ledger, "okapi", None, limit=9, now_ms=0).hits) == 1


def test_a_project_that_was_moved_is_found_at_its_new_folder_unless_carryover_is_paused(
    session: ClaudeSession, shop: Path, read_in: ReadIn, ledger_path: Path
) -> None:
    read_in(session.work())
    execute(ledger_path, f"UPDATE project SET identity = '{identity_of(shop)}'")
    moved = shop.rename(shop.with_name("store"))
    state_dir().paused.touch()
    assert ids(Want.FOLLOWED, moved)[1] is None
    state_dir().paused.unlink()

    assert ids(Want.FOLLOWED, moved) == ([session.session], str(moved))


def test_a_session_is_opened_by_its_id_or_as_the_last_one_here(
    newer: ClaudeSession, session: ClaudeSession, shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop)
    for name in (session.session[:8], "last"):
        with opened_session(name) as shown:
            assert shown.session.native_id == session_named(shown.ledger, name).native_id == session.session
    with pytest.raises(UserError, match="The session id is empty"), opened_session(""):
        pass
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="No session is recorded for") as raised, opened_session("last"):
        pass
    assert raised.value.code == ExitCode.NOTHING_FOUND


def test_an_empty_id_is_refused_before_all_transcripts_are_read(session: ClaudeSession) -> None:
    session.work()
    paused = state_dir().paused
    paused.parent.mkdir(parents=True, exist_ok=True)
    paused.touch()  # else nothing shows that they would be

    with pytest.raises(UserError, match="The session id is empty"), opened_session(""):
        pass


def test_a_daemon_may_be_running_while_its_lock_is_held(newer: ClaudeSession) -> None:
    assert not may_be_running()
    with locked():
        assert may_be_running()


def test_where_the_lock_cannot_be_read_a_daemon_may_be_running(newer: ClaudeSession) -> None:
    state_dir().lock.unlink(missing_ok=True)
    state_dir().lock.mkdir()

    assert may_be_running()


def test_a_daemon_that_does_not_answer_at_all_is_not_waited_for(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that a debugger or Ctrl-Z stopped: a pin waited for it for an hour."""
    private_dir(state_dir().root)
    monkeypatch.setattr(module, "ALIVE_S", 0.05)

    with (
        SocketServer(state_dir().socket, hang) as server,
        pytest.raises(UserError, match=r"does not answer. Run `carryover restart`"),
    ):
        ask_patiently("/import", timeout_s=30)

    assert [request.line for request in server.requests] == ["GET / HTTP/1.0"]


def test_a_daemon_that_cannot_read_its_ledger_says_so_itself(home: Path) -> None:
    """Whether it is there does not depend on what it can answer."""
    private_dir(state_dir().root)

    def behave(connection: socket.socket, stop: threading.Event) -> None:
        is_post = server.requests[-1].line.startswith("POST ")
        refused = answer(409, b'{"error": "Another program keeps it locked.", "code": 1}')
        (refused if is_post else answer(500, b'{"error": "OperationalError"}'))(connection, stop)

    server = SocketServer(state_dir().socket, behave)
    with server, pytest.raises(UserError, match=r"^Another program keeps it locked\.$"):
        ask_patiently("/import", timeout_s=30)


def test_a_ledger_of_which_a_full_disk_left_only_the_file_is_none(session: ClaudeSession, shop: Path) -> None:
    session.work()
    private_dir(state_dir().root)
    state_dir().ledger.touch()

    assert ids(Want.AS_IT_IS, shop) == ids(Want.FRESH, shop) == ([session.session], str(shop))
    assert state_dir().ledger.stat().st_size == 0
