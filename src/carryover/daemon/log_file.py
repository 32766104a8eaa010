"""Reads the daemon's log: its files in chronological order, and the fields of each line. Works without a daemon.
Blocks.

The log may be rotated while it is read, so files are opened from the newest to the oldest: one that is renamed
meanwhile turns up again under its next name, and is recognised by its inode.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

OLD_FILES: Final = 3
LEVELS: Final = ("debug", "info", "warning", "error")

Field = str | int | float | bool | None

_LINE: Final = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (?P<level>DEBUG|INFO|WARNING|ERROR) (?P<event>\S+)(?P<fields>.*)"
)
_FIELD: Final = re.compile(r' (\w+)=("(?:[^"\\]|\\.)*"|\S*)')
_CONSTANTS: Final[Mapping[str, Field]] = {"true": True, "false": False, "none": None}
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the log. `time` is UTC, as written; `level` is in lower case."""

    time: str
    level: str
    event: str
    fields: dict[str, Field] = {}

    @property
    def at_ms(self) -> int:
        """`time` in UTC ms."""
        return int(datetime.fromisoformat(self.time).timestamp() * 1000)


def parse_line(text: str) -> LogLine | None:
    """Parses a line; returns None if it is truncated."""
    found = _LINE.fullmatch(text)
    if found is None:
        return None
    with suppress(ValueError):  # an impossible date
        datetime.fromisoformat(found["time"])
        fields = {name: _value(value) for name, value in _FIELD.findall(found["fields"])}
        return LogLine(time=found["time"], level=found["level"].lower(), event=found["event"], fields=fields)
    return None


def open_files(log: Path, newer_than: int | None = None) -> list[BinaryIO]:
    """Opens the log's files, oldest first; the caller closes them.

    With `newer_than`, the inode of one of them, only the later ones. Missing files are left out, and so is anything of
    that name that is not a regular file.
    """
    opened: dict[int, BinaryIO] = {}
    for path in (log, *(log.with_name(f"{log.name}.{n}") for n in range(1, OLD_FILES + 1))):
        with suppress(FileNotFoundError, IsADirectoryError):
            file = open(path, "rb", opener=_no_link)  # noqa: SIM115 (the caller closes it)
            inode = os.fstat(file.fileno()).st_ino
            if inode == newer_than:
                file.close()
                break
            if inode in opened:
                file.close()
            else:
                opened[inode] = file
    return list(reversed(opened.values()))


def last_lines(log: Path, limit_bytes: int) -> list[str]:
    """Returns the lines in the last `limit_bytes` of the log, across its files; none if it is missing or unreadable."""
    chunks: list[bytes] = []
    left = limit_bytes
    files: list[BinaryIO] = []
    with suppress(OSError):
        files = open_files(log)
    for file in reversed(files):
        with file, suppress(OSError):
            size = os.fstat(file.fileno()).st_size
            file.seek(max(0, size - left))
            chunks.append(file.read(left))
            left -= len(chunks[-1])
    text = b"".join(reversed(chunks)).decode(errors="replace")
    lines = text.split("\n")
    return [line for line in (lines if left > 0 else lines[1:]) if line]


def _value(text: str) -> Field:
    if text.startswith('"'):
        with suppress(msgspec.DecodeError):
            return msgspec.json.decode(text, type=str)
        return text
    if _NUMBER.fullmatch(text):
        return float(text) if set(text) & set(".e") else int(text)
    return _CONSTANTS.get(text, text)


def _no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
