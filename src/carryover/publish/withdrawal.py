"""Removes from projects what Carryover wrote into them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import msgspec

from carryover.agents import instruction_files, read_lists
from carryover.config import Config, ProjectSettings, project_settings
from carryover.errors import os_reason
from carryover.fsio import is_folder, locked_dir
from carryover.outside.apply import Text
from carryover.outside.in_project import Pass
from carryover.outside.journal import read_journal, take_over_project
from carryover.platform import here
from carryover.probe.checkout import Checkout
from carryover.probe.looks import look_at_each
from carryover.projects.handoff_file import STORE
from carryover.publish.gitignore import rules_in, unshare_rule
from carryover.publish.loaded_files import own_files
from carryover.publish.local_files import hide_no_more, local_names, local_text, place_local_files
from carryover.publish.once import Once, committed_names
from carryover.publish.read_lists import entry


def take_back(root: Path, settings: ProjectSettings, state: Path) -> Pass:
    """Removes from the project at `root` what `settings` no longer allow, byte for byte, and only what we put there.
    In an excluded project, what HEAD has stays.

    Blocks (files, git). The result's `notes` list what could not be removed. Raises OSError.
    """
    store = root / STORE
    stays = settings.excluded is None and (settings.pointers == "shared" or not settings.decided)
    if stays or store.is_symlink():
        return Pass(Checkout(root), None)
    if is_folder(store) or read_journal(state).names(root):
        with locked_dir(store):
            take_over_project(state, root)
            edits = Pass(Checkout(root), state)
            _take_back(edits, settings)
            return edits
    edits = Pass(Checkout(root), state)
    if _goes(settings):  # as `git clean -fdx` leaves it, which removes the folder
        _remove_rules(edits)
    return edits


def _goes(settings: ProjectSettings) -> bool:
    """Whether nothing of ours may be in the project."""
    return settings.pointers == "off" or settings.excluded is not None


def _take_back(edits: Pass, settings: ProjectSettings) -> None:
    if settings.pointers == "local" and settings.excluded is None:
        place_local_files(edits, settings.agents, create=False)
    else:
        # Git would show what a commit has as deleted, and to add it again afterwards is git's alone (`Once`).
        take_out(edits, but=committed_names(edits.checkout) if settings.excluded is not None else ())
        hide_no_more(edits)
    Once(edits, settings.agreed_ms).forget()
    goes, store = _goes(settings), edits.root / STORE
    for path in own_files(store) if goes else ():
        path.unlink(missing_ok=True)
    unshare_rule(edits)
    if goes:
        try:
            store.rmdir()
        except OSError:
            return  # it has files of the user's, which the rules keep out of commits
        _remove_rules(edits)


def _remove_rules(edits: Pass) -> None:
    for rules in rules_in(edits.checkout):
        edits.take(rules)


def texts_in(root: Path, mine: Collection[str]) -> Iterator[Text]:
    """Yields our text in those files of a project that are `mine`, except for ignore rules."""
    yield from (entry(root, where) for where in read_lists().values() if where.name in mine)
    names = dict.fromkeys((*local_names(), *reversed(instruction_files())))
    yield from (local_text(root, name) for name in names if name in mine)


def take_out(edits: Pass, *, but: Collection[str] = ()) -> None:
    """Takes our text out of each file before the next one is looked at, since two names may lead to one by now."""
    for text in texts_in(edits.root, [name for name in edits.mine if name not in but]):
        edits.take(text)


class Withdrawn(msgspec.Struct, frozen=True):
    """The result in one project: `files` are again as they were before Carryover; `notes` say what had to stay, and
    why."""

    root: str
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def withdraw(state: Path, config: Config) -> tuple[Withdrawn, ...]:
    """Withdraws from all projects that were ever published from the state folder; returns those with a change or a
    note.

    Skips projects that are missing or on a disk that does not answer, and all of them while Carryover is paused. Blocks
    (files, git).
    """
    if config.paused:
        return ()
    try:
        roots = read_journal(state).roots
    except OSError:
        return ()
    real = dict.fromkeys(Path(root) for _, root in look_at_each(sorted(roots), here().canonical))

    def withdrawn(root: Path) -> Withdrawn:
        return withdraw_from(root, project_settings(root, config), state) if is_folder(root) else Withdrawn(str(root))

    return tuple(done for _, done in look_at_each(real, withdrawn) if done.files or done.notes)


def withdraw_from(root: Path, settings: ProjectSettings, state: Path) -> Withdrawn:
    """Calls `take_back`; an error becomes one of the notes."""
    try:
        edits = take_back(root, settings, state)
    except OSError as error:
        return Withdrawn(str(root), notes=(f"what was written into the project is still there: {os_reason(error)}",))
    return Withdrawn(str(root), tuple(edits.done), tuple(edits.notes))
