"""The files that may hold an agent's hooks, and which of them ours belong in. Reads the files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from carryover.adapter.spec import AgentSpec, Place, places_on
from carryover.edits.encoding import EditRefused
from carryover.edits.hook_command import OwnerOf, owner_by_script
from carryover.edits.hooks import HookFile, HookOwners
from carryover.edits.settings import hook_owners
from carryover.errors import os_reason
from carryover.fsio import read_bytes_bounded
from carryover.install.detect import Detection

_LIMIT_BYTES: Final = 64 << 20


def hook_files(spec: AgentSpec, platform: str, located: Callable[[Place], Path]) -> Iterator[HookFile]:
    """Every file that may hold hooks of an agent; `located` says where a place is."""
    for place in places_on(spec.hooks.config_files, platform):
        yield HookFile(located(place), spec.hooks.form)
    if spec.hooks.tables is not None:
        yield HookFile(located(spec.hooks.tables), "tables")


def with_hook_files(detections: Iterable[Detection], scripts: Iterable[Path]) -> tuple[Detection, ...]:
    """The detections with the file that our hooks belong in as `config`, and others that hold some in `elsewhere`.

    `blocked` says why that is unknown, where a file can't be read. `scripts`: what our hooks run now, or ran before.
    """
    owner_of = owner_by_script(*sorted(scripts))
    return tuple(_settled(found, owner_of) for found in detections)


def _settled(found: Detection, owner_of: OwnerOf) -> Detection:
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
    """Whether our hooks belong in the tables. Ours never cause the warning that the agent gives at each start when both
    files hold hooks.

    Where our choice makes no difference to it, they stay: in another file the user would have to review them again.
    """
    if in_file.others != in_tables.others:
        return in_tables.others
    if in_file.ours != in_tables.ours:
        return in_tables.ours
    return in_tables.others


def _owners(file: HookFile, owner_of: OwnerOf) -> HookOwners:
    """Who has hooks in the file; no one where it is missing. Raises OSError and EditRefused."""
    try:
        return hook_owners(read_bytes_bounded(file.path, _LIMIT_BYTES), owner_of, form=file.form)
    except FileNotFoundError:
        return HookOwners()
