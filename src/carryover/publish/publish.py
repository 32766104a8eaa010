"""Makes one project's handoff and writes it to the project's files. Blocks.

    publish_project     from the ledger to the files
    publish_handoff     from a finished handoff to the files

A project whose history was read only because a command printed something gets no file until an agent works there again.
"""

from __future__ import annotations

import contextlib
import errno
import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

import msgspec

from carryover.agents import adapters
from carryover.config import Config, ProjectSettings, project_settings
from carryover.distill.header import TITLE
from carryover.distill.render import names_page
from carryover.errors import os_reason
from carryover.facts import is_foreign
from carryover.fsio import atomic_replace, is_folder, is_gone, locked_dir
from carryover.ledger.connect import connect_read_only
from carryover.ledger.queries import agents_in, changed_since_published, has_only_pins, project_by_id
from carryover.ledger.rows import ProjectRow
from carryover.outside.in_project import Pass
from carryover.outside.journal import read_journal, write_down
from carryover.outside.listed import handoff_folder
from carryover.paths import STORE
from carryover.probe.checkout import Checkout
from carryover.probe.git_command import ask_one
from carryover.probe.looks import give_up_if_late
from carryover.projects.handoff_file import HANDOFF, IN_PROJECT, PAGE, Published, read_handoff, write_handoff
from carryover.projects.policy import (
    AWAITS_WORK,
    POINTERS_OFF,
    TAKEN_OUT,
    UNWRITTEN,
    Refusal,
    refusal,
    refusal_by_git,
    refusal_of_place,
)
from carryover.projects.root import StatePaths
from carryover.publish.git_state import TIMEOUT_S
from carryover.publish.gitignore import kept_out
from carryover.publish.loaded_files import write_loaded_files
from carryover.publish.local_pointers import hidden_since
from carryover.publish.make import MadeHandoff, made_handoff
from carryover.publish.project_files import place, remove_elsewhere, withdraw
from carryover.publish.project_view import UnknownProject
from carryover.publish.store import handoff_names, ignore_itself, is_taken, loaded_names
from carryover.redact import CleanText


def publish_project(
    paths: StatePaths,
    project_id: int,
    config: Config,
    *,
    now_ms: int,
    git_s: float = TIMEOUT_S,
    asked: Collection[str] | None = None,
    started: bool = False,
) -> MadeHandoff:
    """Makes the handoff of a project and writes it to the project's files.

    Git gets at most `git_s`. `asked`: the roots that commands asked about; a project that only they had read waits for
    work. `started`: a session has started there. Raises LookupError for an unknown project and UserError if the ledger
    can't be read.
    """
    with closing(connect_read_only(paths.state.ledger)) as db:
        project = project_by_id(db, project_id)
        if project is None:
            raise UnknownProject(project_id)
        if asked is not None and awaits_work(db, project, asked=asked, started=started):
            settings, refused = project_settings(Path(project.root), config), Published(refusal=AWAITS_WORK)
            return MadeHandoff(
                root=project.root, settings=settings, handoff=None, text=None, git=None, published=refused
            )
        made = made_handoff(db, project_id, config, now_ms=now_ms, git_s=git_s)
        if not started and _was_taken_out(project, made):
            return msgspec.structs.replace(made, published=Published(refusal=TAKEN_OUT, passing=True))
    give_up_if_late()
    return publish_handoff(made, config, paths)


def _was_taken_out(project: ProjectRow, made: MadeHandoff) -> bool:
    """Whether the folder of the last handoff is gone from a worktree. Git may be removing the worktree, which fails if
    the folder is made again meanwhile. So one publication is skipped; upkeep makes the next if the worktree remains.
    """
    if project.main_root is None or project.published_sha is None or project.refusal is not None:
        return False
    root = Path(project.root)
    return made.settings.is_inside and is_folder(root) and not is_folder(root / STORE)


def publish_handoff(made: MadeHandoff, config: Config, paths: StatePaths) -> MadeHandoff:
    """Writes a handoff to the project with all that belongs to it, and sets `published`; errors become a refusal or a
    note. Blocks."""
    if is_foreign(made.root):
        return msgspec.structs.replace(made, handoff=None, text=None)
    if made.text is None:
        return made
    return msgspec.structs.replace(made, published=_publish(made, made.text, config, paths))


def awaits_handoff(root: Path, config: Config, paths: StatePaths) -> bool:
    """Whether the project at `root` may have a handoff but has none in place."""
    is_inside = project_settings(root, config).is_inside
    return is_inside and is_gone(root / IN_PROJECT) and refusal(Checkout(root), paths) is None


