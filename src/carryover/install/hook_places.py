"""Which of an agent's files our hooks belong in, where there is more than one. Reads the files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from carryover.configedit.hook import Tenants
from carryover.configedit.json_document import Refused
from carryover.configedit.settings_text import tenants_of
from carryover.configedit.stub_line import WhoseIs, by_scripts
from carryover.fsio import read_bytes_bounded
from carryover.install.detect import Detection
from carryover.install.hook_files import HookFile
from carryover.publish.edits import why

_LIMIT_BYTES: Final = 64 << 20


def with_hook_files(detections: Iterable[Detection], scripts: Iterable[Path]) -> tuple[Detection, ...]:
    """The detections with the file that our hooks belong in as their `config`, and others that hold some `elsewhere`.

    Where that cannot be told, because a file can't be read, the reason is in `blocked`.

    `scripts`: what our hooks run, now or before.
    """
    whose = by_scripts(*sorted(scripts))
    return tuple(_settled(found, whose) for found in detections)


def _settled(found: Detection, whose: WhoseIs) -> Detection:
    if found.spec.hooks.tables is None or found.config is None or not found.found or found.lost_folder is not None:
        return found
    file = HookFile(found.config, found.form)
    tables = HookFile(found.located(found.spec.hooks.tables), "tables")
    try:
        in_tables = _tenants(tables, whose)
    except OSError as error:
        return replace(found, blocked=f"{tables.path} can't be read ({why(error)})")
    except Refused as error:
        return replace(found, blocked=f"{tables.path} can't be used: {error}")
    try:
        in_file = _tenants(file, whose)
    except (OSError, Refused):  # said by whoever is to edit it
        in_file = Tenants()
    here, there = (tables, file) if _tables_first(in_file, in_tables) else (file, tables)
    left = in_file if there is file else in_tables
    return replace(found, config=here.path, form=here.form, elsewhere=(there,) if left.ours else ())


def _tables_first(in_file: Tenants, in_tables: Tenants) -> bool:
    """Whether the tables are the place. The agent warns of hooks in both at each start, so ours never make it do that.

    Where it warns or not whatever we do, ours stay: in another place they would have to be reviewed anew.
    """
    if in_file.others != in_tables.others:
        return in_tables.others
    if in_file.ours != in_tables.ours:
        return in_tables.ours
    return in_tables.others


def _tenants(file: HookFile, whose: WhoseIs) -> Tenants:
    """Who has hooks in the file; nobody where there is none. Raises OSError and Refused."""
    try:
        return tenants_of(read_bytes_bounded(file.path, _LIMIT_BYTES), whose, form=file.form)
    except FileNotFoundError:
        return Tenants()
