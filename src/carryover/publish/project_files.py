"""Publishes in a project, and takes back: the handoff, the rule that keeps it out of commits, the pointers to it.

Some agents load a file of the project with each request (`AgentSpec.handoff_entry`). It precedes the conversation: if
it changes, the model's provider reads the whole conversation again and bills it. So it is left unchanged while its
agent is at work. After `CACHE_MS` without work, nothing is cached any more.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.spec import AgentSpec
from carryover.agents import instruction_files, read_lists, specs
from carryover.config import Config, ProjectSettings, project_settings
from carryover.distill.header import TITLE, loaded
from carryover.edits.apply import Edit, PlannedEdits, ProjectEdits
from carryover.edits.record import GITIGNORE, INFO, PROJECT_EDITS, published_projects
from carryover.errors import os_reason
from carryover.fsio import atomic_replace, is_folder, is_there, locked_dir, read_bytes_bounded
from carryover.paths import StateDir
from carryover.probe.checkout import git_dir_of
from carryover.probe.git_command import ask_one
from carryover.probe.looks import look_at_each
from carryover.projects.handoff_file import (
    CHOSEN,
    HANDOFF,
    HANDOFF_LIMIT_BYTES,
    STORE,
    Published,
    write_handoff,
)
from carryover.projects.policy import Refusal, refusal, refusal_by_git
from carryover.projects.root import StatePaths
from carryover.publish.gitignore import (
    has_info_folder,
    ignore_itself,
    keep_out,
    own_ignore_file,
    remove_if_empty,
    rule_removals,
    share_rule,
    unshare_rule,
)
from carryover.publish.local_files import hidden_since, hide_no_more, local_names, local_removal, place_local_files
from carryover.publish.make import Refreshed
from carryover.publish.once import Once
from carryover.publish.pointers import place_pointers
from carryover.publish.read_lists import place_in_read_lists, read_list_removal
from carryover.redact import CleanText

_MOST_ENTRIES: Final = 1000


def publish(
    root: Path,
    text: CleanText,
    settings: ProjectSettings,
    *,
    before: Callable[[Path], None] = lambda _folder: None,
    beside: Callable[[], bool] = lambda: False,
    paths: StatePaths | None = None,
) -> Published:
    """Writes `text` and all that belongs to it to the project; errors become a refusal or a note. Blocks.

    `before` gets the handoff's folder first, and lists it. `beside` writes more there; True: that has to come again.
    `paths`: this user's, unless given.
    """
    paths = paths or _own_paths()
    if settings.excluded:
        return Published(refusal=f"excluded by {settings.excluded}", notes=settings.notes)
    try:
        if settings.folder is not None:
            before(settings.folder)
            changed = write_handoff(settings.folder, text)
            return Published(changed=changed, file=settings.folder / HANDOFF, notes=settings.notes)
        if settings.pointers == "off":
            return Published(refusal="`pointers` is off, and there is no other folder", notes=settings.notes)
        refused = refusal(root, home=paths.home, agents_own=paths.agents_own)
        if refused is not None:
            if refused.in_git and settings.pointers == "local":
                take_back(root, settings, paths.state)  # a hidden file may be the user's by now
            return _refused(root, refused, settings)
        store = root / STORE
        before(store)
        with locked_dir(store):
            once = Once(root, paths.state, settings)
            edits = ProjectEdits(store, settings.notes, once.here)
            had_info = has_info_folder(root)
            refused = _kept_out(root, edits)  # first, so that the handoff can never be committed
            if refused is not None:
                return _refused(root, refused, settings)
            if not had_info and has_info_folder(root):
                edits.created(INFO)
            ignore_itself(store)
            changed = write_handoff(store, text)
            _place(root, settings, edits, once, paths.home)
            once.note(settings)
            again = beside()
            done = tuple(edits.done)
            notes = tuple(edits.notes)
            refused = refusal_by_git(root)  # a checkout may have changed the rules meanwhile
            if refused is not None:
                return _refused(root, refused, settings)
        hidden = hidden_since(root, edits.mine) if settings.pointers == "local" else {}
        return Published(changed=changed, passing=again, file=store / HANDOFF, edited=done, hidden=hidden, notes=notes)
    except OSError as error:
        why = f"the handoff can't be written: {os_reason(error)}"
        return Published(refusal=why, passing=True, notes=settings.notes)


def open_to_git(root: Path, settings: ProjectSettings) -> str | None:
    """Returns why a commit could take a handoff in this project along, so that none is written; None if it can't.

    Reads only. Blocks (git).
    """
    if settings.folder is not None or settings.excluded or settings.pointers == "off" or not is_folder(root):
        return None
    refused = _kept_out(root, PlannedEdits(root / STORE))
    return refused.reason if refused is not None and refused.in_git else None


def _kept_out(root: Path, edits: ProjectEdits) -> Refusal | None:
    problem = keep_out(root, edits)
    return Refusal(problem, in_git=True) if problem is not None else refusal_by_git(root)


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
        found = read_bytes_bounded(file, HANDOFF_LIMIT_BYTES, follow=False)
    except OSError:
        return  # there is none, or it is not ours
    if not found.startswith(TITLE):
        return
    committed = ask_one(root, "cat-file", "blob", f"HEAD:{STORE}/{file.name}")
    if committed.code != 0:
        file.unlink()
    elif committed.out != found:
        atomic_replace(file, committed.out, follow=False)


def _own_paths() -> StatePaths:
    home = Path.home()
    return StatePaths.of(StateDir.of(os.environ, home), home)


def preview(root: Path, settings: ProjectSettings, paths: StatePaths | None = None) -> PlannedEdits | None:
    """Returns the edits of the user's files that `publish` would make; None if it may not write. Raises OSError."""
    if settings.excluded or settings.folder is not None:
        return None
    paths = paths or _own_paths()
    if refusal(root, home=paths.home, agents_own=paths.agents_own) is not None:
        return None
    once = Once(root, paths.state, settings)
    edits = PlannedEdits(root / STORE, once.here)
    if keep_out(root, edits) is None:
        _place(root, settings, edits, once, paths.home)
    return edits