def awaits_work(db: sqlite3.Connection, project: ProjectRow, *, asked: Collection[str], started: bool = False) -> bool:
    """Whether the history of a project was read only because its root is in `asked`, or only pins are recorded of it.
    Blocks.

    `started`: whether a session has started there, which has recorded nothing yet.
    """
    if project.published_sha is not None:
        return False
    if has_only_pins(db, project.id):
        return not started
    if project.published_ms is not None:
        return project.refusal == AWAITS_WORK and not changed_since_published(db, project.id)
    in_projects = {agent.id for agent in adapters().values() if agent.in_projects}
    agents = agents_in(db, project.id)  # none if a session has only started there
    return project.root in asked and bool(agents) and agents <= in_projects


def _publish(made: MadeHandoff, text: CleanText, config: Config, paths: StatePaths) -> Published:
    settings = made.settings
    if settings.excluded is not None:
        return Published(refusal=f"excluded by {settings.excluded}", notes=settings.notes)
    try:
        checkout = Checkout(Path(made.root))
        if settings.in_files == "off":
            withdrawn = withdraw(checkout, settings, paths.state.root)
            return Published(refusal=POINTERS_OFF, notes=(*settings.notes, *withdrawn.notes))
        return _publish_inside(checkout, made, text, config, paths)
    except OSError as error:
        what = f"{Path(error.filename).name} is " if error.errno == errno.EINVAL and error.filename else ""
        why = f"{UNWRITTEN}: {what}{os_reason(error)}"
        return Published(refusal=why, passing=True, notes=settings.notes)


def _publish_inside(
    checkout: Checkout, made: MadeHandoff, text: CleanText, config: Config, paths: StatePaths
) -> Published:
    settings, root, state, store = made.settings, checkout.root, paths.state.root, checkout.root / STORE
    refused = refusal_of_place(root, paths) or made.refused
    if refused is not None:
        if refused.in_git and settings.in_files == "local":
            with contextlib.suppress(OSError):  # the handoff is removed even without the journal
                withdraw(checkout, settings, state)  # a hidden file may be the user's by now
        return _refused(root, refused, settings)
    ours = handoff_folder(store, root)
    is_first = read_journal(state).last(ours) != ours
    write_down(state, ours)
    with locked_dir(store):
        edits = Pass(checkout, state, settings.notes)
        refused = kept_out(edits)  # first, so that the handoff can never be committed
        if refused is not None:
            return _refused(root, refused, settings)
        ignore_itself(store)
        for name in loaded_names():
            if is_taken(store / name):
                edits.left_alone(f"{STORE}/{name}", "it is a folder")
            elif is_first:
                (store / name).unlink(missing_ok=True)  # it came with the folder, perhaps from another project
        written = _written(store, made, text)
        place(edits, settings)
        remove_elsewhere(edits)
        again = write_loaded_files(made, config)
        # Another branch may have other rules. A new `Checkout`: an agent may just have created the repository.
        refused = refusal_by_git(Checkout(root))
        if refused is not None:
            return _refused(root, refused, settings)
        return msgspec.structs.replace(
            written,
            passing=again,
            hidden=hidden_since(edits) if settings.in_files == "local" else {},
            notes=tuple(edits.notes),
        )


def _written(folder: Path, made: MadeHandoff, text: CleanText) -> Published:
    """Writes the text into the folder, and removes a second page that it does not name. One that it names is written
    later."""
    changed = write_handoff(folder, text)
    has_page = made.handoff is not None and names_page(made.handoff, text)
    if not has_page and not is_taken(folder / PAGE):
        (folder / PAGE).unlink(missing_ok=True)
    return Published(changed=changed, file=folder / HANDOFF, page=folder / PAGE if has_page else None)


def _refused(root: Path, refused: Refusal, settings: ProjectSettings) -> Published:
    store = root / STORE
    if refused.in_git and is_folder(store) and not store.is_symlink():
        for name in handoff_names():
            _remove_committed(root, store / name)
        with contextlib.suppress(OSError):  # it was not created for this
            store.rmdir()
    return Published(refusal=refused.reason, passing=refused.passing, notes=settings.notes)


def _remove_committed(root: Path, file: Path) -> None:
    """Removes a handoff of ours from where it could be committed; what HEAD has there is put back."""
    try:
        found = read_handoff(file)
    except OSError:
        return  # there is none, or it is not ours
    if not found.startswith(TITLE):
        return
    committed = ask_one(root, "cat-file", "blob", f"HEAD:{STORE}/{file.name}")
    if committed.code != 0:
        file.unlink()
    elif committed.out != found:
        atomic_replace(file, committed.out, follow=False)
