"""Finds where one rollout continues another: after a rewind in the terminal (0.171), a thread goes on in a new file.

The first record names the file that it continues, and the place up to which: what that file has from there on was
retracted, and so was whatever the thread has in other files since then. No record names the turns, or their time. But
the record at that place has a time, which `place_before` puts before the file's own records.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec

from carryover.agents.codex.rollout import made_s
from carryover.records.lenient import fields_of, number_of, text_of
from carryover.text.pattern import later
from carryover.transcript.files import entries_of, read_from, read_head

PLACE: Final = "continued_from"
"""The type of the record that `place_before` makes."""
_PART: Final = later(r"_[0-9a-fA-F-]{36}\.jsonl\Z")
_ID: Final = later(r"[0-9a-fA-F-]{36}")
_AT_PLACE: Final = later(rb'\n\{"timestamp":"([^"]{1,40})","ordinal":(\d{1,15}),')
_HEAD_BYTES: Final = 1 << 20
"""Enough for the first record, which holds the instructions for the model (22 kB in 0.171)."""
_AT_PLACE_BYTES: Final = 200


def place_before(path: Path) -> bytes | None:
    """Returns a record with the time of the place at which this file continues another of its thread. None if it
    continues that file's end, or if the place can't be found."""
    if not _PART.search(path.name):
        return None
    with suppress(OSError, ValueError):  # of a place that no file can have
        meta = fields_of(read_head(path, _HEAD_BYTES).partition(b"\n")[0])
        base = fields_of(fields_of(meta.get("payload")).get("history_base"))
        name, offset = text_of(base.get("thread_id")), number_of(base.get("end_byte_offset"))
        if not offset or offset < 1 or not _ID.fullmatch(name):
            return None
        for file in files_of(path, name):
            # A file that was migrated meanwhile has other bytes there.
            found = _AT_PLACE.match(read_from(file, offset - 1, _AT_PLACE_BYTES))
            if found is not None and int(found[2]) == number_of(base.get("end_ordinal_exclusive")):
                return msgspec.json.encode({"timestamp": found[1].decode("ascii", "replace"), "type": PLACE})
    return None


def files_of(path: Path, name: str) -> Iterator[Path]:
    """Yields files that end in that id: beside `path`, or in the folder of the day when the id was made."""
    folders = [path.parent]
    for root in path.parents[3:4]:
        with suppress(ValueError, OverflowError):  # no time that has a date
            made = datetime.fromtimestamp(made_s(name), UTC)
            days = [made + timedelta(days=days) for days in (-1, 0, 1)]  # it is named by local time
            folders += [root / f"{day:%Y/%m/%d}" for day in days]
    for folder in dict.fromkeys(folders):
        for entry in entries_of(folder):
            if entry.name.endswith(f"{name}.jsonl") and entry.name.startswith("rollout-"):
                yield Path(entry.path)
