"""Looking into another program's database: it must not notice, and is opened only where something may have changed."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from carryover.adapter.contract import Batch, FileStat
from carryover.transcript import sqlite, stat_cache
from carryover.transcript.bounds import TooLarge, TooSlow
from carryover.transcript.stat_cache import StatCachedReader

BIG = b"x" * 5000


def files_in(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file with its size, time and content."""
    found = ((path.name, path.stat(), path.read_bytes()) for path in sorted(folder.iterdir()))
    return {name: (status.st_size, status.st_mtime_ns, data) for name, status, data in found}


OWNER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=0)
for line in sys.stdin:
    db.execute(line)
    print("done", flush=True)
db.close()
"""


class OtherProcess:
    """The owner as it is in life: within one process SQLite shares its index of a WAL between connections. It has no
    patience at all, so a commit of its that had to wait for us would end it."""

    def __init__(self, path: Path) -> None:
        command = [sys.executable, "-c", OWNER, str(path)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, statement: str) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{statement}\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "done\n"

    def quit(self) -> None:
        """Close the database as it should be: the last one to do so takes the WAL away."""
        self._process.communicate()

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


def owner_of(path: Path, *, mode: str = "WAL") -> sqlite3.Connection:
    path.parent.mkdir(exist_ok=True)
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0)
    db.execute(f"PRAGMA journal_mode = {mode}")
    db.execute("CREATE TABLE IF NOT EXISTS kv (key TEXT UNIQUE ON CONFLICT REPLACE, value BLOB)")
    for number in range(50):
        db.execute("INSERT INTO kv VALUES (?, ?)", (str(number), BIG))
    return db


def count(db: sqlite.Connection) -> int:
    return int(db.execute("SELECT count(*) FROM kv").fetchone()[0])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Below a name that a URI must quote."""
    return tmp_path / "User Data%20?#" / "state.vscdb"


@pytest.fixture
def owner(path: Path) -> Iterator[sqlite3.Connection]:
    db = owner_of(path)
    yield db
    db.close()


@pytest.fixture
def other(path: Path) -> Iterator[OtherProcess]:
    owner_of(path).close()
    process = OtherProcess(path)
    process.run("UPDATE kv SET value = zeroblob(5000)")
    yield process
    process.kill()


def test_nothing_is_touched_whatever_the_owner_is_doing(path: Path, other: OtherProcess) -> None:
    for statement, expected in (
        ("BEGIN IMMEDIATE", 50),
        ("INSERT INTO kv VALUES ('new', 'x')", 50),
        ("COMMIT", 51),
        ("PRAGMA wal_checkpoint(RESTART)", 51),
        ("INSERT INTO kv VALUES ('newer', 'x')", 52),
        ("PRAGMA wal_checkpoint(TRUNCATE)", 52),
    ):
        other.run(statement)
        before = files_in(path.parent)

        assert sqlite.read_database(path, count) == expected, statement
        assert files_in(path.parent) == before, statement


def test_a_writer_is_never_kept_waiting(path: Path, other: OtherProcess) -> None:
    stop = threading.Event()
    looks = []

    def look_again_and_again() -> None:
        while not stop.is_set():
            with suppress(BlockingIOError):  # it can't be read now: it is looked at again
                looks.append(sqlite.read_database(path, count))

    reader = threading.Thread(target=look_again_and_again)
    reader.start()
    try:
        for number in range(300):
            other.run(f"INSERT INTO kv VALUES ('new{number}', zeroblob(5000))")
    finally:
        stop.set()
        reader.join()

    assert looks == sorted(looks)
    assert sqlite.read_database(path, count) == 350


def test_what_the_owner_left_behind_is_read_and_left(path: Path, other: OtherProcess, tmp_path: Path) -> None:
    """Killed, killed and without the index of its WAL, and closed as it should be."""
    other.kill()
    killed = shutil.copytree(path.parent, tmp_path / "killed")
    without_index = shutil.copytree(path.parent, tmp_path / "without index")
    (without_index / f"{path.name}-shm").unlink()
    owner_of(path).close()
    assert len(list(path.parent.iterdir())) == 1

    for folder in (killed, without_index, path.parent):
        before = files_in(folder)
        assert sqlite.read_database(folder / path.name, count) == 50
        assert files_in(folder) == before


