"""Writes all recorded sessions as a folder of web pages, with a page above them for each project and one of all."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Final

import msgspec

from carryover.actions import answers, projects
from carryover.actions.context import agents_own, now_ms, settings_to_print, state_dir
from carryover.actions.exporting import page_style, session_document, shown_root, shown_title
from carryover.actions.opened import Want, opened
from carryover.agents import agent_name
from carryover.config import Config, project_settings
from carryover.errors import ExitCode, UserError
from carryover.export.quoting import one_line, safe
from carryover.export.session_html import GENERATOR, inline_html, moment, page
from carryover.export.session_parts import exported, local_time
from carryover.fsio import atomic_replace, private_dir, read_beginning
from carryover.ledger.queries import project_by_id, sessions
from carryover.ledger.rows import SessionRow
from carryover.publish.project_view import session_digest
from carryover.terminal.output import counted

INDEX: Final = "index.html"
TIMELINE: Final = "timeline.html"
_LABELS: Final = {
    "prompt": "Prompt",
    "tests": "Tests",
    "limit": "Usage limit",
    "handover": "Hand-over",
    "commit": "Commit",
    "note": "Note",
    "session": "Session began",
}


class Archive(msgspec.Struct, frozen=True, kw_only=True):
    """A finished export: its folder, how many projects and sessions its pages show, how many projects are excluded."""

    folder: str
    projects: int
    sessions: int
    excluded: int


class _Project:
    """A project with its sessions, newest first, of which there is at least one."""

    def __init__(self, rows: Sequence[SessionRow]) -> None:
        self.rows = rows
        root, shown = rows[0].root or "", shown_root(rows[0])
        self.place = f'<p class="url">{escape(one_line(shown))}</p>'
        self.name = one_line(_last_name(shown) or shown or "Without a project")
        self.folder = f"{_plain(_last_name(root)) or 'project'}-{_mark(root)}"

    def turn(self, agent: str, session: str, number: int) -> str:
        """Returns the address of a turn; empty if the session has no page."""
        found = next((row for row in self.rows if (row.agent, row.native_id) == (agent, session)), None)
        return "" if found is None else f"{_page_of(found)}#turn-{number}" if number else _page_of(found)


def check_archive_folder(folder: Path) -> bool:
    """Whether `folder` has an earlier export, to be replaced. Raises UserError (REFUSED) if it is anything else."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        problem = "is not a folder, so nothing was written. Name a new one"
    elif not folder.is_dir() or not any(folder.iterdir()):
        return False
    elif _is_ours(folder / INDEX):
        return True
    else:
        problem = "contains other files, so nothing was written. Name a new folder"
    raise UserError(f"{folder} {problem} with -o.", ExitCode.REFUSED)


def write_archive(folder: Path, *, full: bool, report: Callable[[float, str], None]) -> Archive:
    """Writes a page for each session, two for each project and one of all, in place of an earlier export in `folder`.

    Only the user can read them. Raises UserError (NOTHING_FOUND) if no session is recorded.
    """
    with opened(Want.LISTED) as (ledger, _):
        return _write_all(ledger, folder, settings_to_print(state_dir()), full=full, report=report)


def _write_all(
    ledger: sqlite3.Connection, folder: Path, config: Config, *, full: bool, report: Callable[[float, str], None]
) -> Archive:
    by_project: dict[int | None, list[SessionRow]] = {}
    for row in sessions(ledger, limit=1_000_000):
        by_project.setdefault(row.project_id, []).append(row)
    shown = [
        _Project(rows)
        for rows in by_project.values()
        if not rows[0].root or not project_settings(Path(rows[0].root), config).excluded
    ]
    if not shown:
        raise UserError(
            "No session is recorded, so nothing was written. `carryover status` says what is watched.",
            ExitCode.NOTHING_FOUND,
        )
    number, done = sum(len(each.rows) for each in shown), 0
    _clear(folder)
    # First, so that the remains of an interrupted export are recognised as an export.
    _write(folder / INDEX, _all_projects(shown))
    for each in shown:
        place = folder / each.folder
        private_dir(place)
        _write_project(ledger, place, each, config)
        links = f'<a href="../{INDEX}">All projects</a> › <a href="{INDEX}">{escape(each.name)}</a>'
        for row in each.rows:
            report(done / number, f"{done:,} of {number:,} sessions")
            above = f'<nav class="path">{links}</nav>\n'
            _write(place / _page_of(row), (session_document(ledger, row, "html", full=full, above=above),))
            done += 1
    return Archive(folder=str(folder), projects=len(shown), sessions=number, excluded=len(by_project) - len(shown))


def _clear(folder: Path) -> None:
    """Makes the folder, or removes the pages of an earlier export from it, and nothing else."""
    private_dir(folder)
    for place in [path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()]:
        for old in [path for path in place.glob("*.html") if _is_ours(path)]:
            old.unlink()
        if not any(place.iterdir()):
            place.rmdir()


def _all_projects(projects: Iterable[_Project]) -> Iterable[str]:
    listed = ""
    for each in projects:
        agents = ", ".join(dict.fromkeys(agent_name(row.agent) for row in each.rows))
        listed += (
            f'<li><h2><a href="{escape(each.folder)}/{INDEX}">{escape(each.name)}</a></h2>{each.place}'
            f'<p class="facts"><span>last work {moment(each.rows[0].last_ms)}</span>'
            f"<span>{counted(len(each.rows), 'session')}</span><span>{escape(one_line(agents))}</span></p></li>\n"
        )
    about = f"<p><small>Exported {escape(exported(now_ms()).replace('`', ''))}</small></p>\n"
    body = f'<h1>Projects</h1>\n<main><ul class="projects">\n{listed}</ul></main>\n{about}'
    return page("Projects", (body,), page_style())


