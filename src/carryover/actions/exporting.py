"""Makes documents of one recorded session."""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
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
from carryover.export.quoting import safe
from carryover.export.session_html import GENERATOR, inline_html, moment, page
from carryover.export.session_parts import (
    SessionEvent,
    SessionHead,
    cleaned,
    exported,
    local_time,
    of_turns,
    session_parts,
)
from carryover.fsio import atomic_replace, private_dir, read_beginning
from carryover.ledger.queries import project_by_id, session_events, sessions
from carryover.ledger.rows import SessionRow
from carryover.page import answers, project
from carryover.page.projects import listed_projects
from carryover.paths import short_path
from carryover.publish.project_view import session_digest
from carryover.terminal.output import counted, one_line
from carryover.views.session_list import title_of

_TITLE_CHARS: Final = 120
_ONLY_OF_THE_PAGE: Final = "/* Only of the page itself"


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
        project=shown_root(session),
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

        return "".join(session_html(head, parts, style=page_style(), above=above))
    from carryover.export.session_parts import session_markdown

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
        branch=session.branch,
        parent=session.parent,
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


@cache
def page_style() -> str:
    """Returns the style sheet of the page that `carryover ui` opens, as far as exported pages need it."""
    text = resources.files("carryover.page").joinpath("static", "style.css").read_text("utf-8")
    return text.partition(_ONLY_OF_THE_PAGE)[0]


def shown_title(ledger: sqlite3.Connection, row: SessionRow) -> str:
    """Returns the session's title on one line, without secrets."""
    return one_line(quoting.one_line(title_of(ledger, row)), _TITLE_CHARS)


def shown_root(row: SessionRow) -> str:
    """Returns the root of the session's project as people write it; empty if there is none."""
    return short_path(row.root, Path.home()) if row.root else ""


INDEX: Final = "index.html"
TIMELINE: Final = "timeline.html"
_NAME_CHARS: Final = 40
_NOT_PLAIN: Final = re.compile(r"[^A-Za-z0-9_-]+")
_HEAD_BYTES: Final = 2048
_MOST: Final = 1_000_000
_WAITS: Final = {"you": "Waits for you", "approval": "Waits for your approval", "a limit": "At its usage limit"}
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
    """A finished export: its folder, and how many projects and sessions its pages show."""

    folder: str
    projects: int
    sessions: int
    excluded: int
    """How many projects were left out because the settings exclude them."""


@dataclass(frozen=True, slots=True)
class _Project:
    """A project with its sessions, newest first, of which there is at least one, and what it waits for."""

    rows: Sequence[SessionRow]
    waits: str

    @property
    def root(self) -> str:
        return shown_root(self.rows[0])

    @property
    def name(self) -> str:
        return quoting.one_line(_last_name(self.root) or self.root or "Without a project")

    @property
    def folder(self) -> str:
        root = self.rows[0].root or ""
        return f"{_plain(_last_name(root)) or 'project'}-{_mark(root)}"

    def turn(self, agent: str, session: str, number: int) -> str:
        """Returns the address of a turn; empty if the session has no page."""
        found = next((row for row in self.rows if (row.agent, row.native_id) == (agent, session)), None)
        return "" if found is None else f"{_page_of(found)}#turn-{number}" if number else _page_of(found)


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
    """Writes a page for each session, two for each project and one of all projects, which only the user can read.

    Replaces an earlier export in `folder`, which may contain what was forgotten since. `report` receives the progress
    as a share and a text. Raises UserError (NOTHING_FOUND) if no session is recorded.
    """
    projects, excluded = _projects(ledger, config)
    if not projects:
        raise UserError(
            "No session is recorded, so nothing was written. `carryover status` says what is watched.",
            ExitCode.NOTHING_FOUND,
        )
    number, done = sum(len(each.rows) for each in projects), 0
    private_dir(folder)
    _remove_pages(folder)
    # First, so that the remains of an interrupted export are recognised as an export.
    _write(folder / INDEX, _all_projects(projects))
    for each in projects:
        place = folder / each.folder
        private_dir(place)
        _write_project(ledger, place, each, config)
        links = f'<a href="../{INDEX}">All projects</a> › <a href="{INDEX}">{escape(each.name)}</a>'
        for row in each.rows:
            report(done / number, f"{done:,} of {number:,} sessions")
            above = f'<nav class="path">{links}</nav>\n'
            _write(place / _page_of(row), (session_document(ledger, row, "html", full=full, above=above),))
            done += 1
    return Archive(folder=str(folder), projects=len(projects), sessions=number, excluded=excluded)


