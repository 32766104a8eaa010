"""Gathers the material for a document about a project: the ledger's view, git, relevant files. Blocking.

Reads only text files that git does not ignore and whose names do not suggest secrets; the document lists the others.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from operator import attrgetter
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.spec import WebChat
from carryover.agents import instruction_files, specs
from carryover.distill.handoff import Handoff
from carryover.distill.sections.recent_files import recent_files
from carryover.distill.view import ProjectView
from carryover.export import material
from carryover.export.pieces import standing
from carryover.facts import Facts, GitFacts
from carryover.fsio import is_folder
from carryover.ledger.events import last_answer, prompts_at
from carryover.past.uncommitted import uncommitted
from carryover.probe.project_files import ProjectPaths, project_paths, text_of, why_unread
from carryover.projects.handoff_file import STORE
from carryover.projects.root import AgentFolders
from carryover.publish import pointers
from carryover.publish.make import elsewhere_lines, files_now, git_now, make, own_writes, view_now
from carryover.text.pattern import later
from carryover.text.reset_times import on_this_machine

HOLDS_SECRETS: Final = "its name says that it holds secrets"
IGNORED: Final = "git ignores it, or it belongs to a repository inside this one"
_MOST_TOUCHED: Final = 40
_MOST_READ: Final = 40
_MOST_NAMED: Final = 12
"""Maximum number of files that were only mentioned in the conversation, neither edited nor changed."""
_GENERATED: Final = later(
    r"(?i)(?:.*\.lock|.*-lock\.(?:json|yaml)|go\.sum|.*\.min\.(?:js|css)|.*\.(?:map|snap|svg|csv|ipynb))"
)
# Japanese, Chinese and Korean text follows a name without a space.
_PATH_LIKE: Final = later(r"(?:[^\W\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]|[.@~+\\/-])+")
GENERIC: Final = WebChat(id="generic", name="a chat", budget=12_000)
"""An unknown chat: a budget small enough for most, with tokens counted pessimistically."""
_GIT_S: Final = 3.0
_README: Final = later(r"(?i)readme(?:\.(?:md|markdown|rst|txt|adoc))?")


def is_generated(path: str) -> bool:
    """Whether a file is generated or data, judging by its name."""
    return _GENERATED.fullmatch(path.rpartition("/")[2]) is not None


def files_that_matter(
    root: Path,
    paths: Sequence[str],
    view: ProjectView | None,
    changed: Collection[str],
    texts: Sequence[str],
    but: set[str],
    now_ms: int,
) -> tuple[tuple[material.TextFile, ...], list[material.LeftOut]]:
    """Returns the most relevant files: edited by agents, changed, or named in `texts`. Omits those in `but`."""
    wanted = _wanted(paths, view, changed, texts)
    ordered = sorted(wanted, key=lambda file: (-standing(file, now_ms), file.path))
    known = frozenset(paths)
    found: list[material.TextFile] = []
    left_out: list[material.LeftOut] = []
    for file in ordered:
        why = _unwanted(root, file.path, known)
        if file.path in but:
            continue
        if why is None and len(found) == _MOST_READ:
            why = "edited longer ago, or named less often, than those here"
        if why is None:
            try:
                found.append(msgspec.structs.replace(file, text=text_of(root, file.path)))
            except (OSError, ValueError) as error:
                why = why_unread(error)
        if why:
            left_out.append(material.LeftOut(file.path, why))
    return tuple(found), left_out


def _unwanted(root: Path, path: str, known: frozenset[str]) -> str | None:
    """Returns why a file is not read, or None if it is; empty for a missing file, which need not be mentioned."""
    if material.is_secret_name(path):
        return HOLDS_SECRETS
    if is_generated(path):
        return "generated, or data"
    if path in known:
        return None
    return IGNORED if os.path.lexists(root / path) else ""


def _wanted(
    paths: Sequence[str], view: ProjectView | None, changed: Collection[str], texts: Sequence[str]
) -> list[material.TextFile]:
    recent = recent_files(view, limit=_MOST_TOUCHED) if view is not None else ()
    edited = {
        file.path: file.touched
        for file in recent
        if file.touched.change != "delete" and not file.touched.temporary and not file.path.startswith("/")
    }
    counts = _references(paths, texts)
    only_named = [path for path, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    only_named = [path for path in only_named if path not in edited and path not in changed][:_MOST_NAMED]
    return [
        material.TextFile(
            path=path,
            text="",
            edited_ms=edited[path].at_ms if path in edited else 0,
            line=edited[path].line if path in edited else None,
            references=counts.get(path, 0),
            changed=path in changed,
        )
        for path in dict.fromkeys((*edited, *sorted(changed), *only_named))
    ]


def _references(paths: Sequence[str], texts: Sequence[str]) -> dict[str, int]:
    """Counts the `texts` that mention each path: in full, by its end, or by its file name if that is unique."""
    by_name: dict[str, list[str]] = {}
    for path in paths:
        by_name.setdefault(path.rpartition("/")[2].casefold(), []).append(path)
    counts: dict[str, int] = {}
    for text in texts:
        named = set()
        for name in _PATH_LIKE.findall(text):
            tail = name.replace("\\", "/").removeprefix("./").rstrip("./").casefold()
            if "." not in tail and "/" not in tail:
                continue
            same_name = by_name.get(tail.rpartition("/")[2], [])
            fitting = [
                path for path in same_name if f"/{path.casefold()}".endswith(f"/{tail}") or path.casefold() in tail
            ]
            if len(fitting) == 1:
                named.add(fitting[0])
        for path in named:
            counts[path] = counts.get(path, 0) + 1
    return counts


def guidance(root: Path, paths: Sequence[str]) -> tuple[tuple[material.GuidingFile, ...], list[material.LeftOut]]:
    """Returns the files among `paths` that tell agents how to work, without our block, and those that are left out."""
    found = []
    left_out = []
    names: dict[str, None] = {}
    for own, readers in instruction_files().items():
        for file in readers.values():
            names.update(dict.fromkeys((own, *file.hidden_by)))
    globs = sorted({pattern for spec in specs() for pattern in spec.guidance})
    patterns = re.compile("|".join(re.escape(glob).replace(r"\*", "[^/]*") for glob in globs))
    for path in (path for path in paths if path.rpartition("/")[2] in names or patterns.fullmatch(path)):
        try:
            data = text_of(root, _target(root, path, paths)).encode()
        except (OSError, ValueError) as error:
            left_out.append(material.LeftOut(path, why_unread(error)))
            continue
        if not pointers.says_nothing(data):
            found.append(material.GuidingFile(path=path, text=pointers.without_block(data).decode()))
    for name in (name for name in names if name not in paths and (root / name).is_file()):
        with suppress(OSError, ValueError):
            if pointers.says_nothing(text_of(root, name).encode()):
                continue
        left_out.append(material.LeftOut(name, IGNORED))
    return tuple(found), left_out


def _target(root: Path, path: str, paths: Sequence[str]) -> str:
    """Returns the file of the project that an instruction file is a symlink to; otherwise the path itself."""
    if not (root / path).is_symlink():
        return path
    target = os.path.relpath(os.path.realpath(root / path), os.path.realpath(root))
    return target if target in paths and not material.is_secret_name(target) else path


def web_chats() -> dict[str, WebChat]:
    """Returns the chats that documents can be made for, by id: those in the agents' specs, and the generic one."""
    named = [chat for spec in specs() for chat in spec.web_chats]
    named.sort(key=attrgetter("id"))
    return {chat.id: chat for chat in (*named, GENERIC)}


