"""Makes documents of recorded sessions: of one, or of all as a folder of web pages."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Container, Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final, Literal

import msgspec

from carryover.actions.context import agents_own, now_ms
from carryover.agents import agent_name
from carryover.config import Config, project_settings
from carryover.distill.render import render
from carryover.errors import ExitCode, UserError
from carryover.export import quoting
from carryover.export.archive_html import (
    INDEX,
    ProjectEntry,
    SessionEntry,
    folder_of,
    page_of,
    project_html,
    projects_html,
    way_back,
)
from carryover.export.page import GENERATOR
from carryover.export.session_parts import SessionEvent, SessionHead, cleaned, of_turns, session_parts
from carryover.facts import Facts
from carryover.fsio import atomic_replace, private_dir, read_beginning
from carryover.ledger.queries import session_events, sessions
from carryover.ledger.rows import SessionRow
from carryover.paths import short_path
from carryover.projects.root import AgentFolders
from carryover.publish.make import files_now, git_now, make, view_now
from carryover.publish.project_view import session_digest
from carryover.redact import CleanText
from carryover.terminal.output import one_line
from carryover.views.session_list import title_of

_TITLE_CHARS: Final = 120
_HEAD_BYTES: Final = 2048
_MOST: Final = 1_000_000


class Archive(msgspec.Struct, frozen=True, kw_only=True):
    """A finished export: its folder, and how many projects and sessions its pages show."""

    folder: str
    projects: int
    sessions: int
    excluded: int
    """How many projects were left out because the settings exclude them."""


def session_document(
    ledger: sqlite3.Connection,
    session: SessionRow,
    form: Literal["md", "html"],
    *,
    full: bool,
    above: str = "",
    turns: Container[int] | None = None,
) -> str:
    """Returns the document of one session, with `full` including the work of its sub-agents.

    `above`: links that lead back from a web page, as markup. `turns`: only these turns.
    """
    agent = agent_name(session.agent)
    head = SessionHead(
        id=session.native_id,
        agent=f"{agent} {session.agent_version or ''}".strip() + (f" on {session.machine}" if session.machine else ""),
        title=shown_title(ledger, session),
        project=_shown_root(session),
        branch=session.branch or "",
        model=session.model or "",
        exported_ms=now_ms(),
    )
    events: Iterable[SessionEvent] = session_events(ledger, session)
    if turns is not None:
        events = of_turns(events, turns)
    parts = cleaned(session_parts(events, agent=agent, root=session.root, subagents=full))
    if form == "html":
        from carryover.export.session_html import session_html

        return "".join(session_html(head, parts, above=above))
    from carryover.export.session_markdown import session_markdown

    return "\n".join(session_markdown(head, parts)) + "\n"


def check_archive_folder(folder: Path) -> bool:
    """Whether there is an earlier export in `folder`, which is to be replaced; False if it is new or empty.

    Raises UserError (REFUSED) if it is something else, OSError if it can't be read.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise UserError(f"{folder} is not a folder, so nothing was written. Name a new one with -o.", ExitCode.REFUSED)
    if not folder.is_dir() or not any(folder.iterdir()):
        return False
    if not _is_ours(folder / INDEX):
        raise UserError(
            f"{folder} contains other files, so nothing was written. Name a new folder with -o.", ExitCode.REFUSED
        )
    return True


def write_archive(
    ledger: sqlite3.Connection, folder: Path, config: Config, *, full: bool, report: Callable[[float, str], None]
) -> Archive:
    """Writes a page for each session, one for each project and one of all projects, which only the user can read.

    Raises UserError (NOTHING_FOUND) if no session is recorded.

    Replaces an earlier export in `folder`, which may contain what was forgotten since. `report` receives the progress
    as a share and a text.
    """
    listed, excluded = _projects(ledger, config)
    if not listed:
        raise UserError(
            "No session is recorded, so nothing was written. `carryover status` says what is watched.",
            ExitCode.NOTHING_FOUND,
        )
    entries = [(rows, _project_entry(ledger, rows)) for rows in listed]
    number = sum(len(rows) for rows in listed)
    private_dir(folder)
    _remove_pages(folder)
    # First, so that the remains of an interrupted export are recognised as an export.
    _write(folder / INDEX, projects_html((entry for _, entry in entries), exported_ms=now_ms()))
    done = 0
    for rows, entry in entries:
        place = folder / entry.folder
        private_dir(place)
        _write(place / INDEX, project_html(entry, _handoff(ledger, rows[0], agents_own(config.agents))))
        for row, session in zip(rows, entry.sessions, strict=True):
            report(done / number, f"{done:,} of {number:,} sessions")
            page = session_document(ledger, row, "html", full=full, above=way_back(entry))
            _write(place / session.page, (page,))
            done += 1
    return Archive(folder=str(folder), projects=len(entries), sessions=number, excluded=excluded)


def _projects(ledger: sqlite3.Connection, config: Config) -> tuple[list[list[SessionRow]], int]:
    """Returns the sessions of each project, newest first, and the number of excluded projects."""
    rows = sessions(ledger, limit=_MOST)
    newest = {row.project_id: at for at, row in reversed(list(enumerate(rows)))}
    by_project = sorted(rows, key=lambda row: newest[row.project_id])
    found = [list(some) for _, some in groupby(by_project, key=lambda row: row.project_id)]
    kept = [some for some in found if not some[0].root or not project_settings(Path(some[0].root), config).excluded]
    return kept, len(found) - len(kept)


def _project_entry(ledger: sqlite3.Connection, rows: Sequence[SessionRow]) -> ProjectEntry:
    return ProjectEntry(
        folder=folder_of(rows[0].root or ""),
        root=_shown_root(rows[0]),
        sessions=[
            SessionEntry(
                page=page_of(row.agent, row.native_id, row.started_ms),
                title=shown_title(ledger, row),
                agent=agent_name(row.agent),
                prompts=session_digest(ledger, row).prompts,
                last_ms=row.last_ms,
            )
            for row in rows
        ],
    )


def _handoff(ledger: sqlite3.Connection, row: SessionRow, own: AgentFolders | None) -> CleanText | None:
    if row.project_id is None:
        return None
    view = view_now(ledger, row.project_id, own)
    handoff = make(view, Facts(git_now(Path(view.root)), files_now(view)), now_ms=now_ms(), resume="silent")
    return quoting.safe(render(handoff)).text if handoff is not None else None


def shown_title(ledger: sqlite3.Connection, row: SessionRow) -> str:
    """Returns the session's title on one line, without secrets."""
    return one_line(quoting.one_line(title_of(ledger, row)), _TITLE_CHARS)


def _shown_root(row: SessionRow) -> str:
    return short_path(row.root, Path.home()) if row.root else ""


def _write(path: Path, pieces: Iterable[str]) -> None:
    atomic_replace(path, "".join(pieces).encode("utf-8", "replace"), mode=0o600, follow=False, durable=False)


def _remove_pages(folder: Path) -> None:
    """Removes the pages of an earlier export, and no other file."""
    for place in [path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()]:
        for page in [path for path in place.glob("*.html") if _is_ours(path)]:
            page.unlink()
        if not any(place.iterdir()):
            place.rmdir()


def _is_ours(page: Path) -> bool:
    try:
        return GENERATOR.encode() in read_beginning(page, _HEAD_BYTES)
    except OSError:
        return False