def _projects(ledger: sqlite3.Connection, config: Config) -> tuple[list[_Project], int]:
    """Returns the projects, newest work first, and the number of excluded ones."""
    by_project: dict[int | None, list[SessionRow]] = {}
    for row in sessions(ledger, limit=_MOST):
        by_project.setdefault(row.project_id, []).append(row)
    known = {each.id: each for each in listed_projects(ledger, config, now_ms=now_ms()).projects}
    kept = []
    for project_id, rows in by_project.items():
        if not rows[0].root or not project_settings(Path(rows[0].root), config).excluded:
            at = known.get(project_id or 0)
            waits = _WAITS.get(at.waits_for, "") if at is not None else ""
            kept.append(_Project(rows, f"{waits}: {at.asks}" if at is not None and at.asks else waits))
    return kept, len(by_project) - len(kept)


def _all_projects(projects: Iterable[_Project]) -> Iterable[str]:
    listed = ""
    for each in projects:
        agents = quoting.one_line(", ".join(dict.fromkeys(agent_name(row.agent) for row in each.rows)))
        listed += (
            f'<li><h2><a href="{escape(each.folder)}/{INDEX}">{escape(each.name)}</a></h2>{_place(each)}'
            f'<p class="facts"><span>last work {moment(each.rows[0].last_ms)}</span>'
            f"<span>{counted(len(each.rows), 'session')}</span><span>{escape(agents)}</span></p></li>\n"
        )
    about = f"<p><small>Exported {escape(exported(now_ms()).replace('`', ''))}</small></p>\n"
    body = f'<h1>Projects</h1>\n<main><ul class="projects">\n{listed}</ul></main>\n{about}'
    return page("Projects", (body,), page_style())


def _write_project(ledger: sqlite3.Connection, place: Path, of: _Project, config: Config) -> None:
    row = project_by_id(ledger, of.rows[0].project_id) if of.rows[0].project_id is not None else None
    handoff = timeline = more = ""
    if row is not None:
        made = project.handoff(ledger, row, config, agents_own(config.agents), now_ms=now_ms())
        found = project.history(ledger, row, before_ms=None, limit=project.MOST_ENTRIES)
        handoff = _handoff(of, made)
        timeline = "".join(
            f"<section><h2>{escape(day)}</h2><ol>\n{''.join(_entry(of, entry) for entry in entries)}</ol></section>\n"
            for day, entries in groupby(found.entries, key=lambda entry: local_time(entry.at_ms)[:10] or "Undated")
        )
        more = '<p class="dim">What is older is in the pages of the sessions.</p>\n' if found.more else ""
    listed = "".join(_session(ledger, session) for session in of.rows)
    heading = f"<h2>{counted(len(of.rows), 'session')}</h2>"
    index = f'<div class="lines">\n{handoff}</div>\n{heading}\n<ul class="list">\n{listed}</ul>\n'
    _write(place / INDEX, _page(of, INDEX, index))
    _write(place / TIMELINE, _page(of, TIMELINE, f'<div class="timeline">\n{timeline}</div>\n{more}'))


def _page(of: _Project, name: str, body: str) -> Iterable[str]:
    tabs = "".join(
        f'<a href="{path}"{" aria-current=" + chr(34) + "page" + chr(34) if path == name else ""}>{label}</a>'
        for path, label in ((INDEX, "Handoff and sessions"), (TIMELINE, "Timeline"))
    )
    above = f'<nav class="path"><a href="../{INDEX}">All projects</a></nav>\n<h1>{escape(of.name)}</h1>\n{_place(of)}'
    views = f'<nav class="tabs" aria-label="Views of the project">{tabs}</nav>'
    return page(of.name, (f"{above}\n{views}\n<main>\n{body}</main>\n",), page_style())