def moment_before(
    opening: Callable[..., Any], what: str, monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]
) -> None:
    """Have `act` happen once, just before `opening` is called for `what`."""
    acts = [act]

    def after_act(opened: object, *args: Any, **named: Any) -> Any:
        if acts and what == str(opened).partition("?")[0]:
            acts.pop()()
        return opening(opened, *args, **named)

    monkeypatch.setattr(sqlite3 if opening is sqlite3.connect else os, opening.__name__, after_act)


@pytest.mark.parametrize(("opening", "what"), [(os.open, "{}"), (sqlite3.connect, "file:{}")], ids=["file", "database"])
def test_an_owner_that_quits_just_before_we_open_finds_no_file_of_ours(
    path: Path, other: OtherProcess, monkeypatch: pytest.MonkeyPatch, opening: Callable[..., Any], what: str
) -> None:
    """SQLite would make an empty WAL again where it expects one."""
    moment_before(opening, what.format(path), monkeypatch, other.quit)

    assert sqlite.read_database(path, count) == 50
    beside = {file.name for file in path.parent.iterdir()}
    assert beside in ({path.name}, {path.name, f"{path.name}-wal", f"{path.name}-shm"})
    assert len(beside) == 1 or Path(f"{path}-wal").stat().st_size > 0


def test_without_a_wal_the_owner_is_not_locked_out(path: Path) -> None:
    owner = owner_of(path, mode="DELETE")
    with pytest.raises(sqlite.ChangedWhileReading), sqlite.read_transaction(path) as db:
        assert count(db) == 50
        owner.execute("INSERT INTO kv VALUES ('new', 'x')")

    assert sqlite.read_database(path, count) == 51
    owner.close()


def test_what_changed_meanwhile_is_read_again(path: Path) -> None:
    owner = owner_of(path, mode="DELETE")
    looks = []

    def look(db: sqlite.Connection) -> int:
        looks.append(count(db))
        if len(looks) < sqlite.TRIES:
            owner.execute("INSERT INTO kv VALUES (?, 'x')", (f"new{len(looks)}",))
        return looks[-1]

    assert sqlite.read_database(path, look) == 52
    assert looks == [50, 51, 52]
    owner.close()


def test_a_database_in_the_middle_of_a_change_is_left_alone(path: Path) -> None:
    owner = owner_of(path, mode="DELETE")
    owner.execute("PRAGMA cache_size = 1")
    owner.execute("BEGIN")
    owner.execute("UPDATE kv SET value = zeroblob(9000)")
    before = files_in(path.parent)

    with pytest.raises(OSError, match="in the middle of a change") as raised, sqlite.read_transaction(path):
        pass
    assert raised.value.errno == errno.EAGAIN
    assert files_in(path.parent) == before
    owner.execute("ROLLBACK")
    owner.close()


def test_a_missing_file_and_one_that_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sqlite.read_database(tmp_path / "missing", count)
    assert list(tmp_path.iterdir()) == []

    (tmp_path / "noise").write_bytes(b"noise " * 1000)
    with pytest.raises(OSError, match="SQLITE_NOTADB"):
        sqlite.read_database(tmp_path / "noise", count)
    with pytest.raises(OSError, match="not a regular file"):
        sqlite.read_database(tmp_path, count)


@pytest.mark.parametrize("suffix", ["-shm", "-journal", "-wal"])
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: Path(path).symlink_to("/dev/zero")])
def test_what_is_not_a_file_beside_a_database_is_never_opened(
    path: Path, other: OtherProcess, suffix: str, make: Callable[[str], None]
) -> None:
    """SQLite would wait in a FIFO for ever, and with it all threads that open a database."""
    other.kill()
    beside = f"{path}{suffix}"
    Path(beside).unlink(missing_ok=True)
    make(beside)

    with pytest.raises(OSError, match="not a regular file"):
        sqlite.read_database(path, count)
    assert sqlite.stat(path).size >= path.stat().st_size


def test_a_damaged_schema_is_trouble_also_where_the_message_about_it_is_no_text(tmp_path: Path) -> None:
    """SQLite quotes what it does not understand, and Python decodes the message before it is an error of SQLite."""
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE item (key, value)")
    damaged = path.read_bytes().replace(b"tableitem", b"table\xa5tem").replace(b"CREATE TABLE", b"CREATE TABEL")
    path.write_bytes(damaged)

    with pytest.raises(OSError, match="the database cannot be read now"):
        sqlite.read_database(path, sqlite.tables)
    assert sqlite.table_names(path) == frozenset()


