"""Which settings file of an agent the handoff's entry belongs in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from carryover.adapter.spec import HandoffEntry, places_on
from carryover.edits.encoding import EditRefused
from carryover.edits.settings_list import has_list
from carryover.fsio import is_there, read_bytes_bounded
from carryover.install.detect import Detection

_LIMIT_BYTES: Final = 64 << 20


def with_entry_files(detections: Iterable[Detection], platform: str) -> tuple[Detection, ...]:
    """The detections with the file that the entry belongs in as `config`, for agents that load the handoff so."""
    return tuple(_settled(found, platform) for found in detections)


def entry_files(entry: HandoffEntry, found: Detection, platform: str) -> list[Path]:
    """The settings files that may hold the list, in the order in which the agent reads them."""
    return [found.located(place) for place in places_on(entry.files, platform)]


def _settled(found: Detection, platform: str) -> Detection:
    entry = found.spec.handoff_entry
    if entry is None:
        return found
    files = entry_files(entry, found, platform)
    return replace(found, config=_chosen(files, found.located(entry.new), entry.key))


def _chosen(files: Sequence[Path], new: Path, key: str) -> Path:
    """The last file that has the list, since the agent takes that one; else one that is there, else the new one."""
    with_list = [path for path in files if _may_have_list(path, key)]
    if with_list:
        return with_list[-1]
    return next((path for path in (new, *reversed(files)) if is_there(path)), new)


def _may_have_list(path: Path, key: str) -> bool:
    """Whether a file has the list. One that cannot be read may: then the edit names it and leaves it alone."""
    try:
        return has_list(read_bytes_bounded(path, _LIMIT_BYTES), key)
    except FileNotFoundError:
        return False
    except (OSError, EditRefused):
        return True
