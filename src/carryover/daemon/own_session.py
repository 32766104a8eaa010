"""Which session of the ledger a hook speaks of: an agent's conversation may go on in another folder. Blocks.

Its turns there are a session of their own (Codex), which belongs to that folder's project. A hook
names the conversation and the folder, so one project is never told, nor told of, what was said in another.
"""

from __future__ import annotations

import sqlite3
from typing import Final

import msgspec

from carryover.ledger.queries import project_by_root, project_of_session, sessions
from carryover.model import conversation_of

_NEWEST: Final = 20


class OwnSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session as the ledger has it."""

    id: str
    project_id: int | None
    """None: unknown to the ledger, as is its project."""
    here_id: int | None
    """The project of the folder that the hook was called in, which the session may have gone to (`cd`)."""


def own_session(db: sqlite3.Connection, agent_id: str, conversation: str, root: str | None) -> OwnSession:
    """The session that the conversation's turns in the project at `root` belong to."""
    here = project_by_root(db, root) if root is not None else None
    names = (row.native_id for row in sessions(db, here.id, limit=_NEWEST) if row.agent == agent_id) if here else ()
    own = next((name for name in names if conversation_of(name) == conversation), conversation)
    return OwnSession(
        id=own, project_id=project_of_session(db, agent_id, own), here_id=here.id if here is not None else None
    )
