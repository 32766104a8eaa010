"""Builds the pages above those of sessions: a list of all projects, two pages per project. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from itertools import groupby
from typing import Final

import msgspec

from carryover.export.markdown_html import inline_html
from carryover.export.page import moment, page
from carryover.export.quoting import one_line
from carryover.export.session_parts import exported, local_time
from carryover.records.fields import iso_utc
from carryover.redact import CleanText

INDEX: Final = "index.html"
TIMELINE: Final = "timeline.html"
_NAME_CHARS: Final = 40
_NOT_PLAIN: Final = re.compile(r"[^A-Za-z0-9_-]+")
_LABELS: Final = {
    "prompt": "Prompt",
    "tests": "Tests",
    "limit": "Usage limit",
    "handover": "Hand-over",
    "commit": "Commit",
    "note": "Note",
    "session": "Session began",
}


class SessionEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A session in a list. Times are UTC ms; `agent` is a display name."""

    page: str
    """Its page, relative to the project's page."""
    title: str
    agent: str
    prompts: int
    last_ms: int


class ProjectEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A project with its sessions, newest first, of which there is at least one."""

    folder: str
    """The folder of its pages, relative to the page of all projects."""
    root: str
    """Short form of the root; empty for sessions without a project."""
    sessions: Sequence[SessionEntry]
    waits: str = ""
    """What it waits for, as a sentence; may be empty."""

    @property
    def name(self) -> CleanText:
        """The name of the project."""
        return one_line(_last_name(self.root) or self.root or "Without a project")


class HandoffLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a handoff, with the addresses of the turns that it comes from and what they are called."""

    text: CleanText
    is_title: bool = False
    sources: Sequence[tuple[str, str]] = ()


class TimelineEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of a timeline. `agent` is a display name, `turn` the address of the turn, empty if it has none."""

    at_ms: int
    kind: str
    agent: str
    text: CleanText
    turn: str = ""
    failed: bool = False


def folder_of(root: str) -> str:
    """Returns a plain name for the folder of a project's pages, different for each root."""
    return f"{_plain(_last_name(root)) or 'project'}-{_mark(root)}"


def page_of(agent: str, session: str, started_ms: int) -> str:
    """Returns a plain file name for a session's page, different for each session."""
    return f"{local_time(started_ms)[:10] or 'undated'}-{_plain(agent)}-{_mark(agent, session)}.html"


def projects_html(projects: Iterable[ProjectEntry], *, exported_ms: int, style: str) -> Iterator[str]:
    """Yields the page that lists all projects."""
    listed = "".join(_project(project) for project in projects)
    about = f"Exported {exported(exported_ms)}".replace("`", "")
    note = f"<p><small>{escape(about)}</small></p>\n"
    body = f'<h1>Projects</h1>\n<main><ul class="projects">\n{listed}</ul></main>\n{note}'
    return page("Projects", (body,), style)


def project_html(project: ProjectEntry, handoff: Iterable[HandoffLine], *, style: str) -> Iterator[str]:
    """Yields the page of one project: its handoff, each line with its sources, and its sessions."""
    listed = "".join(_session(session) for session in project.sessions)
    body = (
        f'<div class="lines">\n{_handoff(handoff)}</div>\n'
        f'<h2>{_counted(len(project.sessions), "session")}</h2>\n<ul class="list">\n{listed}</ul>\n'
    )
    return _page_of(project, INDEX, body, style)


def timeline_html(
    project: ProjectEntry, entries: Iterable[TimelineEntry], *, is_cut: bool, style: str
) -> Iterator[str]:
    """Yields the page of a project's timeline, newest first. `is_cut`: it has more than these entries."""
    days = "".join(
        f"<section><h2>{escape(day)}</h2><ol>\n{''.join(map(_entry, of_day))}</ol></section>\n"
        for day, of_day in groupby(entries, key=lambda entry: local_time(entry.at_ms)[:10] or "Undated")
    )
    more = '<p class="dim">What is older is in the pages of the sessions.</p>\n' if is_cut else ""
    return _page_of(project, TIMELINE, f'<div class="timeline">\n{days}</div>\n{more}', style)


