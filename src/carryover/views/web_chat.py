"""Gathers the material for a document about a project: the ledger's view, git, relevant files. Blocking.

Writes nothing. Reads only text files that git does not ignore and whose names do not suggest secrets; the document
lists what is left out for these reasons.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.spec import WebChat
from carryover.agents import specs
from carryover.distill.handoff import Handoff
from carryover.distill.view import ProjectView
from carryover.export.material import ChangedText, LeftOut, Material, Said, first_paragraph, is_secret_name
from carryover.facts import Facts, GitFacts
from carryover.fsio import is_folder
from carryover.ledger.project_content import last_answer, prompts_at
from carryover.probe.files import ProjectPaths, project_paths, text_of
from carryover.projects.handoff_file import STORE
from carryover.projects.root import AgentFolders
from carryover.publish.make import elsewhere_lines, files_now, git_now, make, own_writes, view_now
from carryover.views.files_that_matter import HOLDS_SECRETS, files_that_matter, is_generated
from carryover.views.guidance import guidance
from carryover.views.uncommitted import uncommitted

GENERIC: Final = WebChat(id="generic", name="a chat", budget=12_000, tokens_percent=125)
"""An unknown chat: a budget small enough for most, with tokens counted pessimistically."""

_GIT_S: Final = 3.0
_README: Final = re.compile(r"(?i)readme(?:\.(?:md|markdown|rst|txt|adoc))?")


def web_chats() -> dict[str, WebChat]:
    """Returns the chats that documents are made for, by id: those in the agents' specs, and any other."""
    named = (chat for spec in specs() for chat in spec.web_chats)
    return {chat.id: chat for chat in (*sorted(named, key=lambda chat: chat.id), GENERIC)}


class _Recorded(msgspec.Struct, frozen=True, kw_only=True):
    view: ProjectView | None = None
    handoff: Handoff | None = None
    said: tuple[Said, ...] = ()
    last_answer: Said | None = None


def gathered(
    root: str,
    *,
    now_ms: int,
    ledger: tuple[sqlite3.Connection, int] | None = None,
    agents_own: AgentFolders | None = None,
) -> Material:
    """Gathers the material on the project at `root`. Raises UserError if the ledger cannot be read.

    `ledger`: a connection and the project's id; None if no agent has worked there, so there are only the project's
    files.
    """
    folder = Path(root)
    here = is_folder(folder)
    git = git_now(folder, timeout_s=_GIT_S)
    recorded = _recorded(*ledger, git, now_ms, agents_own) if ledger is not None else _Recorded()
    seen = project_paths(folder) if here else ProjectPaths()
    paths = tuple(path for path in seen.all if not f"{path}/".startswith(f"{STORE}/"))
    changes = uncommitted(folder, own=own_writes(), hidden=is_secret_name) if here else []
    guides, unguided = guidance(folder, paths)
    texts = [*_texts(recorded.handoff), *(each.text for each in recorded.said)]
    guiding = {file.path for file in guides}
    changed = seen.new.union(change.path for change in changes)
    files, unread = files_that_matter(folder, paths, recorded.view, changed, texts, guiding, now_ms)
    return Material(
        name=folder.name,
        now_ms=now_ms,
        about=_about(folder, paths),
        paths=paths,
        handoff=recorded.handoff,
        git=git,
        said=recorded.said,
        last_answer=recorded.last_answer,
        changes=tuple(_changes(changes, {file.path for file in files})),
        files=files,
        guidance=guides,
        left_out=tuple(sorted({*unguided, *unread, *_secret_changes(changes)})),
    )


def _recorded(
    db: sqlite3.Connection, project_id: int, git: GitFacts | None, now_ms: int, agents_own: AgentFolders | None
) -> _Recorded:
    view = view_now(db, project_id, agents_own)
    handoff = make(view, Facts(git, files_now(view), elsewhere_lines(db, view)), now_ms=now_ms, resume="silent")
    if handoff is None:
        return _Recorded(view=view)
    answer = last_answer(db, project_id, handoff.session)
    return _Recorded(
        view=view,
        handoff=handoff,
        said=_said(db, project_id, handoff),
        last_answer=Said(session=handoff.session, at_ms=answer[0], text=answer[1]) if answer is not None else None,
    )


def _about(root: Path, paths: Sequence[str]) -> str:
    readme = next((path for path in paths if "/" not in path and _README.fullmatch(path)), None)
    try:
        return first_paragraph(text_of(root, readme)) if readme is not None else ""
    except (OSError, ValueError):
        return ""


def _texts(handoff: Handoff | None) -> list[str]:
    sections = handoff.sections if handoff is not None else ()
    return [entry.shown for section in sections for entry in section.entries if section.title != "Recent files"]


def _said(db: sqlite3.Connection, project_id: int, handoff: Handoff) -> tuple[Said, ...]:
    times = [entry.at_ms for section in handoff.sections if section.title == "Task" for entry in section.entries]
    return tuple(
        Said(session=session, at_ms=at_ms, text=text) for session, at_ms, text in prompts_at(db, project_id, times)
    )


def _changes(changes: Iterable[ChangedText], shown: set[str]) -> Iterator[ChangedText]:
    """Yields the diffs, except those of new files whose text is shown anyway."""
    for change in changes:
        if change.new and change.path in shown:
            continue
        yield msgspec.structs.replace(change, diff="") if is_generated(change.path) else change


def _secret_changes(changes: Iterable[ChangedText]) -> Iterator[LeftOut]:
    return (LeftOut(change.path, HOLDS_SECRETS) for change in changes if is_secret_name(change.path))