def test_trouble_is_reported_without_content(path: Path, owner: sqlite3.Connection) -> None:
    with pytest.raises(OSError, match=r"^\[Errno 22\] the database cannot be read now \(SQLITE_ERROR\)") as raised:
        sqlite.read_database(path, lambda db: db.execute("SELECT secret FROM nowhere"))
    assert "secret" not in str(raised.value)
    with pytest.raises(OSError, match=r"cannot be read now \(SQLITE_CORRUPT\)"):  # as an index of one that is damaged
        sqlite.read_database(path, lambda db: sqlite.row(db, "SELECT value FROM kv WHERE key = ?", "gone"))


def test_a_stamp_tells_a_change_in_the_wal(path: Path, owner: sqlite3.Connection) -> None:
    before = sqlite.stat(path)
    assert sqlite.stat(path) == before

    owner.execute("INSERT INTO kv VALUES ('new', ?)", (BIG,))

    assert sqlite.stat(path) != before
    assert sqlite.stat(path).size == path.stat().st_size + Path(f"{path}-wal").stat().st_size


def test_a_value_that_is_too_large_is_not_held(path: Path, owner: sqlite3.Connection) -> None:
    owner.execute(
        "INSERT INTO kv VALUES ('blob', zeroblob(20000)), ('text', printf('%.*c', 20000, 'x')), ('none', NULL)"
    )
    query = "SELECT value FROM kv WHERE key = ?"
    with sqlite.read_transaction(path) as db:
        assert sqlite.value_at(db, query, "1", limit=10_000) == BIG
        for key in ("blob", "text"):
            with pytest.raises(TooLarge):
                sqlite.value_at(db, query, key, limit=10_000)
        assert sqlite.value_at(db, query, "none", limit=10_000) is None
        assert sqlite.value_at(db, query, "missing", limit=10_000) is None
        assert len(sqlite.value_at(db, query, "blob", limit=30_000) or b"") == 20_000


COMPUTED = {
    "view": "CREATE VIEW made AS SELECT key, value FROM kv",
    "recursive view": "CREATE VIEW made AS WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c)"
    " SELECT i AS key, i AS value FROM c",
    "generated column": "CREATE TABLE made (key TEXT, value TEXT AS (printf('%.*c', 1000, key)))",
    "stored column": "CREATE TABLE made (key TEXT, value TEXT AS (printf('%.*c', 1000, key)) STORED)",
    "virtual table": "CREATE VIRTUAL TABLE made USING fts5 (key, value)",
}


@pytest.mark.parametrize("made", COMPUTED.values(), ids=COMPUTED)
@pytest.mark.parametrize("query", ["SELECT value FROM made", "SELECT count(*) FROM made", "SELECT 1 FROM kv, made"])
def test_what_is_computed_is_not_read(path: Path, made: str, query: str) -> None:
    with closing(owner_of(path, mode="DELETE")) as db:
        db.execute(made)

    assert sqlite.read_database(path, count) == 50
    with pytest.raises(OSError, match="the database has no ordinary tables where its agent keeps them"):
        sqlite.read_database(path, lambda db: sqlite.rows(db, query))


@pytest.mark.night
def test_views_of_views_take_no_more_memory_than_is_read_at_once(path: Path) -> None:
    """SQLite puts each view in the place of its name before it can say what the query reads."""
    with closing(owner_of(path, mode="DELETE")) as db:
        db.execute(f"CREATE VIEW v0 AS SELECT '{'x' * 900_000}' AS key")
        for number in range(1, 11):
            db.execute(f"CREATE VIEW v{number} AS SELECT * FROM v{number - 1} UNION ALL SELECT * FROM v{number - 1}")

    with pytest.raises(OSError, match="takes more memory than is read at once"):
        sqlite.read_database(path, lambda db: sqlite.has_column(db, "v10", "key"))


def test_more_rows_than_are_held_are_too_large(path: Path) -> None:
    owner_of(path, mode="DELETE").close()
    with sqlite.read_transaction(path) as db:
        assert len(sqlite.rows(db, "SELECT key FROM kv")) == 50
        with pytest.raises(TooLarge):
            sqlite.rows(db, "SELECT kv.value FROM kv, kv AS b, kv AS c")


