"""Whether the ledger holds all that a catch-up would read now: by stats alone, without opening it for writing.

Imports none of what reading and writing take.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import msgspec

from carryover.agents import adapters
from carryover.config import settings_now
from carryover.errors import UserError
from carryover.ingest.catch_up import changed, vanished
from carryover.ingest.in_projects import known_projects, roots_in_projects
from carryover.ingest.scan import find_sources, roots_to_read
from carryover.ingest.spool import Spool, collect_pending
from carryover.ledger.connect import connect_read_only, erase_mark
from carryover.ledger.queries import last_reads, whereabouts
from carryover.ledger.rows import Whereabouts
from carryover.paths import StateDir
from carryover.publish.moved_folders import Identity, is_same_folder, may_have_moved


def nothing_new(state: StateDir, root: str) -> bool:
    """False where that is not certain: something changed, or just now; the project at `root` is new or was moved; the
    ledger has to be repaired or is of another version. Raises UserError where the settings can't be read."""
    config, agents = settings_now(state), adapters()
    folders = roots_to_read(agents.values(), config, Path.home(), os.environ)
    collect_pending(Spool(state), agents, [folder.agent_id for folder in folders])
    if erase_mark(state.ledger).exists():
        return False
    try:
        with closing(connect_read_only(state.ledger)) as db:
            places = whereabouts(db)
            known = {key: last for key, last in last_reads(db).items() if key[0] in agents}
    except (UserError, sqlite3.Error):
        return False
    if not _is_in_its_place(places, root):
        return False
    reading = [agent for agent in agents.values() if config.reads(agent.id)]
    here = roots_in_projects(reading, (Path(root), *known_projects(state.ledger)))
    seen = find_sources(agents, (*folders, *here))
    now_ms = int(time.time() * 1000)
    return not changed(seen, known, now_ms=now_ms, also_broken=True) and not vanished(known, seen)


def _is_in_its_place(places: list[Whereabouts], root: str) -> bool:
    """Whether the ledger knows the project at `root` in the folder that is there, and no other can have been moved."""
    own = next((row for row in places if row.root == root), None)
    if own is None or any(may_have_moved(row, root) for row in places):
        return False
    if own.identity is None:
        return not Path(root, ".git", "HEAD").is_file()  # else it may have an identity now, which is to be recorded
    try:
        return is_same_folder(msgspec.json.decode(own.identity, type=Identity), Path(root))
    except (OSError, msgspec.MsgspecError):
        return False
