"""Reads the digests of sessions from the ledger: the gist for a list, all for a handoff. Blocking."""

from __future__ import annotations

import sqlite3
from functools import lru_cache
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from carryover.distill.digest import Digest, Gist
from carryover.distill.stored_digest import decode_digest, fold_events
from carryover.ledger.codec import unpack_digest
from carryover.ledger.events import counting_events, main_thread
from carryover.ledger.rows import SessionRow, ThreadRow
from carryover.publish.templates import OwnWords

_Kind = TypeVar("_Kind", bound=Gist)


def session_gist(db: sqlite3.Connection, session: SessionRow) -> Gist:
    """Returns the gist of a session's main conversation; an empty one if only sub-agents are known."""
    thread = main_thread(db, session.id)
    if thread is None:
        return Gist()
    gist = digest_of(db, session, thread, Gist)
    return replace(gist, turns=OwnWords(db, session.root or "").of(thread.id, gist.turns))


def digest_of(db: sqlite3.Connection, session: SessionRow, thread: ThreadRow, kind: type[_Kind]) -> _Kind | Digest:
    """Returns a thread's digest, or only its gist; folded again if another version of the fold stored it."""
    if session.machine and session.recorded_root is not None and session.root is not None:
        # Files of another machine's project are files of the one that it is joined to.
        there, joined = _as_encoded(session.recorded_root), _as_encoded(session.root)
        stored = decode_digest(thread.fold_version, unpack_digest(thread.packed).replace(there, joined), kind)
    else:
        stored = _unpacked(thread.fold_version, thread.packed, kind)
    if stored is not None:
        return stored
    return fold_events(Digest(), counting_events(db, thread, session.native_id))


@lru_cache(maxsize=64)  # all but one are the same in the next handoff
def _unpacked(fold_version: int, packed: bytes, kind: type[_Kind]) -> _Kind | None:
    return decode_digest(fold_version, unpack_digest(packed), kind)


def _as_encoded(root: str) -> bytes:
    """Returns the beginning of a path below `root` as JSON has it."""
    return msgspec.json.encode(f"{root}/")[1:-1]
