"""Stores that would take gigabytes or minutes: each costs a bounded look, is reported and keeps nothing waiting."""

import json
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from agents.goose.stores import Client as Goose
from agents.hermes.stores import Client as Hermes
from agents.mistral_vibe.stores import Store as Vibe
from agents.opencode.stores import START_MS
from agents.opencode.stores import Client as Opencode
from agents.roo_code.played import STORAGE
from carryover.ledger.connect import connect_read_only
from carryover.ledger.queries import totals
from support.claude_session import ClaudeSession
from support.daemon_process import STARTED, DaemonProcess, handoff_of
from support.platforms import settings_folder

pytestmark = [
    pytest.mark.night,
    pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory in /proc"),
]

COMPUTED = "ALTER TABLE {} ADD COLUMN {} TEXT AS (printf('%.*c', 4000000, 'x'))"
ENDLESS = (
    "CREATE VIEW messages AS WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c) SELECT i AS id,"
    " 'm' || i AS message_id, '1' AS session_id, 'user' AS role, printf('%.*c', 1000, 'x') AS content_json,"
    " i AS created_timestamp, '{}' AS metadata_json FROM c"
)
ROWS = 300_000


def computed_in_goose(home: Path) -> None:
    with Goose(home / ".local/share/goose/sessions/sessions.db") as client:
        for number in range(1500):
            client.db.execute("INSERT INTO sessions (id, working_dir) VALUES (?, '/home/dev/shop')", (number,))
        client.db.execute("ALTER TABLE sessions RENAME COLUMN name TO stored")
        client.db.execute(COMPUTED.format("sessions", "name"))
        client.db.commit()


def computed_in_hermes(home: Path) -> None:
    with Hermes(home / ".hermes/state.db") as client:
        client.db.executemany(
            "INSERT INTO sessions (id, source, started_at) VALUES (?, 'cli', 1)", ((n,) for n in range(1500))
        )
        client.db.execute("ALTER TABLE sessions RENAME COLUMN title TO stored")
        client.db.execute(COMPUTED.format("sessions", "title"))
        client.db.commit()


def computed_in_opencode(home: Path) -> None:
    with Opencode(home / ".local/share/opencode/opencode.db", wal=False) as client:
        for _ in range(1500):
            client.session(START_MS, "/home/dev/shop")
        client.db.execute("ALTER TABLE session RENAME COLUMN title TO stored")
        client.db.execute(COMPUTED.format("session", "title"))
        client.db.commit()


def view_in_goose(home: Path) -> None:
    with Goose(home / ".local/share/goose/sessions/sessions.db") as client:
        client.session("1", "/home/dev/shop")
        client.db.execute("DROP TABLE messages")
        client.db.execute(ENDLESS)
        client.db.commit()


def rows_in_goose(home: Path) -> None:
    with Goose(home / ".local/share/goose/sessions/sessions.db") as client:
        client.session("1", "/home/dev/shop")
        client.db.executemany(
            "INSERT INTO messages (message_id, session_id, role, content_json, created_timestamp)"
            " VALUES (?, '1', 'user', '[]', ?)",
            ((f"m{number}", number) for number in range(ROWS)),
        )
        client.db.commit()


def rows_in_opencode(home: Path) -> None:
    with Opencode(home / ".local/share/opencode/opencode.db", wal=False) as client:
        session = client.session(START_MS, "/home/dev/shop")
        message = client.answer(session, START_MS)
        client.db.executemany(
            "INSERT INTO part (id, message_id, session_id, time_created, time_updated, data)"
            " VALUES (?, ?, ?, 1, 1, '{}')",
            ((f"prt_{number:09}", message, session) for number in range(ROWS)),
        )
        client.db.commit()


def rows_in_hermes(home: Path) -> None:
    with Hermes(home / ".hermes/state.db") as client:
        client.session("one", 1.0, "/home/dev/shop")
        client.db.executemany(
            "INSERT INTO messages (session_id, role, content, timestamp) VALUES ('one', 'user', 'a', ?)",
            ((1_795_000_000 + number / 100,) for number in range(ROWS)),
        )
        client.db.commit()


def entries_in_roo(home: Path) -> None:
    task = settings_folder(home) / STORAGE / "tasks" / "01a1f792-0000-7000-8000-000000000000"
    task.mkdir(parents=True)
    (task / "ui_messages.json").write_text(json.dumps([{"ts": 1, "a": 1}] * 1_000_000))


def line_in_vibe(home: Path, session: ClaudeSession) -> None:
    vibe = Vibe(home / ".vibe/logs/session", "11111111-1111-4111-8111-111111111111", "/home/dev/shop", session.now)
    vibe.prompt("x" * 100_000_000)


def line_within_bounds_in_vibe(home: Path, session: ClaudeSession) -> None:
    vibe = Vibe(home / ".vibe/logs/session", "11111111-1111-4111-8111-111111111111", "/home/dev/shop", session.now)
    vibe.prompt("x" * 60_000_000)


BUILT: list[Callable[[Path], None]] = [
    computed_in_goose,
    computed_in_hermes,
    computed_in_opencode,
    view_in_goose,
    rows_in_goose,
    rows_in_opencode,
    rows_in_hermes,
    entries_in_roo,
]


@pytest.fixture
def daemon(home: Path) -> DaemonProcess:
    """Started by its command: a forked one begins with all that its parent has loaded."""
    return DaemonProcess(STARTED)


@pytest.mark.parametrize("build", BUILT, ids=lambda build: build.__name__)
def test_a_hostile_store_costs_a_bounded_look_and_is_reported(
    build: Callable[[Path], None], daemon: DaemonProcess, home: Path, session: ClaudeSession, project: Path
) -> None:
    build(home)
    expect_bounded(daemon, session, project)


@pytest.mark.parametrize("build", [line_in_vibe, line_within_bounds_in_vibe], ids=lambda build: build.__name__)
def test_a_hostile_line_costs_a_bounded_look_and_is_reported(
    build: Callable[[Path, ClaudeSession], None],
    daemon: DaemonProcess,
    home: Path,
    session: ClaudeSession,
    project: Path,
) -> None:
    build(home, session)
    expect_bounded(daemon, session, project)


def expect_bounded(daemon: DaemonProcess, session: ClaudeSession, project: Path) -> None:
    session.prompt("Add a discount function to the cart")
    with daemon:
        daemon.settle()
        assert "discount" in handoff_of(project)
        peak = next(line for line in Path(f"/proc/{daemon.pid}/status").read_text().splitlines() if "VmHWM" in line)
        assert int(peak.split()[1]) < 250_000
    with closing(connect_read_only(daemon.state.ledger)) as db:
        found = totals(db)
    assert len(found.broken) + found.oversized == 1


def test_a_wal_of_garbage_keeps_no_one_waiting(
    daemon: DaemonProcess, home: Path, session: ClaudeSession, project: Path
) -> None:
    path = home / ".local/share/opencode/opencode.db"
    with Opencode(path) as client:
        client.prompt(client.session(START_MS, "/home/dev/shop"), START_MS, "Fix the parser")
    Path(f"{path}-wal").write_bytes(b"garbage " * 1_000_000)
    Path(f"{path}-shm").write_bytes(bytes(32768))
    session.prompt("Add a discount function to the cart")
    with daemon:
        daemon.settle()
        assert "discount" in handoff_of(project)
    with closing(connect_read_only(daemon.state.ledger)) as db:
        assert totals(db).broken == ()