def take_back(root: Path, settings: ProjectSettings, state: Path | None = None) -> ProjectEdits:
    """Removes from the project at `root` what `settings` no longer allow, byte for byte, and only what we put there.

    Blocks (files, git). The result's `notes` list what could not be removed. Raises OSError.
    """
    store = root / STORE
    stays = settings.excluded is None and (settings.pointers == "shared" or not settings.decided)
    if stays or store.is_symlink():
        return ProjectEdits(store)
    once = Once(root, state or _own_paths().state, settings)
    if not (is_folder(store) or once.here):
        return ProjectEdits(store)
    with locked_dir(store):
        return _taken_back(root, settings, ProjectEdits(store, placed=once.here), once)


def _taken_back(root: Path, settings: ProjectSettings, edits: ProjectEdits, once: Once) -> ProjectEdits:
    store = root / STORE
    if settings.pointers == "local" and settings.excluded is None:
        place_local_files(root, edits, settings.agents, create=False)
    else:
        take_out(root, edits)
        hide_no_more(root, edits)
    once.forget()
    if settings.pointers == "off" or settings.excluded is not None:
        for name in handoff_names():
            (store / name).unlink(missing_ok=True)
        if edits.mine <= {
            GITIGNORE,
            INFO,
        }:  # otherwise the list of what had to stay is still needed, and must stay ignored
            _remove_store(root, edits)
    else:
        unshare_rule(root, edits)
    return edits


def _remove_store(root: Path, edits: ProjectEdits) -> None:
    """Removes what is left of our folder, and then the rules for it, unless it has files of the user's."""
    store = root / STORE
    mine = set(edits.mine)
    own = own_ignore_file(store)
    for path in (*([own] if own is not None else []), *store.glob(".*.tmp")):
        path.unlink(missing_ok=True)
    if mine:
        unshare_rule(root, edits)
    (store / PROJECT_EDITS).unlink(missing_ok=True)
    try:
        store.rmdir()
    except OSError:
        return
    for name, edit in rule_removals(root, ()):
        if edits.carry_out_apart(name, edit) and INFO in mine:
            remove_if_empty(edit.path)


def removals(root: Path, mine: Collection[str]) -> Iterator[tuple[str, Edit]]:
    """Yields the edits that take our text out of the files of a project that are `mine`, except for ignore rules."""
    yield from ((where.file, read_list_removal(root, where)) for where in read_lists() if where.file in mine)
    names = dict.fromkeys((*local_names(), *reversed(instruction_files())))
    yield from ((name, local_removal(root, name)) for name in names if name in mine)


def take_out(root: Path, edits: ProjectEdits) -> None:
    """Makes these edits, each planned when those before it are made: two names may by now lead to one file."""
    for name, edit in removals(root, edits.mine):
        edits.carry_out(name, edit, ours=False)


