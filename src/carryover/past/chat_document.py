"""Makes a project into one document for a chat that sees no file: from the ledger, git and the files. Blocking."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.spec import WebChat
from carryover.agents import specs
from carryover.clock import utc_now_ms
from carryover.config import Config, refuse_excluded
from carryover.distill.render import lay_out
from carryover.distill.view import ProjectView
from carryover.errors import ExitCode, UserError
from carryover.export.document import DocumentForChat, composed, tokens_for_handoff
from carryover.export.pieces import Material
from carryover.facts import ChangedFile
from carryover.fsio import is_folder
from carryover.past.chat_files import HOLDS_SECRETS, guidance, is_generated, is_secret_name, relevant_files, with_text
from carryover.past.context import KNOWN_PROJECTS, project_root, settings_to_print, warn_if_paused
from carryover.past.opened import Want, opened
from carryover.past.uncommitted import uncommitted
from carryover.paths import STORE
from carryover.probe.files import project_paths, project_text
from carryover.publish.make import filled, made_for_elsewhere, refuse_excluded_past, view_now
from carryover.terminal.output import warn
from carryover.text.pattern import later

__all__ = ["DocumentForChat"]
GENERIC: Final = WebChat(id="generic", name="a chat", budget=12_000)
"""An unknown chat: a budget small enough for most, with tokens counted pessimistically."""
USUAL_CHAT: Final = GENERIC.id
LEAST_BUDGET: Final = 1_000
"""In tokens: less would hold little but the frame."""
_GIT_S: Final = 3.0
_DONE: Final = ("call", "edit", "file", "files", "names")
"""The kinds of lines that say what was done: a call names many files that do not matter."""
_NO_WORK: Final = (
    "No agent's work is recorded for this project, so the document has only its layout, the beginning of its README, "
    "uncommitted changes, and the files that say how to work in it."
)
_README: Final = later(r"(?i)readme(?:\.(?:md|markdown|rst|txt|adoc))?")


def web_chats() -> dict[str, WebChat]:
    """Returns the chats that documents can be made for, by id: those in the agents' specs, and the generic one."""
    chats = [chat for spec in specs() for chat in spec.web_chats]
    return {chat.id: chat for chat in (*sorted(chats, key=attrgetter("id")), GENERIC)}


def document_for_chat(
    project: str | None, chat_id: str | None, *, question: str, budget: int | None
) -> DocumentForChat:
    """Makes the document of the project that `project` is in, in at most `budget` tokens; None: as the chat takes.

    Raises UserError (NOTHING_FOUND) if no agent has worked there and there is no file to show.
    """
    root = project_root(project, must_exist=True)
    chat = web_chats()[chat_id or USUAL_CHAT]
    chat = msgspec.structs.replace(chat, budget=budget or chat.budget)
    material = _material(root, tokens_for_handoff(chat))
    if not material.handoff and not material.paths:
        nothing = f"No agent has worked in {root}, and there is no file to show. Nothing was exported."
        raise UserError(nothing, ExitCode.NOTHING_FOUND)
    return composed(material, chat, question)


def _material(root: str, tokens: int) -> Material:
    config = settings_to_print()
    refuse_excluded(root, config)
    now = utc_now_ms()
    material = None
    with opened(Want.FRESH, root) as (ledger, project):
        if project is not None:
            material = gathered(root, config, now_ms=now, work=(ledger, project.id, tokens))
    warn_if_paused()
    if material is None:
        warn(f"{_NO_WORK} {KNOWN_PROJECTS}")
        material = gathered(root, config, now_ms=now)
    return material


def gathered(
    root: str, config: Config, *, now_ms: int, work: tuple[sqlite3.Connection, int, int] | None = None
) -> Material:
    """Gathers the material on the project at `root`. Raises UserError if the ledger can't be read.

    `work`: the ledger, the project's id and the tokens of its handoff; None if no agent has worked there.
    """
    material = Material(name=Path(root).name or root, now_ms=now_ms)
    if work is None:
        return _with_files(material, Path(root), None)
    ledger, project, tokens = work
    view = view_now(ledger, project, config)
    refuse_excluded_past(view, config)
    handoff = made_for_elsewhere(view, now_ms=now_ms, git_s=_GIT_S)
    if handoff is not None:
        shown = tuple(lay_out(filled(handoff, ledger, view, tokens, now_ms=now_ms)))
        material = msgspec.structs.replace(material, handoff=shown, counts_from_ms=handoff.updated_ms)
    return _with_files(material, Path(root), view)


def _with_files(material: Material, root: Path, view: ProjectView | None) -> Material:
    """Adds what is on the disk."""
    is_here = is_folder(root)
    listed, new = project_paths(root) if is_here else ((), frozenset[str]())
    paths = tuple(path for path in listed if not f"{path}/".startswith(f"{STORE}/"))
    changes = uncommitted(root) if is_here else []
    guides, unguided = guidance(root, paths)
    changed = new.union(change.path for change in changes)
    relevant = relevant_files(paths, view, changed, _texts(material), material.now_ms)
    guiding = {file.path for file in guides}
    files, unread = with_text(root, (file for file in relevant if file.path not in guiding), paths)
    secret = {change.path: HOLDS_SECRETS for change in changes if is_secret_name(change.path)}
    return msgspec.structs.replace(
        material,
        readme=_readme(root, paths),
        paths=paths,
        changes=tuple(_changes(changes, {file.path for file in files})),
        files=tuple(files),
        guidance=tuple(guides),
        left_out=dict(sorted((unguided | unread | secret).items())),
    )


def _texts(material: Material) -> Iterator[str]:
    """Yields what was said, which may name files."""
    for _, lines in material.handoff:
        yield from (text for text, entry in lines if entry.kind not in _DONE)


def _readme(root: Path, paths: Sequence[str]) -> str:
    readmes = (path for path in paths if "/" not in path and _README.fullmatch(path))
    try:
        return next((project_text(root, readme) for readme in readmes), "")
    except (OSError, ValueError):
        return ""


def _changes(changes: Iterable[ChangedFile], shown: Collection[str]) -> Iterator[ChangedFile]:
    """Yields the diffs, except those of new files whose text is shown anyway."""
    for change in changes:
        if not (change.new and change.path in shown):
            yield msgspec.structs.replace(change, diff="") if is_generated(change.path) else change
