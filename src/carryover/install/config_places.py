"""Finds the settings files that may contain our hooks or our entry, and chooses among them. Reads the files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from carryover.adapter.spec import AgentSpec, Place, places_on
from carryover.edits.encoding import EditRefused
from carryover.edits.entries import has_list
from carryover.edits.hook_command import OwnerOf, owner_by_script
from carryover.edits.hooks import HookFile, HookOwners, hook_owners
from carryover.errors import os_reason
from carryover.fsio import is_there, read_bytes_bounded
from carryover.install.detect import Detection

_LIMIT_BYTES: Final = 64 << 20


def settings_bytes(path: Path) -> bytes | None:
    """Returns the content of a settings file; None if it does not exist. Raises OSError."""
    try:
        return read_bytes_bounded(path, _LIMIT_BYTES)
    except FileNotFoundError:
        return None


def hook_files(spec: AgentSpec, platform: str, located: Callable[[Place], Path]) -> Iterator[HookFile]:
    """Yields every file that may contain an agent's hooks. `located` resolves a place to a path."""
    for place in places_on(spec.hooks.config_files, platform):
        yield HookFile(located(place), spec.hooks.form)
    if spec.hooks.tables is not None:
        yield HookFile(located(spec.hooks.tables), "tables")


def with_config_files(detections: Iterable[Detection], scripts: Iterable[Path], platform: str) -> tuple[Detection, ...]:
    """Returns the detections with `config` set to the file that our hooks or entry belong in, and others in
    `elsewhere`.

    `blocked` explains why the file is unknown, if one can't be read. `scripts`: those that our hooks run, now or
    formerly.
    """
    owner_of = owner_by_script(*sorted(scripts))
    return tuple(_for_entry(_for_hooks(found, owner_of), platform) for found in detections)


def _for_entry(found: Detection, platform: str) -> Detection:
    entry = found.spec.handoff_entry
    if entry is None:
        return found
    files = [found.located(place) for place in places_on(entry.files, platform)]
    return replace(found, config=_file_of_list(files, found.located(entry.new), entry.key), form="list")


def _file_of_list(files: Sequence[Path], new: Path, key: str) -> Path:
    """Returns the last file that has the list, which is the one the agent uses; else an existing file; else `new`."""
    with_list = [path for path in files if _may_have_list(path, key)]
    if with_list:
        return with_list[-1]
    return next((path for path in (new, *reversed(files)) if is_there(path)), new)


def _may_have_list(path: Path, key: str) -> bool:
    """Whether a file may have the list. An unreadable one may; the edit then reports it and leaves it alone."""
    try:
        return has_list(settings_bytes(path) or b"", key)
    except (OSError, EditRefused):
        return True


def _for_hooks(found: Detection, owner_of: OwnerOf) -> Detection:
    if found.spec.hooks.tables is None or found.config is None or not found.found or found.lost_folder is not None:
        return found
    file = HookFile(found.config, found.form)
    tables = HookFile(found.located(found.spec.hooks.tables), "tables")
    try:
        in_tables = _owners(tables, owner_of)
    except OSError as error:
        return replace(found, blocked=f"{tables.path} can't be read ({os_reason(error)})")
    except EditRefused as error:
        return replace(found, blocked=f"{tables.path} can't be used: {error}")
    try:
        in_file = _owners(file, owner_of)
    except (OSError, EditRefused):  # reported when it is edited
        in_file = HookOwners()
    here, there = (tables, file) if _tables_first(in_file, in_tables) else (file, tables)
    left = in_file if there is file else in_tables
    return replace(found, config=here.path, form=here.form, elsewhere=(there,) if left.ours else ())


def _tables_first(in_file: HookOwners, in_tables: HookOwners) -> bool:
    """Whether our hooks belong in the tables. They never cause the warning that the agent shows if both files have
    hooks.

    If the choice makes no difference to that, they stay where they are, or the user would have to review them again.
    """
    if in_file.others != in_tables.others:
        return in_tables.others
    if in_file.ours != in_tables.ours:
        return in_tables.ours
    return in_tables.others


def _owners(file: HookFile, owner_of: OwnerOf) -> HookOwners:
    return hook_owners(settings_bytes(file.path) or b"", owner_of, form=file.form)
