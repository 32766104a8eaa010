"""Puts into the files of a project what leads agents to its handoff, and takes out again what settings no longer allow:
`place` does both, and they differ only in what is wanted.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from carryover.agents import instruction_files, read_lists
from carryover.config import Config, ProjectSettings, project_settings
from carryover.errors import os_reason
from carryover.fsio import is_folder, locked_dir
from carryover.outside.apply import Text
from carryover.outside.in_project import Pass
from carryover.outside.journal import read_journal
from carryover.outside.listed import handoff_folder
from carryover.paths import STORE
from carryover.platform import here
from carryover.probe.checkout import Checkout
from carryover.probe.ignore_rules import GITIGNORE
from carryover.probe.looks import look_at, look_at_each
from carryover.projects.handoff_file import HANDOFF
from carryover.publish.gitignore import shared_rule, take_rules
from carryover.publish.local_pointers import local_names, local_text, place_local_pointers, unhide
from carryover.publish.read_lists import list_entry, place_in_read_lists
from carryover.publish.shared_pointers import committed_names, list_none_placed, list_placed, place_shared_pointers
from carryover.publish.store import remove_own


def withdraw(checkout: Checkout, settings: ProjectSettings, state: Path) -> Pass:
    """Removes from the project what `settings` no longer allow, byte for byte, and only what we put there.

    Blocks (files, git). The result's `notes` list what could not be removed. Raises OSError if the journal can't be
    read.
    """
    edits, store = Pass(checkout, state, adds=False), checkout.root / STORE
    if settings.in_files in ("shared", "undecided"):
        return edits
    handoff_goes = settings.in_files != "local"
    if handoff_goes:
        remove_elsewhere(edits)
    if store.is_symlink():
        return edits
    ours = handoff_folder(store, checkout.root)
    is_ours = edits.journal.last(ours) == ours  # else the repository's own
    try:
        if edits.listed or (is_ours and is_folder(store)):  # else as `git clean -fdx` leaves it
            with locked_dir(store):
                place(edits, settings)
                if handoff_goes and is_ours:
                    remove_own(store)
                elif handoff_goes:
                    with suppress(OSError):  # it may have been made only to be locked
                        store.rmdir()
        if handoff_goes:
            take_rules(edits)
    except OSError as error:
        edits.notes = [f"what was written into the project is still there: {os_reason(error)}"]
    return edits


def place(edits: Pass, settings: ProjectSettings) -> None:
    """Puts our text into the files that the settings want it in, and takes it out of all others that have it. Raises
    OSError."""
    mode, kept = settings.in_files, set[str]()
    if mode == "undecided":
        return
    if mode in ("shared", "local"):
        kept |= place_in_read_lists(edits)
    if mode == "shared":
        kept |= place_shared_pointers(edits, settings.agents, settings.agreed_ms)
    elif mode == "local":
        kept |= place_local_pointers(edits, settings.agents)
    gone = edits.listed - kept
    # Git would show what a commit has as deleted, and to add it again afterwards is git's alone.
    committed = committed_names(edits.checkout) if gone and mode in ("local", "excluded") else set()
    for text in our_texts_in(edits.root, gone):
        if text.name not in committed:
            edits.take(text)
        elif mode == "local":
            edits.let_go(text.name)
    unhide(edits, kept if mode == "local" else ())
    if mode == "shared":
        list_placed(edits, settings.agreed_ms)
    else:
        list_none_placed(edits)


def remove_elsewhere(edits: Pass) -> None:
    """Removes the handoff that a trial version kept for the project in the state folder, or where the settings said,
    and which would get stale. Without one, a chosen handoff there was handed over by `carryover to`, and stays."""

    def remove(folder: Path) -> None:
        if os.path.lexists(folder / HANDOFF):
            remove_own(folder)

    root = edits.root
    listed = {Path(entry.path) for entry in edits.journal.handoffs if entry.root == str(root)}
    for folder in listed - {root / STORE}:
        with suppress(OSError):  # also if its disk does not answer
            look_at(folder, partial(remove, folder))


def our_texts_in(root: Path, listed: Collection[str]) -> Iterator[Text]:
    """Yields our text in those files of a project that are `listed`, each once the one before was taken out: two names
    may lead to one file by now."""
    yield from (list_entry(root, where) for where in read_lists().values() if where.name in listed)
    names = dict.fromkeys((*local_names(), *reversed(instruction_files())))
    yield from (local_text(root, name) for name in names if name in listed)
    if GITIGNORE in listed:
        yield shared_rule(root)


def withdraw_everywhere(state: Path, config: Config) -> tuple[Pass, ...]:
    """Withdraws from all projects that were ever published from the state folder; returns those with a change or a
    note, each as `withdraw` does.

    Skips projects that are missing or on a disk that does not answer, and all of them while Carryover is paused. Blocks
    (files, git).
    """
    if config.paused:
        return ()
    try:
        roots = {entry.root for entry in read_journal(state).handoffs}
    except OSError:
        return ()
    real = dict.fromkeys(Path(root) for _, root in look_at_each(sorted(roots), here().canonical))

    def withdrawn(root: Path) -> Pass | None:
        return withdraw(Checkout(root), project_settings(root, config), state) if is_folder(root) else None

    passes = (edits for _, edits in look_at_each(real, withdrawn) if edits is not None)
    return tuple(edits for edits in passes if edits.done or edits.notes)