def _place(root: Path, settings: ProjectSettings, edits: ProjectEdits, once: Once, home: Path) -> None:
    if not settings.decided:
        return
    if settings.pointers != "shared":
        unshare_rule(root, edits)
    if settings.pointers == "private":
        take_out(root, edits)
        hide_no_more(root, edits)
        return
    place_in_read_lists(root, edits, home=home)
    if settings.pointers == "local":
        _place_local_files(root, settings, edits)
    else:
        _share(root, settings, edits, once)


def _place_local_files(root: Path, settings: ProjectSettings, edits: ProjectEdits) -> None:
    try:
        place_local_files(root, edits, settings.agents)
    except OSError as error:  # the handoff is written all the same
        edits.left_alone("AGENTS.md", f"git could not say which branch has one: {os_reason(error)}")


def _share(root: Path, settings: ProjectSettings, edits: ProjectEdits, once: Once) -> None:
    for name in edits.mine & local_names().keys() - instruction_files().keys():
        edits.carry_out(name, local_removal(root, name), ours=False)
    hide_no_more(root, edits)
    share_rule(root, edits, once.allows)
    if git_dir_of(root) is None and _holds_repositories(root):
        edits.left_alone("AGENTS.md", "the folder holds repositories, and its text would apply to each of them")
    else:
        place_pointers(root, edits, settings.agents, once.allows)


def _holds_repositories(folder: Path) -> bool:
    """Whether the folder contains repositories, in which agents would read its files as well (Claude Code 2.1.328)."""
    with os.scandir(folder) as entries:
        return any((Path(entry.path) / ".git").exists() for entry in islice(entries, _MOST_ENTRIES))


class Withdrawn(msgspec.Struct, frozen=True):
    """The result in one project: `files` are as they were before Carryover, `notes` say what had to stay and why."""

    root: str
    files: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def withdraw(state: Path, config: Config) -> tuple[Withdrawn, ...]:
    """Withdraws from all projects ever published from the folder `state`; returns those with a change or a note.

    Missing projects are left alone, as are those on a disk that does not answer, and all while everything is paused.
    Blocks (files, git).
    """
    if config.paused:
        return ()
    try:
        roots = {project.root for project in published_projects(state)}
    except OSError:
        return ()
    real = dict.fromkeys(Path(root) for _, root in look_at_each(sorted(roots), os.path.realpath))

    def withdrawn(root: Path) -> Withdrawn:
        return withdraw_from(root, project_settings(root, config), state) if is_folder(root) else Withdrawn(str(root))

    return tuple(done for _, done in look_at_each(real, withdrawn) if done.files or done.notes)


def withdraw_from(root: Path, settings: ProjectSettings, state: Path) -> Withdrawn:
    """Does what `take_back` does, with an obstacle among the notes."""
    try:
        edits = take_back(root, settings, state)
    except OSError as error:
        return Withdrawn(str(root), notes=(f"what was written into the project is still there: {os_reason(error)}",))
    return Withdrawn(str(root), tuple(edits.done), tuple(edits.notes))


CACHE_MS: Final = 5 * 60_000


def write_loaded_files(made: Refreshed, config: Config) -> bool:
    """Writes the files that these agents load; returns whether one was left unchanged for now. Raises OSError."""
    if made.handoff is None or made.text is None:
        return False
    is_held = False
    for spec, name in _loaded():
        if config.selects(spec.id):
            file = Path(made.root) / STORE / name
            # The newest work is this agent's and may continue; a usage limit ends it.
            is_its = made.handoff.agent_id == spec.id and made.handoff.limit is None
            is_at_work = is_its and made.at_ms - made.handoff.updated_ms < CACHE_MS
            if is_at_work and is_there(file) and made.others_ms <= file.lstat().st_mtime_ns // 1_000_000:
                is_held = True
            else:
                write_handoff(file.parent, loaded(made.text), name)
    return is_held


def loaded_names() -> tuple[str, ...]:
    """Returns the names of these files."""
    return tuple(name for _, name in _loaded())


def handoff_names() -> tuple[str, ...]:
    """Returns the names of all files in a project's store that hold a handoff."""
    return (HANDOFF, CHOSEN, *loaded_names())


def _loaded() -> list[tuple[AgentSpec, str]]:
    return [(spec, Path(spec.handoff_entry.entry).name) for spec in specs() if spec.handoff_entry is not None]
