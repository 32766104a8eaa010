"""Publishes in a project: the handoff, the rule that keeps it out of commits, and the pointers to it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from carryover.agents import instruction_files
from carryover.config import ProjectSettings
from carryover.distill.header import TITLE
from carryover.errors import os_reason
from carryover.fsio import atomic_replace, is_folder, locked_dir
from carryover.outside.in_project import Pass
from carryover.outside.journal import begin_in_project, write_down
from carryover.outside.listed import handoff_folder
from carryover.probe.checkout import Checkout
from carryover.probe.git_command import ask_one
from carryover.projects.handoff_file import HANDOFF, PAGE, STORE, Published, read_handoff, write_handoff
from carryover.projects.policy import UNWRITTEN, Refusal, refusal, refusal_by_git
from carryover.projects.root import StatePaths
from carryover.publish.gitignore import ignore_elsewhere, ignore_itself, keep_out, kept_out, unshare_rule
from carryover.publish.loaded_files import handoff_names
from carryover.publish.local_files import hidden_since, hide_no_more, local_names, local_text, place_local_files
from carryover.publish.once import Once
from carryover.publish.pointers import place_pointers
from carryover.publish.read_lists import place_in_read_lists
from carryover.publish.withdrawal import take_back
from carryover.redact import CleanText

_MOST_ENTRIES: Final = 1000


def publish(
    root: Path,
    text: CleanText,
    settings: ProjectSettings,
    paths: StatePaths,
    *,
    beside: Callable[[], bool] = bool,
    has_page: bool = False,
) -> Published:
    """Writes `text` and all that belongs to it to the project; errors become a refusal or a note. Blocks.

    `beside` is called to write more files there; it returns whether they have to be written again later. `has_page`:
    whether a second page is to be written next to it, else an earlier one is removed.
    """
    why_not = _switched_off(settings)
    if why_not is not None:
        return Published(refusal=why_not, notes=settings.notes)
    store = root / STORE
    try:
        if settings.folder is not None:
            write_down(paths.state.root, handoff_folder(settings.folder, root))
            ignore_elsewhere(settings.folder)
            written = _written(settings.folder, text, has_page=has_page)
            return msgspec.structs.replace(written, notes=settings.notes)
        checkout = Checkout(root)
        refused = refusal(checkout, paths)
        if refused is not None:
            if refused.in_git and settings.pointers == "local":
                take_back(root, settings, paths.state.root)  # a hidden file may be the user's by now
            return _refused(root, refused, settings)
        begin_in_project(paths.state.root, root)
        with locked_dir(store):
            edits = Pass(checkout, paths.state.root, settings.notes)
            refused = kept_out(edits)  # first, so that the handoff can never be committed
            if refused is not None:
                return _refused(root, refused, settings)
            ignore_itself(store)
            written = _written(store, text, has_page=has_page)
            once = Once(edits, settings.agreed_ms)
            _place(edits, settings, once, paths.home)
            once.note(settings)
            again = beside()
            refused = refusal_by_git(Checkout(root))  # a checkout may have changed the rules meanwhile
            if refused is not None:
                return _refused(root, refused, settings)
            return msgspec.structs.replace(
                written,
                passing=again,
                edited=tuple(edits.done),
                hidden=hidden_since(edits) if settings.pointers == "local" and settings.decided else {},
                notes=tuple(edits.notes),
            )
    except OSError as error:
        why = f"{UNWRITTEN}: {os_reason(error)}"
        return Published(refusal=why, passing=True, notes=settings.notes)


def _switched_off(settings: ProjectSettings) -> str | None:
    """Returns why the user's settings have nothing published; None if they have it published."""
    if settings.excluded:
        return f"excluded by {settings.excluded}"
    if settings.folder is None and settings.pointers == "off":
        return "`pointers` is off, and there is no other folder"
    return None


def _written(folder: Path, text: CleanText, *, has_page: bool) -> Published:
    changed = write_handoff(folder, text)
    if not has_page:
        (folder / PAGE).unlink(missing_ok=True)
    return Published(changed=changed, file=folder / HANDOFF, page=folder / PAGE if has_page else None)


def _refused(root: Path, refused: Refusal, settings: ProjectSettings) -> Published:
    store = root / STORE
    if refused.in_git and is_folder(store) and not store.is_symlink():
        for name in handoff_names():
            _empty(root, store / name)
        with contextlib.suppress(OSError):  # it was not created for this
            store.rmdir()
    return Published(refusal=refused.reason, passing=refused.passing, notes=settings.notes)


def _empty(root: Path, file: Path) -> None:
    """Takes a handoff of ours out of a file that could be committed; what HEAD has there is put back."""
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


def preview(root: Path, settings: ProjectSettings, paths: StatePaths) -> Pass | None:
    """Returns the edits of the user's files that `publish` would make; None if it may not write. Raises OSError."""
    if settings.excluded or settings.folder is not None:
        return None
    checkout = Checkout(root)
    if refusal(checkout, paths) is not None:
        return None
    edits = Pass(checkout, paths.state.root, dry=True)
    if checkout.git_dir is None or keep_out(edits):
        _place(edits, settings, Once(edits, settings.agreed_ms), paths.home)
    return edits


def _place(edits: Pass, settings: ProjectSettings, once: Once, home: Path) -> None:
    """Puts in the pointers that the settings want, and takes out the others."""
    if not settings.decided:
        return
    if settings.pointers != "shared":
        unshare_rule(edits)
    place_in_read_lists(edits, home=home)
    if settings.pointers == "local":
        try:
            place_local_files(edits, settings.agents)
        except OSError as error:  # the handoff is written all the same
            edits.left_alone("AGENTS.md", f"git could not say which branch has one: {os_reason(error)}")
        return
    for name in edits.mine & local_names().keys() - instruction_files().keys():
        edits.take(local_text(edits.root, name))
    hide_no_more(edits)
    if edits.checkout.git_dir is None and _holds_repositories(edits.root):
        edits.left_alone("AGENTS.md", "the folder holds repositories, and its text would apply to each of them")
    else:
        place_pointers(edits, settings.agents, once.allows)


def _holds_repositories(folder: Path) -> bool:
    """Whether the folder contains repositories, in which agents would read its files as well (Claude Code 2.1.328)."""
    with os.scandir(folder) as entries:
        return any((Path(entry.path) / ".git").exists() for entry in islice(entries, _MOST_ENTRIES))
