"""The daemon's log: `carryoverd.log`, one structured line per decision, rotated at 1 MiB, three old files kept.

No text from transcripts and no path is ever logged: a field is a number or a `Word`. Errors are logged by type and
place, since their messages may quote what was read. Projects are identified by their number, sources by `source_id`.
"""

from __future__ import annotations

import errno
import hashlib
import logging
import os
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import BinaryIO, Final

from carryover.fsio import open_regular
from carryover.text.pattern import later

LIMIT_BYTES: Final = 1024 * 1024
OLD_FILES: Final = 3
_WORD: Final = later(r"[A-Za-z0-9_.:+-][A-Za-z0-9_.:+\[\]-]{0,79}")
_NO_WORD: Final = later(r"[^A-Za-z0-9_.:+-]+")


class Word(str):
    """An identifier of our own that may be logged: a task, an agent, a signal. A sentence or a path becomes `?`."""

    __slots__ = ()

    def __new__(cls, text: str) -> Word:
        return super().__new__(cls, text if _WORD.fullmatch(text) else "?")


def phrase(text: str) -> Word:
    """Turns one of this program's own reasons into one word: `no_session_bus`. Never use it for text that was read."""
    return Word(_NO_WORD.sub("_", text).strip("_")[:80])


_Value = Word | int | float | bool | None
Sink = Callable[[int, str], None]


class Log:
    """Writes `event key=value ...` lines. Each `event` must be a literal at the call; a text that is no `Word` is `?`.

    >>> log = Log(lambda level, line: print(line))
    >>> log.info("source_read", agent=Word("codex"), events=12)
    source_read agent=codex events=12
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def info(self, event: str, **fields: _Value) -> None:
        self._sink(logging.INFO, line(event, fields))

    def warning(self, event: str, **fields: _Value) -> None:
        self._sink(logging.WARNING, line(event, fields))

    def error(self, event: str, error: BaseException, **fields: _Value) -> None:
        """Logs `event` with the type and place of `error`."""
        what = type_and_place(error)
        self._sink(logging.ERROR, f"{line(event, fields)} error=" + (f'"{what}"' if " " in what else what))


def line(event: str, fields: Mapping[str, _Value]) -> str:
    """Formats one log line without its time and level."""
    return " ".join([event, *(f"{key}={_shown(value)}" for key, value in fields.items())])


def source_id(agent_id: str, path: str) -> Word:
    """Returns the name of a source in the log: 8 hex digits that stand for its agent and path."""
    named = os.fsencode(f"{agent_id}\0{path}")
    return Word(hashlib.blake2b(named, digest_size=4).hexdigest())


def type_and_place(error: BaseException) -> str:
    """Returns type and place of `error`, such as `KeyError at carryover.ledger.store:88`; never its message."""
    name = type(error).__name__
    if isinstance(error, OSError) and error.errno is not None:
        name = f"{name}[{errno.errorcode.get(error.errno, error.errno)}]"
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "carryover" in Path(frame.filename).parts]
    if not ours:
        return name
    parts = Path(ours[-1].filename).with_suffix("").parts
    module = ".".join(parts[len(parts) - 1 - parts[::-1].index("carryover") :])
    return f"{name} at {module}:{ours[-1].lineno}"


def open_log(path: Path) -> tuple[Log, Callable[[], None]]:
    """Opens a log that appends to `path` (mode 0600); also returns the function that closes it."""
    handler = _File(path, maxBytes=LIMIT_BYTES, backupCount=OLD_FILES, encoding="utf-8", delay=True)
    form = logging.Formatter("%(asctime)s.%(msecs)03dZ %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S")
    form.converter = time.gmtime
    handler.setFormatter(form)
    logger = logging.Logger("carryoverd", logging.INFO)  # unregistered, so that other libraries never write here
    logger.addHandler(handler)
    return Log(lambda number, text: logger.log(number, "%s", text)), handler.close


class _File(RotatingFileHandler):
    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding=self.encoding, opener=open_regular)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the name is logging's)
        """Drops a line that cannot be written, as on a full disk; nothing else depends on it."""

    def close(self) -> None:
        with suppress(OSError):  # the same of what was not written yet: the file is closed all the same
            super().close()


def _shown(value: _Value) -> str:
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:.3g}"
    return str(value) if type(value) in (int, Word) else "?"  # even if no type checker has seen the call


def open_files(log: Path) -> list[BinaryIO]:
    """Opens the log's files, oldest first, for the caller to close."""
    # From the newest on: one that is renamed meanwhile turns up again under its next name, with the same inode.
    opened: dict[int, BinaryIO] = {}
    for path in (log, *(log.with_name(f"{log.name}.{n}") for n in range(1, OLD_FILES + 1))):
        with suppress(FileNotFoundError, IsADirectoryError):
            file = open(path, "rb", opener=_no_link)  # noqa: SIM115 (the caller closes it)
            inode = os.fstat(file.fileno()).st_ino
            if inode in opened:
                file.close()
            else:
                opened[inode] = file
    return list(reversed(opened.values()))


def _no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
