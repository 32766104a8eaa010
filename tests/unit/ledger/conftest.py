"""A ledger of an earlier version."""

from __future__ import annotations

import sqlite3
import zlib
from contextlib import closing
from pathlib import Path

import pytest

from carryover.ledger.schema import MIGRATIONS, migrate

OF_VERSION_4 = """
INSERT INTO project (id, root, last_event_ms, apart) VALUES (1, '/repo', 3, 0), (2, '/old', 0, 1);
INSERT INTO session (id, agent, native_id, project_id, project_final, last_ms, placed_id)
    VALUES (1, 'made-up', 's1', 1, 1, 3, 2);
INSERT INTO thread (id, session_id, sidechain, fold_version, digest) VALUES (1, 1, '', 0, x''), (2, 1, 'a1', 0, x'');
INSERT INTO event (id, key, twin, thread_id, at_ms, body, undone) VALUES
    (1, x'01', x'74', 1, 1, '{"kind":"user_prompt","text":"add a parser"}', 0),
    (2, x'02', NULL, 1, 2, '{"kind":"user_prompt","text":"in C"}', 1),
    (3, x'03', NULL, 2, 3, '{"kind":"assistant_message","text":"Found it."}', 0),
    (4, x'04', NULL, 1, 3, '{"kind":"undone","keys":["k2"]}', 0);
INSERT INTO provisional (session_id, sidechain, words, at_ms, body)
    VALUES (1, '', x'66', 4, '{"kind":"assistant_message","text":"Done."}');
"""


@pytest.fixture
def version_4(tmp_path: Path) -> Path:
    """A ledger with the names of columns that were in use up to version 4."""
    path = tmp_path / "version-4.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        migrate(db, path, MIGRATIONS[:4])
        db.executescript(OF_VERSION_4)
        deflated = zlib.compress(b'{"kind":"undone","keys":["k9"]}')
        db.execute("INSERT INTO event (id, key, thread_id, at_ms, body) VALUES (5, x'05', 1, 3, ?)", (deflated,))
    return path
