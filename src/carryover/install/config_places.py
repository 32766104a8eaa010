"""Finds the settings files that may contain our hooks or our entry, and chooses among them. Reads the files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from carryover.adapter.spec import AgentSpec, Place, places_on
from carryover.edits.agent_settings import is_toml
from carryover.edits.encoding import EditRefused
from carryover.edits.entries import has_list
from carryover.edits.hook_command import OwnerOf, owner_by_script
from carryover.edits.hooks import HookFile, HookOwners, hook_owners
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
    """Returns the detections with `config` set to the file that our hooks or entry belong in.

    `scripts`: those that our hooks run, now or formerly.
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
    with_list = [path for path in files if may_have_list(path, key)]
    if with_list:
        return with_list[-1]
    return next((path for path in (new, *reversed(files)) if is_there(path)), new)


def may_have_list(path: Path, key: str) -> bool:
    """Whether a file may have the list. An unreadable one may; the edit then reports it and leaves it alone."""
    try:
        return has_list(settings_bytes(path) or b"", key, toml=is_toml(path))
    except (OSError, EditRefused):
        return True


def _for_hooks(found: Detection, owner_of: OwnerOf) -> Detection:
    """Chooses the tables if others have hooks there, or ours are there already; hooks in both would make the agent
    warn.
    """
    if found.spec.hooks.tables is None or found.config is None or not found.found or found.lost_folder is not None:
        return found
    tables = HookFile(found.located(found.spec.hooks.tables), "tables")
    in_tables, in_file = _owners(tables, owner_of), _owners(HookFile(found.config, found.form), owner_of)
    if in_tables is None or in_tables.others or (in_tables.ours and not (in_file and in_file.others)):
        return replace(found, config=tables.path, form="tables")
    return found


def _owners(file: HookFile, owner_of: OwnerOf) -> HookOwners | None:
    """Returns whose hooks are in a file; None if it can't be read, which is reported when it is edited."""
    try:
        return hook_owners(settings_bytes(file.path) or b"", owner_of, form=file.form)
    except (OSError, EditRefused):
        return None
