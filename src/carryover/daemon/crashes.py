"""Crash reports: `<state>/crashes/<utc>.txt`, kept on this machine, never sent.

A report has the traceback as file, line and function, the versions, and the last lines of the log. It contains no
values and no error messages, since those may quote transcripts. A signal such as SIGSEGV leaves no time for that: then
Python's faulthandler writes into a file that is kept open, and the next start makes a report of what it finds there.
"""

from __future__ import annotations

import faulthandler
import os
import re
import sqlite3
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Final

from carryover import __version__
from carryover.daemon.crash_files import REPORT_BYTES, REPORT_NAME, SIGNAL, beginning_of, report_files
from carryover.daemon.log import Log, Word, type_and_place
from carryover.errors import UserError
from carryover.fsio import open_regular, private_dir

MOST_REPORTS: Final = 10
LOG_LINES: Final = 30
_LOG_BYTES: Final = 8 * 1024
_MOST_FRAMES: Final = 60
_MOST_ERRORS: Final = 8

_ABOUT: Final = """\
Crash report of carryoverd. It is kept on this machine only and holds no text of transcripts: of the error its type and
its place, not its message; of the program no values.
"""
_FATAL_FRAME: Final = re.compile(r'File "([^"\n]*)", line (\d+) in (.*)')
_BINARY: Final = re.compile(r'(?<=Binary file ")[^"\n]*/')
"""The folder of a program or library, in the stack of C that Python 3.14 adds."""
_LIBRARIES: Final = ("aiohttp", "aiosqlite", "msgspec", "watchfiles", "git")


class CrashReports:
    """Writes reports into `folder`. Failures to write are ignored: a full disk must not make anything worse.

    reports.complete_earlier()  # of a process that a signal killed
    with reports.recording(log):
        reports.report(error, "reader-1")
    """

    def __init__(self, folder: Path, log_path: Path) -> None:
        self._folder = folder
        self._log_path = log_path
        self._began_s = time.monotonic()
        self._reported: set[str] = set()

    def report(self, error: BaseException, where: str) -> Path | None:
        """Reports an error that the task or thread `where` did not handle; None for a UserError, and a known one."""
        what = f"{Word(where)} failed: {type_and_place(error)}"
        if not isinstance(error, UserError) and what not in self._reported:
            self._reported.add(what)
            ran_s = time.monotonic() - self._began_s
            with suppress(OSError):
                return self._write(datetime.now(UTC), f"{what}, after {ran_s:.0f} s", "".join(_traceback(error)))
        return None

    def complete_earlier(self) -> None:
        """Makes a report of what a fatal signal left. Only with the daemon's lock, and before the log is opened."""
        left = self._folder / SIGNAL
        with suppress(OSError):
            if dump := beginning_of(left).strip():
                frames = _FATAL_FRAME.sub(
                    lambda frame: f"{_short(frame[1])}:{frame[2]} in {frame[3]}", _BINARY.sub("", dump)
                )
                self._write(datetime.fromtimestamp(left.stat().st_mtime, UTC), dump.partition("\n")[0], f"{frames}\n")
            left.unlink()

    @contextmanager
    def recording(self, log: Log) -> Iterator[None]:
        """Records fatal signals and failed threads while the block runs."""
        former = threading.excepthook

        def thread_failed(args: threading.ExceptHookArgs) -> None:
            if isinstance(args.exc_value, Exception):
                name = args.thread.name if args.thread is not None else "thread"
                log.error("thread_failed", args.exc_value, thread=Word(name))
                self.report(args.exc_value, name)

        threading.excepthook = thread_failed
        descriptor = None
        with suppress(OSError):
            private_dir(self._folder)
            descriptor = open_regular(self._folder / SIGNAL, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW)
            faulthandler.enable(file=descriptor, all_threads=True)
        try:
            yield
        finally:
            threading.excepthook = former
            with suppress(OSError):
                if descriptor is not None:
                    faulthandler.disable()
                    os.close(descriptor)
                    (self._folder / SIGNAL).unlink()
                self._folder.rmdir()  # only while it is empty

    def _write(self, at: datetime, what: str, body: str) -> Path:
        """Writes a report. Raises OSError. Does not create the state folder, which may have been removed meanwhile."""
        log = ""
        with suppress(OSError), os.fdopen(open_regular(self._log_path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _LOG_BYTES))
            lines = file.read().decode(errors="replace").splitlines()[-LOG_LINES:]
            log = "".join(f"{line}\n" for line in lines)
        system = os.uname()
        versions = ((name, getattr(sys.modules.get(name), "__version__", None)) for name in _LIBRARIES)
        libraries = "".join(f", {name} {version}" for name, version in versions if isinstance(version, str))
        text = (
            f"{_ABOUT}\n"
            f"crashed   {at.isoformat(timespec='milliseconds').replace('+00:00', 'Z')}\n"
            f"what      {what}\n"
            f"version   carryover {__version__}, Python {'.'.join(map(str, sys.version_info[:3]))}, "
            f"SQLite {sqlite3.sqlite_version}{libraries}\n"
            f"platform  {system.sysname} {system.release} {system.machine}\n"
            f"\n{body}\nlast lines of the log:\n{log}"
        )
        with suppress(FileExistsError):
            self._folder.mkdir(mode=0o700)
        path = self._folder / f"{at.strftime(REPORT_NAME)}.txt"
        with os.fdopen(open_regular(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW), "wb") as file:
            file.write(text.encode(errors="replace")[:REPORT_BYTES])
        for old in report_files(self._folder)[MOST_REPORTS:]:
            old.unlink()
        return path


def _traceback(error: BaseException) -> Iterator[str]:
    """Yields file, line and function of each call, and the types of the error and its causes; no messages or code."""
    todo: list[tuple[BaseException, str]] = [(error, "traceback, the newest call last")]
    for current, relation in islice(todo, _MOST_ERRORS):  # grows meanwhile
        yield f"\n{relation}:\n"
        for frame, line in list(traceback.walk_tb(current.__traceback__))[-_MOST_FRAMES:]:
            yield f"  {_short(frame.f_code.co_filename)}:{line} in {frame.f_code.co_qualname}\n"
        yield f"{type_and_place(current).partition(' at ')[0]} (message left out)\n"
        if isinstance(current, BaseExceptionGroup):
            todo += [(part, "one of its errors") for part in current.exceptions]
        if (cause := current.__cause__ or current.__context__) is not None:
            todo.append((cause, "caused by" if current.__cause__ is not None else "while this was handled"))


def _short(filename: str) -> str:
    """Returns the file's path without its installation folder, which may be in the user's home."""
    folders = [folder for folder in sys.path if folder and filename.startswith(f"{folder}/")]
    return filename.removeprefix(max(folders, key=len)).lstrip("/") if folders else Path(filename).name
