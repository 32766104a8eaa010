"""Sub-agents of a conversation that goes on in several folders, told as in the one they work in (`session_elsewhere`).

Their transcript names the conversation and its own folder, not where the conversation began: only the ledger knows
whether both are the same project. Then they are the conversation's own, else they stay with its turns elsewhere. Inside
the transaction that is open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import aiosqlite
import msgspec

from carryover.facts import ProjectRoot
from carryover.ledger.prepared import Entry
from carryover.model import conversation_of, session_elsewhere

_HOME: Final = """SELECT root FROM session JOIN project ON project.id = project_id
    WHERE agent = ? AND native_id = ? AND project_final"""
_WAITING: Final = """SELECT id FROM session
    WHERE agent = (SELECT agent FROM session WHERE id = :to) AND native_id >= :first AND native_id < :end
    AND project_id = :project AND NOT EXISTS (SELECT 1 FROM thread WHERE session_id = session.id
        AND (sidechain = '' OR sidechain IN (SELECT sidechain FROM thread WHERE session_id = :to)))"""
_MOVE: Final = (
    """UPDATE session SET last_ms = max(last_ms, (SELECT last_ms FROM session WHERE id = :from)),
        started_ms = coalesce(min(nullif(started_ms, 0),
            (SELECT nullif(started_ms, 0) FROM session WHERE id = :from)), started_ms)
        WHERE id = :to""",
    "UPDATE thread SET session_id = :to WHERE session_id = :from",
    "UPDATE OR REPLACE provisional SET session_id = :to WHERE session_id = :from",
    "DELETE FROM session WHERE id = :from",
)


async def at_home(
    db: aiosqlite.Connection, agent: str, entries: Sequence[Entry], roots: Mapping[str, ProjectRoot]
) -> list[Entry]:
    """The entries, a sub-agent's as of its conversation where it works in that one's project."""
    homes: dict[str, str | None] = {}
    found = []
    for entry in entries:
        event = entry.event
        conversation = conversation_of(event.session)
        root = roots.get(event.cwd or "") if event.sidechain is not None and conversation != event.session else None
        if root is not None and conversation not in homes:
            rows = await db.execute_fetchall(_HOME, (agent, conversation))
            homes[conversation] = next((home for (home,) in rows), None)
        if root is not None and homes[conversation] == root.root:
            entry = msgspec.structs.replace(entry, event=msgspec.structs.replace(event, session=conversation))
        found.append(entry)
    return found


async def bring_home(db: aiosqlite.Connection, session_id: int, conversation: str, project_id: int) -> None:
    """Give the conversation, whose project is now known, the sub-agents in that project that were read before it."""
    first, end = session_elsewhere(conversation, ""), session_elsewhere(conversation, "\U0010ffff")
    theirs = {"to": session_id, "first": first, "end": end, "project": project_id}
    for (other,) in await db.execute_fetchall(_WAITING, theirs):
        for statement in _MOVE:
            await db.execute_fetchall(statement, {"from": other, "to": session_id})
