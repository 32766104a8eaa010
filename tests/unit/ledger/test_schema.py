from __future__ import annotations

import re
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from carryover.errors import ExitCode, UserError
from carryover.ledger.connect import connect_read_only, prepare_file
from carryover.ledger.events import main_thread, session_events
from carryover.ledger.queries import session_by_prefix, totals, whereabouts
from carryover.ledger.schema import FORMER_NAMES, MIGRATIONS, migrate, version_of
from carryover.model import AssistantMessage, Retracted
from carryover.publish.project_view import project_view

OF_VERSION_2 = """
INSERT INTO project (id, root, last_event_ms, published_sha, published_ms, git)
    VALUES (1, '/repo', 2, 'abc', 9, '{"branch":"main"}');
INSERT INTO session (id, agent, native_id, project_id, project_final, last_ms) VALUES (1, 'made-up', 's1', 1, 1, 2);
INSERT INTO thread (id, session_id, sidechain, fold_version, digest) VALUES (1, 1, '', 0, x'');
INSERT INTO event (id, key, thread_id, at_ms, body) VALUES
    (1, x'01', 1, 1, '{"kind":"user_prompt","text":"add a parser"}'),
    (2, x'02', 1, 2, '{"kind":"assistant_message","text":"Done."}');
INSERT INTO note (event_id, thread_id, project_id, kind, weight, at_ms, text)
    VALUES (1, 1, 1, 'ruling', 2, 1, 'never push');
INSERT INTO source (agent, path, rev, cursor, size, mtime_ns) VALUES ('made-up', '/t/1', 4, x'31', 10, 5);
INSERT INTO provisional (session_id, sidechain, words, at_ms, body)
    VALUES (1, '', x'02', 3, '{"kind":"assistant_message","text":"Really done."}');
INSERT INTO counter (name, n) VALUES ('oversized', 3);
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def db(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        yield db


def fail(db: sqlite3.Connection) -> None:
    raise RuntimeError("half way")


MAKE_SHELF = ("CREATE TABLE shelf (book TEXT)", "INSERT INTO shelf VALUES ('atlas')")
ADD_AUTHOR = ("ALTER TABLE shelf ADD COLUMN author TEXT", "UPDATE shelf SET author = 'unknown'")
FAIL_HALF_WAY = ("DROP TABLE shelf", fail)


def books(db: sqlite3.Connection) -> list[tuple[str, ...]]:
    return db.execute("SELECT * FROM shelf").fetchall()


def test_a_new_file_gets_every_migration_and_no_backup(db: sqlite3.Connection, path: Path) -> None:
    migrate(db, path)

    assert version_of(db) == len(MIGRATIONS)
    assert [file.name for file in path.parent.iterdir()] == ["ledger.sqlite"]


def test_a_migration_is_made_whole_after_a_copy_or_not_at_all(db: sqlite3.Connection, path: Path) -> None:
    migrate(db, path, (MAKE_SHELF,))

    with pytest.raises(RuntimeError):
        migrate(db, path, (MAKE_SHELF, FAIL_HALF_WAY))
    assert (version_of(db), books(db)) == (1, [("atlas",)])

    migrate(db, path, (MAKE_SHELF, ADD_AUTHOR))
    assert (version_of(db), books(db)) == (2, [("atlas", "unknown")])
    backup = path.with_name("ledger.before-2.sqlite")
    assert oct(backup.stat().st_mode & 0o777) == "0o600"
    with closing(sqlite3.connect(backup)) as old:
        assert (version_of(old), books(old)) == (1, [("atlas",)])


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (f"PRAGMA user_version = {len(MIGRATIONS) + 1}", r"newer Carryover \(ledger version \d+; this one knows \d+\)"),
        ("CREATE TABLE moz_places (id INTEGER)", "not one of Carryover's"),
    ],
)
def test_what_is_no_ledger_of_this_program_is_refused_and_left_alone(
    db: sqlite3.Connection, path: Path, made: str, message: str
) -> None:
    db.execute(made)
    before = path.read_bytes()

    with pytest.raises(UserError, match=message) as reported:
        migrate(db, path)

    assert (reported.value.code, path.read_bytes()) == (ExitCode.REFUSED, before)


def test_a_ledger_from_before_ranks_keeps_everything_and_all_of_it_counts(db: sqlite3.Connection, path: Path) -> None:
    migrate(db, path, MIGRATIONS[:2])
    db.executescript(OF_VERSION_2)
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    tables.remove("note")  # there are none any more
    columns = {name: [column for _, column, *_ in db.execute(f"PRAGMA table_info({name})")] for name in tables}
    held = {name: f"SELECT {', '.join(columns[name])} FROM {name} ORDER BY 1" for name in tables}
    before = {name: db.execute(statement).fetchall() for name, statement in held.items()}
    db.close()

    prepare_file(path)

    with closing(connect_read_only(path)) as now:
        after = {name: now.execute(_now_called(name, held[name])).fetchall() for name in held}
        assert after == before
        assert now.execute("SELECT name FROM sqlite_master WHERE name LIKE 'note%'").fetchall() == []
        assert now.execute("SELECT rank FROM session").fetchall() == [(0,)]
        assert now.execute("SELECT DISTINCT retracted FROM event").fetchall() == [(0,)]
        assert totals(now).events == 2
        (session,) = project_view(now, 1).sessions
        assert session.digest.prompts == 1
    with closing(sqlite3.connect(path.with_name("ledger.before-3.sqlite"))) as old:
        assert version_of(old) == 2
        assert {name: old.execute(statement).fetchall() for name, statement in held.items()} == before


def test_a_ledger_with_former_names_keeps_everything_under_the_new_ones(version_4: Path) -> None:
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
        former = [name for (name,) in now.execute("SELECT name FROM sqlite_master WHERE type = 'index'")]
        assert not {"event_twin", "event_undone"} & set(former)


def test_a_ledger_from_before_compression_is_read_as_it_is_stored(path: Path, db: sqlite3.Connection) -> None:
    deflated = zlib.compress(b'{"kind":"assistant_message","text":"Deflated."}')
    digest = b'{"prompts":1}'
    migrate(db, path, MIGRATIONS[:8])
    db.execute("INSERT INTO session (id, agent, native_id) VALUES (1, 'made-up', 's1')")
    columns = "id, session_id, subagent_id, fold_version, digest"
    db.execute(f"INSERT INTO thread ({columns}) VALUES (1, 1, '', 9, ?)", (digest,))
    db.execute("INSERT INTO event (id, key, thread_id, at_ms, body) VALUES (1, x'01', 1, 1, ?)", (deflated,))

    prepare_file(path)

    with closing(connect_read_only(path)) as now:
        [event] = session_events(now, session_by_prefix(now, "s1"))
        thread = main_thread(now, 1)
        assert event.body == AssistantMessage(text="Deflated.")
        assert thread is not None and thread.digest == digest
        assert now.execute("SELECT body FROM event").fetchall() == [(deflated,)], "it is not rewritten"


def _now_called(table: str, statement: str) -> str:
    """The statement on `table` with the present names of its columns."""
    for (of_table, name), former in FORMER_NAMES.items():
        if of_table == table:
            statement = re.sub(rf"\b{former}\b", name, statement)
    return statement