class _Recorded(msgspec.Struct, frozen=True, kw_only=True):
    view: ProjectView | None = None
    handoff: Handoff | None = None
    said: tuple[material.Said, ...] = ()
    last_answer: material.Said | None = None


def gathered(
    root: str,
    *,
    now_ms: int,
    ledger: tuple[sqlite3.Connection, int] | None = None,
    agents_own: AgentFolders | None = None,
) -> material.Material:
    """Gathers the material on the project at `root`. Raises UserError if the ledger can't be read.

    `ledger`: a connection and the project's id; None if no agent has worked there.
    """
    folder = Path(root)
    here = is_folder(folder)
    git = git_now(folder, timeout_s=_GIT_S)
    recorded = _recorded(*ledger, git, now_ms, agents_own) if ledger is not None else _Recorded()
    seen = project_paths(folder) if here else ProjectPaths()
    paths = tuple(path for path in seen.all if not f"{path}/".startswith(f"{STORE}/"))
    changes = uncommitted(folder, own=own_writes(), hidden=material.is_secret_name) if here else []
    guides, unguided = guidance(folder, paths)
    sections = recorded.handoff.sections if recorded.handoff is not None else ()
    shown = [entry.shown for each in sections if each.title != "Recent files" for entry in each.entries]
    texts = [*shown, *(each.text for each in recorded.said)]
    guiding = {file.path for file in guides}
    changed = seen.new.union(change.path for change in changes)
    files, unread = files_that_matter(folder, paths, recorded.view, changed, texts, guiding, now_ms)
    secret = (material.LeftOut(each.path, HOLDS_SECRETS) for each in changes if material.is_secret_name(each.path))
    return material.Material(
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
        left_out=tuple(sorted({*unguided, *unread, *secret})),
    )


def _recorded(
    db: sqlite3.Connection,
    project_id: int,
    git: GitFacts | None,
    now_ms: int,
    agents_own: AgentFolders | None,
) -> _Recorded:
    view = view_now(db, project_id, agents_own)
    facts = Facts(git, files_now(view), elsewhere_lines(db, view), clock=on_this_machine)
    handoff = make(view, facts, now_ms=now_ms, resume="silent")
    if handoff is None:
        return _Recorded(view=view)
    answer = last_answer(db, project_id, handoff.session)
    times = [entry.at_ms for section in handoff.sections if section.title == "Task" for entry in section.entries]
    prompts = prompts_at(db, project_id, times)
    return _Recorded(
        view=view,
        handoff=handoff,
        said=tuple(material.Said(session=session, at_ms=at_ms, text=text) for session, at_ms, text in prompts),
        last_answer=material.Said(session=handoff.session, at_ms=answer[0], text=answer[1])
        if answer is not None
        else None,
    )


def _about(root: Path, paths: Sequence[str]) -> str:
    """Returns the first paragraph of the README."""
    readmes = (path for path in paths if "/" not in path and _README.fullmatch(path))
    try:
        return next((material.first_paragraph(text_of(root, readme)) for readme in readmes), "")
    except (OSError, ValueError):
        return ""


def _changes(changes: Iterable[material.ChangedText], shown: set[str]) -> Iterator[material.ChangedText]:
    """Yields the diffs, except those of new files whose text is shown anyway."""
    for change in changes:
        if not (change.new and change.path in shown):
            yield msgspec.structs.replace(change, diff="") if is_generated(change.path) else change
