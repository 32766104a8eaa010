"""Finds the projects in which work may have stopped at a usage limit. Read-only and blocking.

Apart from what says whether it has (`carryover.publish.limits`), since `status` asks this each time, and that loads
what makes handoffs.
"""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec

from carryover.distill.digest import Ending
from carryover.distill.stored_digest import decode_digest
from carryover.facts import is_foreign
from carryover.ledger.codec import unpack_digest
from carryover.ledger.rows import PROJECT_ROWS, ProjectRow, records

_MOST: Final = 20
"""Maximum number of projects considered, newest activity first."""
_RECENT: Final = f"{PROJECT_ROWS} WHERE last_event_ms >= ? ORDER BY last_event_ms DESC, id DESC LIMIT ?"
_DIGESTS: Final = """SELECT fold_version, digest FROM session JOIN thread ON thread.session_id = session.id
    WHERE project_id = ? AND session.last_ms >= ?"""


class _Ended(msgspec.Struct):
    """Of a digest, how its newest turn was cut off: hundreds can be asked."""

    ending: Ending | None = None


def perhaps_limited(db: sqlite3.Connection, since_ms: int) -> list[ProjectRow]:
    """Returns the projects of this machine in which an agent may have stopped at its usage limit since `since_ms`, the
    newest activity first."""
    rows = [row for row in records(ProjectRow, db, _RECENT, (since_ms, _MOST)) if not is_foreign(row.root)]
    return [row for row in rows if _may_be_limited(db, row.id, since_ms)]


def _may_be_limited(db: sqlite3.Connection, project_id: int, since_ms: int) -> bool:
    since = (project_id, since_ms)
    found = (decode_digest(version, unpack_digest(digest), _Ended) for version, digest in db.execute(_DIGESTS, since))
    return any(one is None or (one.ending is not None and one.ending.reason == "limit") for one in found)