def _page_of(project: ProjectEntry, name: str, body: str, style: str) -> Iterator[str]:
    tabs = "".join(
        f'<a href="{path}"{current}>{label}</a>'
        for path, label in ((INDEX, "Handoff and sessions"), (TIMELINE, "Timeline"))
        for current in (' aria-current="page"' if path == name else "",)
    )
    return page(
        project.name,
        (
            f'<nav class="path"><a href="../{INDEX}">All projects</a></nav>\n<h1>{escape(project.name)}</h1>\n',
            f'<p class="url">{escape(one_line(project.root))}</p>\n{_waits(project)}',
            f'<nav class="tabs" aria-label="Views of the project">{tabs}</nav>\n<main>\n{body}</main>\n',
        ),
        style,
    )


def way_back(project: ProjectEntry) -> str:
    """Returns the links at the top of a session's page."""
    links = f'<a href="../{INDEX}">All projects</a> › <a href="{INDEX}">{escape(project.name)}</a>'
    return f'<nav class="path">{links}</nav>\n'


def _project(project: ProjectEntry) -> str:
    agents = ", ".join(dict.fromkeys(session.agent for session in project.sessions))
    return (
        f'<li><h2><a href="{escape(project.folder)}/{INDEX}">{escape(project.name)}</a></h2>'
        f'<p class="url">{escape(one_line(project.root))}</p>{_waits(project)}'
        f'<p class="facts"><span>last work {moment(project.sessions[0].last_ms)}</span>'
        f"<span>{_counted(len(project.sessions), 'session')}</span><span>{escape(one_line(agents))}</span></p></li>\n"
    )


def _waits(project: ProjectEntry) -> str:
    return f'<p class="asks">{escape(one_line(project.waits))}</p>' if project.waits else ""


def _handoff(lines: Iterable[HandoffLine]) -> str:
    shown = ""
    for is_title, some in groupby(lines, key=lambda line: line.is_title):
        if is_title:
            shown += "".join(f"<h2>{escape(line.text)}</h2>\n" for line in some)
        else:
            shown += f"<ul>\n{''.join(map(_line, some))}</ul>\n"
    return shown


def _line(line: HandoffLine) -> str:
    links = ", ".join(f'<a href="{escape(address)}">{escape(name)}</a>' for address, name in line.sources)
    text = line.text.removeprefix("- ")
    further = ' class="further"' if text.startswith("> ") else ""
    shown = inline_html(text.removeprefix("> "))
    return (
        f'<li{further}><p class="line"><span class="words">{shown}</span><span class="from">{links}</span></p></li>\n'
    )


def _entry(entry: TimelineEntry) -> str:
    label = _LABELS.get(entry.kind, "")
    if entry.kind == "tests":
        label += " fail" if entry.failed else " pass"
    kind = "kind failed" if entry.failed or entry.kind == "limit" else "kind"
    text = escape(entry.text) or label
    shown = f'<span class="{kind}">{label}</span>' if label and label != text else ""
    shown += f'<a href="{escape(entry.turn)}">{text}</a>' if entry.turn else text
    time = f'<time datetime="{iso_utc(entry.at_ms)}">{local_time(entry.at_ms)[11:16]}</time>'
    by = f'<span class="by">{escape(one_line(entry.agent))}</span>'
    return f'<li class="entry {entry.kind}">{time}{by}<div class="what">{shown}</div></li>\n'


def _session(session: SessionEntry) -> str:
    return (
        f'<li><a href="{escape(session.page)}">{escape(one_line(session.title) or "Untitled")}</a>'
        f"<small>{moment(session.last_ms)} · {escape(one_line(session.agent))} · {_counted(session.prompts, 'prompt')}"
        "</small></li>\n"
    )


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _last_name(root: str) -> str:
    """Returns the last part of a path, which may be a Windows path."""
    return re.split(r"[/\\]", root.rstrip("/\\"))[-1]


def _plain(text: str) -> str:
    return _NOT_PLAIN.sub("-", text).strip("-")[:_NAME_CHARS].lower()


def _mark(*parts: str) -> str:
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()