def _write_project(ledger: sqlite3.Connection, place: Path, of: _Project, config: Config) -> None:
    row = project_by_id(ledger, of.rows[0].project_id) if of.rows[0].project_id is not None else None
    handoff = timeline = more = listed = ""
    if row is not None:
        made = projects.handoff(ledger, row, config, agents_own(config.agents), now_ms=now_ms())
        found = projects.history(ledger, row, before_ms=None, limit=projects.MOST_ENTRIES)
        handoff = _handoff(of, made)
        for day, entries in groupby(found.entries, key=lambda entry: local_time(entry.at_ms)[:10] or "Undated"):
            of_day = "".join(_entry(of, entry) for entry in entries)
            timeline += f"<section><h2>{escape(day)}</h2><ol>\n{of_day}</ol></section>\n"
        more = '<p class="dim">What is older is in the pages of the sessions.</p>\n' if found.more else ""
    for session in of.rows:
        prompts = counted(session_digest(ledger, session).prompts, "prompt")
        listed += (
            f'<li><a href="{escape(_page_of(session))}">{escape(shown_title(ledger, session)) or "Untitled"}</a>'
            f"<small>{moment(session.last_ms)} · {escape(agent_name(session.agent))} · {prompts}</small></li>\n"
        )
    heading = f"<h2>{counted(len(of.rows), 'session')}</h2>"
    index = f'<div class="lines">\n{handoff}</div>\n{heading}\n<ul class="list">\n{listed}</ul>\n'
    _write(place / INDEX, _page(of, INDEX, index))
    _write(place / TIMELINE, _page(of, TIMELINE, f'<div class="timeline">\n{timeline}</div>\n{more}'))


def _page(of: _Project, name: str, body: str) -> Iterable[str]:
    pages = ((INDEX, "Handoff and sessions"), (TIMELINE, "Timeline"))
    current = {name: ' aria-current="page"'}
    tabs = "".join(f'<a href="{path}"{current.get(path, "")}>{label}</a>' for path, label in pages)
    above = f'<nav class="path"><a href="../{INDEX}">All projects</a></nav>\n<h1>{escape(of.name)}</h1>\n{of.place}'
    views = f'<nav class="tabs" aria-label="Views of the project">{tabs}</nav>'
    return page(of.name, (f"{above}\n{views}\n<main>\n{body}</main>\n",), page_style())


def _handoff(of: _Project, made: answers.HandoffAnswer) -> str:
    """Shows the lines of the handoff as it would be published now, without what it says to agents."""
    shown = ""
    for kind, lines in groupby((line for line in made.lines if line.kind != "head"), key=lambda line: line.kind):
        if kind == "title":
            shown += "".join(f"<h2>{escape(one_line(line.text.lstrip('# ')))}</h2>\n" for line in lines)
            continue
        items = "".join(_handoff_line(of, line) for line in lines)
        shown += f"<ul>\n{items}</ul>\n"
    return shown


def _handoff_line(of: _Project, line: answers.HandoffLine) -> str:
    """Shows a line of the handoff, with links to the turns that it comes from."""
    names = {of.turn(one.agent, one.session, one.turn): f"turn {one.turn}" for one in line.sources if one.turn}
    links = ", ".join(f'<a href="{escape(address)}">{escape(name)}</a>' for address, name in names.items() if address)
    text = safe(line.text).text.removeprefix("- ")
    further = ' class="further"' if text.startswith("> ") else ""
    words = f'<span class="words">{inline_html(text.removeprefix("> "))}</span>'
    return f'<li{further}><p class="line">{words}<span class="from">{links}</span></p></li>\n'


def _entry(of: _Project, entry: answers.Entry) -> str:
    label = _LABELS.get(entry.kind, "") + (f" {entry.detail}" if entry.kind == "tests" else "")
    said = entry.text if entry.kind != "handover" else f"{agent_name(entry.text)} → {agent_name(entry.agent)}"
    text = escape(one_line(said)) or label
    kind = "kind failed" if entry.kind == "limit" or entry.detail == "fail" else "kind"
    shown = f'<span class="{kind}">{label}</span>' if label and label != text else ""
    address = of.turn(entry.agent, entry.session, entry.turn)
    shown += f'<a href="{escape(address)}">{text}</a>' if address else text
    when = moment(entry.at_ms, local_time(entry.at_ms)[11:16])
    by = f'<span class="by">{escape(one_line(agent_name(entry.agent)))}</span>'
    return f'<li class="entry {entry.kind}">{when}{by}<div class="what">{shown}</div></li>\n'


def _page_of(row: SessionRow) -> str:
    """Returns a plain file name for a session's page, different for each session."""
    day = local_time(row.started_ms)[:10] or "undated"
    return f"{day}-{_plain(row.agent)}-{_mark(row.agent, row.native_id)}.html"


def _last_name(root: str) -> str:
    """Returns the last part of a path, which may be a Windows path."""
    return re.split(r"[/\\]", root.rstrip("/\\"))[-1]


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "-", text).strip("-")[:40].lower()


def _mark(*parts: str) -> str:
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def _write(path: Path, pieces: Iterable[str]) -> None:
    atomic_replace(path, "".join(pieces).encode("utf-8", "replace"), mode=0o600, follow=False, durable=False)


def _is_ours(path: Path) -> bool:
    try:
        return GENERATOR.encode() in read_beginning(path, 2048)
    except OSError:
        return False
