"""Makes documents of recorded sessions: of one, or of all as a folder of web pages."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from functools import cache
from importlib import resources
from itertools import groupby
from pathlib import Path
from typing import Final, Literal

import msgspec

from carryover.actions.context import agents_own, now_ms
from carryover.agents import agent_name
from carryover.config import Config, project_settings
from carryover.errors import ExitCode, UserError
from carryover.export import quoting
from carryover.export.archive_html import (
    INDEX,
    TIMELINE,
    HandoffLine,
    ProjectEntry,
    SessionEntry,
    TimelineEntry,
    folder_of,
    page_of,
    project_html,
    projects_html,
    timeline_html,
    way_back,
)
from carryover.export.page import GENERATOR
from carryover.export.session_parts import SessionEvent, SessionHead, cleaned, of_turns, session_parts
from carryover.fsio import atomic_replace, private_dir, read_beginning
from carryover.ledger.queries import ProjectRow, project_by_id, session_events, sessions
from carryover.ledger.rows import SessionRow
from carryover.page import answers, project
from carryover.page.projects import listed_projects
from carryover.paths import short_path
from carryover.publish.project_view import session_digest
from carryover.terminal.output import one_line
from carryover.views.session_list import title_of

_TITLE_CHARS: Final = 120
_HEAD_BYTES: Final = 2048
_MOST: Final = 1_000_000
_WAITS: Final = {"you": "Waits for you", "approval": "Waits for your approval", "a limit": "At its usage limit"}
_ONLY_OF_THE_PAGE: Final = "/* Only of the page itself"


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

        return "".join(session_html(head, parts, style=_style(), above=above))
    from carryover.export.session_markdown import session_markdown

    return "\n".join(session_markdown(head, parts)) + "\n"


def session_trajectory(ledger: sqlite3.Connection, session: SessionRow, *, full: bool) -> str:
    """Returns one session in the Agent Trajectory Interchange Format, with `full` including its sub-agents.

    Raises UserError (NOTHING_FOUND) if nothing in it can be a step.
    """
    from carryover.export.atif import Head, trajectory

    head = Head(
        session=session.native_id,
        agent=session.agent,
        agent_name=agent_name(session.agent),
        version=session.agent_version,
        model=session.model,
        title=session.title,
        cwd=session.root,
    )
    made = trajectory(head, session_events(ledger, session), subagents=full)
    if made is None:
        raise UserError(
            f"Of session {session.native_id}, nothing is recorded that can be a step"
            f"{'' if full else '; --full exports the work of its sub-agents, if there is any'}. Nothing was exported.",
            ExitCode.NOTHING_FOUND,
        )
    return made.decode()


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
    known = {each.id: each for each in listed_projects(ledger, config, now_ms=now_ms()).projects}
    entries = [(rows, _project_entry(ledger, rows, known.get(rows[0].project_id or 0))) for rows in listed]
    number = sum(len(rows) for rows in listed)
    private_dir(folder)
    _remove_pages(folder)
    # First, so that the remains of an interrupted export are recognised as an export.
    _write(folder / INDEX, projects_html((entry for _, entry in entries), exported_ms=now_ms(), style=_style()))
    done = 0
    for rows, entry in entries:
        place = folder / entry.folder
        private_dir(place)
        _write_project(ledger, place, rows, entry, config)
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


def _project_entry(
    ledger: sqlite3.Connection, rows: Sequence[SessionRow], known: answers.Project | None
) -> ProjectEntry:
    waits = _WAITS.get(known.waits_for, "") if known is not None else ""
    return ProjectEntry(
        waits=f"{waits}: {known.asks}" if known is not None and known.asks else waits,
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


def _write_project(
    ledger: sqlite3.Connection, place: Path, rows: Sequence[SessionRow], entry: ProjectEntry, config: Config
) -> None:
    """Writes the pages of one project: its handoff with its sessions, and its timeline."""
    row = project_by_id(ledger, rows[0].project_id) if rows[0].project_id is not None else None
    pages = {(row.agent, row.native_id): session.page for row, session in zip(rows, entry.sessions, strict=True)}

    def turn(agent: str, session: str, number: int) -> str:
        page = pages.get((agent, session), "")
        return f"{page}#turn-{number}" if page and number else page

    handoff = _handoff(ledger, row, config, turn) if row is not None else ()
    _write(place / INDEX, project_html(entry, handoff, style=_style()))
    found = project.history(ledger, row, before_ms=None, limit=project.MOST_ENTRIES) if row is not None else None
    entries = [_timeline_entry(each, turn) for each in found.entries] if found is not None else []
    is_cut = found is not None and found.more
    _write(place / TIMELINE, timeline_html(entry, entries, is_cut=is_cut, style=_style()))


_Turn = Callable[[str, str, int], str]
"""Returns the address of a turn, from its agent, session and number; empty if the session has no page."""


def _handoff(ledger: sqlite3.Connection, row: ProjectRow, config: Config, turn: _Turn) -> Iterator[HandoffLine]:
    """Yields the lines of the handoff as it would be published now, without what it says to agents."""
    for line in project.handoff(ledger, row, config, agents_own(config.agents), now_ms=now_ms()).lines:
        if line.kind == "title":
            yield HandoffLine(text=quoting.one_line(line.text.lstrip("# ")), is_title=True)
        elif line.kind == "line":
            found = {
                turn(each.agent, each.session, each.turn): f"turn {each.turn}" for each in line.sources if each.turn
            }
            sources = [(address, name) for address, name in found.items() if address]
            yield HandoffLine(text=quoting.safe(line.text).text, sources=sources)


def _timeline_entry(entry: answers.Entry, turn: _Turn) -> TimelineEntry:
    text = entry.text if entry.kind != "handover" else f"{agent_name(entry.text)} → {agent_name(entry.agent)}"
    return TimelineEntry(
        at_ms=entry.at_ms,
        kind=entry.kind,
        agent=agent_name(entry.agent),
        text=quoting.one_line(text),
        turn=turn(entry.agent, entry.session, entry.turn),
        failed=entry.detail == "fail",
    )


@cache
def _style() -> str:
    """Returns the style sheet of the page that `carryover ui` opens, as far as exported pages need it."""
    text = resources.files("carryover.page").joinpath("static", "style.css").read_text("utf-8")
    return text.partition(_ONLY_OF_THE_PAGE)[0]


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