def _place(of: _Project) -> str:
    waits = f'<p class="asks">{escape(quoting.one_line(of.waits))}</p>' if of.waits else ""
    return f'<p class="url">{escape(quoting.one_line(of.root))}</p>{waits}'


def _handoff(of: _Project, made: answers.HandoffAnswer) -> str:
    """Shows the lines of the handoff as it would be published now, without what it says to agents."""
    shown = ""
    for kind, lines in groupby((line for line in made.lines if line.kind != "head"), key=lambda line: line.kind):
        if kind == "title":
            shown += "".join(f"<h2>{escape(quoting.one_line(line.text.lstrip('# ')))}</h2>\n" for line in lines)
        else:
            shown += f"<ul>\n{''.join(_line(of, line) for line in lines)}</ul>\n"
    return shown


def _line(of: _Project, line: answers.HandoffLine) -> str:
    named = {of.turn(each.agent, each.session, each.turn): f"turn {each.turn}" for each in line.sources if each.turn}
    links = ", ".join(f'<a href="{escape(address)}">{escape(name)}</a>' for address, name in named.items() if address)
    text = safe(line.text).text.removeprefix("- ")
    further = ' class="further"' if text.startswith("> ") else ""
    words = f'<span class="words">{inline_html(text.removeprefix("> "))}</span>'
    return f'<li{further}><p class="line">{words}<span class="from">{links}</span></p></li>\n'


def _entry(of: _Project, entry: answers.Entry) -> str:
    failed = entry.detail == "fail"
    label = _LABELS.get(entry.kind, "") + (f" {entry.detail}" if entry.kind == "tests" else "")
    said = entry.text if entry.kind != "handover" else f"{agent_name(entry.text)} → {agent_name(entry.agent)}"
    text = escape(quoting.one_line(said)) or label
    kind = "kind failed" if failed or entry.kind == "limit" else "kind"
    shown = f'<span class="{kind}">{label}</span>' if label and label != text else ""
    address = of.turn(entry.agent, entry.session, entry.turn)
    shown += f'<a href="{escape(address)}">{text}</a>' if address else text
    when = moment(entry.at_ms, local_time(entry.at_ms)[11:16])
    by = f'<span class="by">{escape(quoting.one_line(agent_name(entry.agent)))}</span>'
    return f'<li class="entry {entry.kind}">{when}{by}<div class="what">{shown}</div></li>\n'


def _session(ledger: sqlite3.Connection, row: SessionRow) -> str:
    prompts = counted(session_digest(ledger, row).prompts, "prompt")
    return (
        f'<li><a href="{escape(_page_of(row))}">{escape(shown_title(ledger, row)) or "Untitled"}</a>'
        f"<small>{moment(row.last_ms)} · {escape(agent_name(row.agent))} · {prompts}</small></li>\n"
    )


def _page_of(row: SessionRow) -> str:
    """Returns a plain file name for a session's page, different for each session."""
    day = local_time(row.started_ms)[:10] or "undated"
    return f"{day}-{_plain(row.agent)}-{_mark(row.agent, row.native_id)}.html"


def _last_name(root: str) -> str:
    """Returns the last part of a path, which may be a Windows path."""
    return re.split(r"[/\\]", root.rstrip("/\\"))[-1]


def _plain(text: str) -> str:
    return _NOT_PLAIN.sub("-", text).strip("-")[:_NAME_CHARS].lower()


def _mark(*parts: str) -> str:
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


def _write(path: Path, pieces: Iterable[str]) -> None:
    atomic_replace(path, "".join(pieces).encode("utf-8", "replace"), mode=0o600, follow=False, durable=False)


def _remove_pages(folder: Path) -> None:
    """Removes the pages of an earlier export, and no other file."""
    for place in [path for path in folder.iterdir() if path.is_dir() and not path.is_symlink()]:
        for old in [path for path in place.glob("*.html") if _is_ours(path)]:
            old.unlink()
        if not any(place.iterdir()):
            place.rmdir()


def _is_ours(path: Path) -> bool:
    try:
        return GENERATOR.encode() in read_beginning(path, _HEAD_BYTES)
    except OSError:
        return False
