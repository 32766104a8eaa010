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
from carryover.distill.header import loaded
from carryover.edits.apply import Edit, PlannedEdits, ProjectEdits
from carryover.edits.record import GITIGNORE, PROJECT_EDITS, published_projects
from carryover.errors import os_reason
from carryover.fsio import is_folder, is_there, locked_dir
from carryover.probe.git_command import git_dir_of
from carryover.projects.handoff_file import CHOSEN, HANDOFF, STORE, Published, write_handoff
from carryover.projects.policy import refusal
from carryover.projects.root import AgentFolders
from carryover.publish.gitignore import EXCLUDE, keep_out, remove_if_empty, rule_removals
from carryover.publish.make import Refreshed
from carryover.publish.pointers import place_pointers, pointer_removal
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
    home: Path | None = None,
    agents_own: AgentFolders | None = None,
) -> Published:
    """Writes `text` and all that belongs to it to the project; errors become a refusal or a note. Blocks.

    `before` gets the handoff's folder first, and lists it. `beside` writes more there; True: that has to come again.
    """
    if settings.excluded:
        return Published(refusal=f"excluded by {settings.excluded}", notes=settings.notes)
    try:
        if settings.folder is not None:
            before(settings.folder)
            changed = write_handoff(settings.folder, text)
            return Published(changed=changed, file=settings.folder / HANDOFF, notes=settings.notes)
        if settings.pointers == "off":
            return Published(refusal="`pointers` is off, and there is no other folder", notes=settings.notes)
        refused = refusal(root, home=home or Path.home(), agents_own=agents_own)
        if refused is not None:
            return Published(refusal=refused.reason, passing=refused.passing, notes=settings.notes)
        store = root / STORE
        before(store)
        with locked_dir(store):
            edits = ProjectEdits(store, settings.notes)
            _keep_out(root, settings, edits)  # first, so that the handoff can never be committed
            changed = write_handoff(store, text)
            _place(root, settings, edits, home or Path.home())
            again, done, notes = beside(), tuple(edits.done), tuple(edits.notes)
        return Published(changed=changed, passing=again, file=store / HANDOFF, edited=done, notes=notes)
    except OSError as error:
        why = f"the handoff can't be written: {os_reason(error)}"
        return Published(refusal=why, passing=True, notes=settings.notes)


def preview(
    root: Path, settings: ProjectSettings, *, home: Path, agents_own: AgentFolders | None = None
) -> PlannedEdits | None:
    """Returns the edits of the user's files that `publish` would make; None if it may not write. Raises OSError."""
    if settings.excluded or settings.folder is not None:
        return None
    if refusal(root, home=home, agents_own=agents_own) is not None:
        return None
    edits = PlannedEdits(root / STORE)
    _keep_out(root, settings, edits)
    _place(root, settings, edits, home)
    return edits


def take_back(root: Path, settings: ProjectSettings) -> ProjectEdits:
    """Removes from the project at `root` what `settings` no longer allow, byte for byte, and only what we put there.

    Blocks (files, git). The result's `notes` list what could not be removed. Raises OSError.
    """
    store = root / STORE
    stays = settings.excluded is None and (settings.pointers == "shared" or not settings.decided)
    if stays or not is_folder(store) or store.is_symlink():
        return ProjectEdits(store)
    with locked_dir(store):
        return _taken_back(root, settings, ProjectEdits(store))


def _taken_back(root: Path, settings: ProjectSettings, edits: ProjectEdits) -> ProjectEdits:
    store = root / STORE
    take_out(root, edits)
    if settings.pointers == "off" or settings.excluded is not None:
        for name in handoff_names():
            (store / name).unlink(missing_ok=True)
        if edits.mine <= {GITIGNORE}:  # otherwise the list of what had to stay is still needed, and must stay ignored
            for name, edit in rule_removals(root, edits.mine):
                if name != EXCLUDE:
                    edits.carry_out(name, edit, ours=False)
                elif edits.carry_out_apart(name, edit):
                    remove_if_empty(edit.path)
            for path in (store / PROJECT_EDITS, *store.glob(".*.tmp")):
                path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # it contains files of the user's
                store.rmdir()
    elif GITIGNORE in edits.mine and git_dir_of(root) is not None:
        keep_out(root, edits, shared=False)
    return edits


def removals(root: Path, mine: Collection[str]) -> Iterator[tuple[str, Edit]]:
    """Yields the edits that take our text out of the files of a project that are `mine`, except for ignore rules."""
    yield from ((where.file, read_list_removal(root, where)) for where in read_lists() if where.file in mine)
    yield from ((name, pointer_removal(root, name)) for name in reversed(instruction_files()) if name in mine)


def take_out(root: Path, edits: ProjectEdits) -> None:
    """Makes these edits, each planned when those before it are made: two names may by now lead to one file."""
    for name, edit in removals(root, edits.mine):
        edits.carry_out(name, edit, ours=False)


def _keep_out(root: Path, settings: ProjectSettings, edits: ProjectEdits) -> None:
    if git_dir_of(root) is not None:
        keep_out(root, edits, shared=settings.pointers == "shared", take_back=settings.decided)


def _place(root: Path, settings: ProjectSettings, edits: ProjectEdits, home: Path) -> None:
    if settings.pointers != "shared":
        if settings.decided:
            take_out(root, edits)
        return
    place_in_read_lists(root, edits, home=home)
    if git_dir_of(root) is None and _holds_repositories(root):
        edits.left_alone("AGENTS.md", "the folder holds repositories, and its text would apply to each of them")
    else:
        place_pointers(root, edits, settings.agents)


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

    Missing projects are left alone, as are all while everything is paused. Blocks (files, git).
    """
    if config.paused:
        return ()
    try:
        roots = dict.fromkeys(os.path.realpath(project.root) for project in published_projects(state))
    except OSError:
        return ()
    here = (Path(root) for root in roots if is_folder(Path(root)))
    each = (withdraw_from(root, project_settings(root, config)) for root in here)
    return tuple(done for done in each if done.files or done.notes)


def withdraw_from(root: Path, settings: ProjectSettings) -> Withdrawn:
    """Does what `take_back` does, with an obstacle among the notes."""
    try:
        edits = take_back(root, settings)
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
