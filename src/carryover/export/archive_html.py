"""Builds the pages above those of sessions: a list of all projects, and a page per project. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Final

import msgspec

from carryover.export.markdown_html import markdown_html
from carryover.export.page import moment, page
from carryover.export.quoting import one_line
from carryover.export.session_parts import exported, local_time
from carryover.redact import CleanText

INDEX: Final = "index.html"
_NAME_CHARS: Final = 40
_NOT_PLAIN: Final = re.compile(r"[^A-Za-z0-9_-]+")


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

    @property
    def name(self) -> CleanText:
        """The name of the project."""
        return one_line(_last_name(self.root) or self.root or "Without a project")


def folder_of(root: str) -> str:
    """Returns a plain name for the folder of a project's pages, different for each root."""
    return f"{_plain(_last_name(root)) or 'project'}-{_mark(root)}"


def page_of(agent: str, session: str, started_ms: int) -> str:
    """Returns a plain file name for a session's page, different for each session."""
    return f"{local_time(started_ms)[:10] or 'undated'}-{_plain(agent)}-{_mark(agent, session)}.html"


def projects_html(projects: Iterable[ProjectEntry], *, exported_ms: int) -> Iterator[str]:
    """Yields the page that lists all projects."""
    listed = "".join(_project(project) for project in projects)
    about = f"Exported {exported(exported_ms)}".replace("`", "")
    note = f"<p><small>{escape(about)}</small></p>\n"
    return page("Projects", (f'<h1>Projects</h1>\n<main><ul class="list">\n{listed}</ul></main>\n{note}',))


def project_html(project: ProjectEntry, handoff: CleanText | None) -> Iterator[str]:
    """Yields the page of one project. `handoff`: as Markdown; None if there is nothing to hand over."""
    shown = f"<section>{markdown_html(handoff)}</section>\n" if handoff is not None else ""
    listed = "".join(_session(session) for session in project.sessions)
    return page(
        project.name,
        (
            f'<nav><a href="../{INDEX}">All projects</a></nav>\n<h1>{escape(project.name)}</h1>\n',
            f'<p class="url">{escape(one_line(project.root))}</p>\n<main>\n{shown}',
            f'<h2>{_counted(len(project.sessions), "session")}</h2>\n<ul class="list">\n{listed}</ul>\n</main>\n',
        ),
    )


def way_back(project: ProjectEntry) -> str:
    """Returns the links at the top of a session's page."""
    return f'<nav><a href="../{INDEX}">All projects</a> › <a href="{INDEX}">{escape(project.name)}</a></nav>\n'


def _project(project: ProjectEntry) -> str:
    agents = ", ".join(dict.fromkeys(session.agent for session in project.sessions))
    facts = f"{_counted(len(project.sessions), 'session')} · {agents}"
    return (
        f'<li><a href="{escape(project.folder)}/{INDEX}">{escape(project.name)}</a>'
        f"<small>{escape(one_line(project.root))}</small>"
        f"<small>{moment(project.sessions[0].last_ms)} · {escape(one_line(facts))}</small></li>\n"
    )


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