def test_a_query_without_an_end_is_ended(path: Path) -> None:
    owner_of(path, mode="DELETE").close()
    endless = "WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT sum(i) FROM c"
    with sqlite.read_transaction(path, look_s=0.05) as db, pytest.raises(TooSlow, match="takes longer to read"):
        sqlite.rows(db, endless)
    with (
        pytest.raises(OSError, match="takes longer to read"),
        sqlite.read_transaction(path, look_s=0.05) as db,
    ):
        db.execute(endless)


@pytest.mark.parametrize("index", [bytes(32768), os.urandom(32768)], ids=["zeros", "garbage"])
def test_a_wal_of_garbage_is_taken_for_empty_as_its_owner_will(path: Path, index: bytes) -> None:
    """SQLite would wait 10 s for the header that the index promises, and then say that there is none."""
    owner_of(path).close()
    Path(f"{path}-wal").write_bytes(b"\x37\x7f\x06\x82" + os.urandom(100_000))
    Path(f"{path}-shm").write_bytes(index)
    before = files_in(path.parent)

    assert sqlite.read_database(path, count) == 50
    assert files_in(path.parent) == before


def test_a_wal_that_goes_while_it_is_looked_at_does_not_take_the_database_with_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FileNotFoundError would say that the source is gone."""
    owner_of(path).close()
    wal = Path(f"{path}-wal")
    wal.write_bytes(b"x" * 100)
    moment_before(os.open, str(wal), monkeypatch, wal.unlink)

    assert sqlite.read_database(path, count) == 50


PATH = Path("/home/dev/state.vscdb")
START_MS = 1_772_442_000_000


class Counted:
    """A reader that gives `batch`, or raises `trouble`, and counts how often it was asked."""

    def __init__(self) -> None:
        self.seen = FileStat(5, (START_MS - 5_000) * 1_000_000 + 1)
        self.batch = Batch(records=(), cursor=b"1")
        self.trouble: OSError | None = None
        self.asked = 0

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        self.asked += 1
        if self.trouble is not None:
            raise self.trouble
        return self.batch

    def stat(self, path: Path) -> FileStat:
        return self.seen


class Sparing:
    """A reader with a cache at the time `now_ms`."""

    def __init__(self) -> None:
        self.inner = Counted()
        self.now_ms = START_MS
        self.reader = StatCachedReader(self.inner.read, self.inner.stat, lambda: self.now_ms)

    def asked(self, cursor: bytes | None = b"1") -> int:
        """How often the reader is asked for one read."""
        before = self.inner.asked
        self.reader.read(PATH, cursor)
        return self.inner.asked - before


@pytest.fixture
def spare() -> Sparing:
    return Sparing()


def test_what_has_not_changed_is_not_read_again(spare: Sparing) -> None:
    assert [spare.asked(None), spare.asked(), spare.asked()] == [1, 0, 0]
    spare.inner.batch = Batch(records=(), cursor=b"1", retry_after_s=60)
    spare.inner.seen = FileStat(6, spare.inner.seen.mtime_ns)
    assert [spare.asked(), spare.asked()] == [1, 0]
    spare.now_ms += 20_000
    assert spare.reader.read(PATH, b"1").retry_after_s == 40
    spare.inner.seen = FileStat(6, spare.inner.seen.mtime_ns + 1)
    assert [spare.asked(), spare.asked()] == [1, 0]


@pytest.mark.parametrize(
    ("mtime_ns", "tick_ms"),
    [(START_MS * 1_000_000 + 5, stat_cache.FINE_MS), (START_MS * 1_000_000, stat_cache.COARSE_MS)],
)
def test_what_may_have_changed_within_a_tick_is_read_again(spare: Sparing, mtime_ns: int, tick_ms: int) -> None:
    spare.inner.seen = FileStat(5, mtime_ns)
    spare.now_ms += tick_ms
    assert [spare.asked(None), spare.asked()] == [1, 1]
    spare.now_ms += 1
    assert [spare.asked(), spare.asked()] == [1, 0]


def test_what_could_not_be_read_is_tried_again_after_a_while(spare: Sparing) -> None:
    spare.inner.trouble = OSError(errno.EAGAIN, "busy")
    for wait_ms, asked in ((0, 1), (100, 1), (1_000, 2), (100, 2)):
        spare.now_ms += wait_ms
        with pytest.raises(OSError):
            spare.reader.read(PATH, b"1")
        assert spare.inner.asked == asked
    spare.inner.seen, spare.inner.trouble = FileStat(9, 9), None
    assert spare.asked() == 1
