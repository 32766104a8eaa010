from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from carryover.errors import ExitCode, UserError
from carryover.ledger.connect import prepare_file
from carryover.ledger.project_content import main_thread
from carryover.ledger.queries import connect_read_only, session_by_prefix, session_events, whereabouts
from carryover.ledger.schema import RELEASED, VERSION, migrate, version_of
from carryover.model import AssistantMessage, Retracted
from carryover.publish.project_view import project_view
from support.earlier_ledger import make_0_1_0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def db(path: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(path, isolation_level=None)
    yield connection
    connection.close()


def shape(db: sqlite3.Connection) -> dict[str, set[tuple[object, ...]]]:
    """The columns of each table and view, in any order, and the names of the indexes."""
    made = db.execute("SELECT type, name FROM sqlite_master").fetchall()
    columns = {
        name: {tuple(column) for _, *column in db.execute(f"PRAGMA table_info({name})")}
        for kind, name in made
        if kind != "index"
    }
    return {**columns, "indexes": {(name,) for kind, name in made if kind == "index"}}


def test_a_new_file_gets_the_tables_and_no_backup(db: sqlite3.Connection, path: Path) -> None:
    migrate(db, path)

    assert version_of(db) == VERSION
    assert [file.name for file in path.parent.iterdir()] == ["ledger.sqlite"]


def test_the_ledger_of_a_release_is_backed_up_and_becomes_what_a_new_one_is(
    db: sqlite3.Connection, path: Path, version_4: Path
) -> None:
    migrate(db, path)
    with closing(sqlite3.connect(version_4, isolation_level=None)) as former:
        before = shape(former)
        migrate(former, version_4)
        assert (version_of(former), shape(former)) == (VERSION, shape(db))

    backup = version_4.with_name("version-4.before-5.sqlite")
    assert oct(backup.stat().st_mode & 0o777) == "0o600"
    with closing(sqlite3.connect(backup)) as old:
        assert (version_of(old), shape(old)) == (4, before)


def test_a_migration_that_fails_changes_nothing_and_may_be_tried_again(
    db: sqlite3.Connection, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_0_1_0(db)
    before = shape(db)
    with monkeypatch.context() as failing:
        failing.setitem(RELEASED, 4, (*RELEASED[4], "not SQL"))
        with pytest.raises(sqlite3.OperationalError):
            migrate(db, path)
    assert (version_of(db), shape(db)) == (4, before)

    migrate(db, path)
    assert version_of(db) == VERSION


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (VERSION + 1, rf"newer Carryover \(ledger version {VERSION + 1}; this one knows {VERSION}\)"),
        (9, r"between two releases \(ledger version 9\)"),
        (0, "not one of Carryover's"),
    ],
)
def test_any_other_database_is_refused_and_left_alone(
    db: sqlite3.Connection, path: Path, version: int, message: str
) -> None:
    db.execute("CREATE TABLE moz_places (id INTEGER)")
    db.execute(f"PRAGMA user_version = {version}")
    before = path.read_bytes()

    with pytest.raises(UserError, match=message) as reported:
        migrate(db, path)

    assert reported.value.code is ExitCode.REFUSED
    assert path.read_bytes() == before


def test_the_ledger_of_a_release_keeps_everything_under_present_names(version_4: Path) -> None:
    prepare_file(version_4)

    with closing(connect_read_only(version_4)) as now:
        view = project_view(now, 1)
        [session] = view.sessions
        assert (session.digest.prompts, len(session.subagents), view.former_roots) == (1, 1, ("/old",))
        events = list(session_events(now, session_by_prefix(now, "s1")))
        assert [(event.subagent_id, event.retracted, event.provisional) for event in events] == [
            (None, False, False),
            (None, True, False),
            (None, False, False),
            (None, False, False),
            ("a1", False, False),
            (None, False, True),
        ]
        assert [event.body for event in events[2:4]] == [Retracted(keys=("k2",)), Retracted(keys=("k9",))]
        assert now.execute("SELECT id FROM event WHERE secondary_key = x'74'").fetchall() == [(1,)]
        assert [(row.root, row.not_moved) for row in whereabouts(now)] == [("/repo", False), ("/old", True)]


def test_what_was_stored_before_compression_is_read_as_it_is(path: Path, db: sqlite3.Connection) -> None:
    deflated = zlib.compress(b'{"kind":"assistant_message","text":"Deflated."}')
    digest = b'{"prompts":1}'
    make_0_1_0(db)
    db.execute("INSERT INTO session (id, agent, native_id) VALUES (1, 'made-up', 's1')")
    db.execute(
        "INSERT INTO thread (id, session_id, sidechain, fold_version, digest) VALUES (1, 1, '', 9, ?)", (digest,)
    )
    db.execute("INSERT INTO event (id, key, thread_id, at_ms, body) VALUES (1, x'01', 1, 1, ?)", (deflated,))

    prepare_file(path)

    with closing(connect_read_only(path)) as now:
        assert [event.body for event in session_events(now, session_by_prefix(now, "s1"))] == [
            AssistantMessage(text="Deflated.")
        ]
        thread = main_thread(now, 1)
        assert thread is not None
        assert thread.digest == digest
        assert now.execute("SELECT body FROM event").fetchall() == [(deflated,)], "it is not rewritten"
