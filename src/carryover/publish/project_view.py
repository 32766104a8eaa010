"""Builds the distiller's view of a project from the ledger. Blocking."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from carryover.distill.digest import Digest
from carryover.distill.trail import is_unfinished
from carryover.distill.view import Opinion, ProjectView, SessionView, Worktree
from carryover.fsio import is_there
from carryover.ledger.events import (
    main_thread,
    pins,
    sub_agent_threads,
    text_of_note,
)
from carryover.ledger.queries import (
    project_by_id,
    project_by_root,
    sessions,
    snapshot,
    worktrees,
)
from carryover.ledger.rows import SessionRow
from carryover.model import NOTE, SHARED, Pin
from carryover.publish.digests import digest_of
from carryover.publish.templates import OwnWords

MAX_SESSIONS: Final = 20
MAX_SEARCHED: Final = 500
"""How many of the newest sessions are searched for the newest that worked."""
MAX_SUBAGENTS: Final = 20
MAX_WORKTREES: Final = 20
MAX_ASKED: Final = 3
"""How many of a worktree's newest sessions are searched for its task."""
MAX_OPINIONS: Final = 2


class UnknownProject(LookupError):
    """The ledger has no project with this id any more, since it was forgotten."""


def project_view(db: sqlite3.Connection, project_id: int) -> ProjectView:
    """Returns the distiller's view of one project. Raises UnknownProject for an id that is not in the ledger."""
    with snapshot(db):
        project = project_by_id(db, project_id)
        if project is None:
            raise UnknownProject(project_id)
        views = _session_views(db, project_id, OwnWords(db, project.root))
        found = list(islice(views, MAX_SESSIONS))
        if not any(_worked(view) for _, view in found):  # the newest that worked, however many since only talked
            found += islice((older for older in views if _worked(older[1])), 1)
        # Searching older sessions for notes would take longer with each session.
        notes = [row for row in sessions(db, project_id, limit=MAX_SESSIONS) if row.agent == NOTE][:MAX_OPINIONS]
        former = dict.fromkeys(row.recorded_root for row, _ in found if row.recorded_root is not None)
        return ProjectView(
            root=project.root,
            former_roots=tuple(former),
            main_root=project.main_root,
            sessions=tuple(view for _, view in found),
            opinions=tuple(map(_opinion, notes)),
            shared=None if any(view.digest.turns for _, view in found) else _shared(db, project_id, notes),
            pins=(*_pins_of_main(db, project.main_root), *pins(db, project_id)),
            worktrees=(*_main_checkout(db, project.main_root), *_worktrees(db, project.root)),
        )


def _opinion(row: SessionRow) -> Opinion:
    return Opinion(session=row.native_id, title=row.title or "", at_ms=row.last_ms)


def _shared(db: sqlite3.Connection, project_id: int, notes: Iterable[SessionRow]) -> Opinion | None:
    for row in notes:
        if (row.title or "").startswith(SHARED):
            return replace(_opinion(row), text=text_of_note(db, project_id, row.native_id))
    return None


def _pins_of_main(db: sqlite3.Connection, root: str | None) -> list[Pin]:
    """Returns what was pinned in the main checkout, for all its worktrees."""
    main = project_by_root(db, root) if root is not None else None
    return pins(db, main.id) if main is not None else []


def _worktrees(db: sqlite3.Connection, root: str) -> Iterator[Worktree]:
    for project_id, tree, last_ms in worktrees(db, root, limit=MAX_WORKTREES):
        if not is_there(Path(tree) / ".git"):
            continue
        own_words = OwnWords(db, tree)
        newest = (_session_view(db, row, own_words) for row in sessions(db, project_id, limit=MAX_ASKED, notes=False))
        prompts = (turn.prompt for view in newest for turn in reversed(view.digest.turns) if turn.prompt)
        if (task := next(prompts, None)) is not None:
            yield Worktree(root=tree, last_event_ms=last_ms, task=task)


def _main_checkout(db: sqlite3.Connection, root: str | None) -> Iterator[Worktree]:
    """Yields the main checkout of a worktree if work was left unfinished there."""
    main = project_by_root(db, root) if root is not None else None
    if main is None:
        return
    own_words = OwnWords(db, main.root)
    views = (_session_view(db, row, own_words) for row in sessions(db, main.id, limit=MAX_ASKED, notes=False))
    for view in islice(filter(is_unfinished, views), 1):
        task = next((turn.prompt for turn in reversed(view.digest.turns) if turn.prompt), "")
        yield Worktree(root=main.root, last_event_ms=view.newest_ms, task=task)


def _session_views(
    db: sqlite3.Connection, project_id: int, own_words: OwnWords
) -> Iterator[tuple[SessionRow, SessionView]]:
    after = None
    for _ in range(0, MAX_SEARCHED, MAX_SESSIONS):
        rows = sessions(db, project_id, limit=MAX_SESSIONS, after=after, notes=False)
        yield from ((row, _session_view(db, row, own_words)) for row in rows)
        if len(rows) < MAX_SESSIONS:
            return
        after = (rows[-1].last_ms, rows[-1].id)


def _worked(view: SessionView) -> bool:
    return any(digest.worked for digest in view.digests)


def _session_view(db: sqlite3.Connection, row: SessionRow, own_words: OwnWords) -> SessionView:
    main = main_thread(db, row.id)
    threads = [*([main] if main is not None else []), *sub_agent_threads(db, row.id, limit=MAX_SUBAGENTS)]
    digests = {thread.subagent_id: digest_of(db, row, thread, Digest) for thread in threads}
    main_digest = digests.pop("", Digest())
    if main is not None:
        main_digest = replace(main_digest, turns=own_words.of(main.id, main_digest.turns))
    if not main_digest.turns and digests:  # only a sub-agent's work is on disk, so that is handed over
        main_digest = digests.pop(next(iter(digests)))
    return SessionView(
        session=row.native_id,
        agent=row.agent,
        started_ms=row.started_ms,
        last_ms=row.last_ms,
        digest=main_digest,
        subagents=tuple(digests.values())[:MAX_SUBAGENTS],
        parent=row.parent,
        where=f" on {row.machine}" if row.machine else "",
    )
