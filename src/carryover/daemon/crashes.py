"""Crash reports: `<state>/crashes/<utc>.txt`, kept on this machine, never sent.

A report has the traceback as file, line and function, the versions, and the last lines of the log. It contains no
values and no error message, since those may quote transcripts.

A signal such as SIGSEGV leaves no time to create a file. So while the daemon runs, it keeps a file open that has only a
heading, for Python's faulthandler to write into. A proper shutdown removes it. The next start removes it too if nothing
was added (SIGKILL, power cut), and otherwise completes the report.
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
from pathlib import Path
from typing import Final

import msgspec

from carryover import __version__
from carryover.daemon.log import Log, Word, describe
from carryover.daemon.log_file import last_lines
from carryover.errors import UserError
from carryover.fsio import private_dir, read_beginning

MOST_REPORTS: Final = 10
LIMIT_BYTES: Final = 64 * 1024
LOG_LINES: Final = 30
_LOG_BYTES: Final = 8 * 1024
_DUMP_CHARS: Final = LIMIT_BYTES // 2
"""Leaves room for the log's lines; without them, a report counts as incomplete."""
_MOST_FRAMES: Final = 60
_MOST_ERRORS: Final = 8

_ABOUT: Final = """\
Crash report of carryoverd. It is kept on this machine only and holds no text of transcripts: of the error its type and
its place, not its message; of the program no values.
"""
_FATAL: Final = "fatal error (if nothing follows, there was none):\n"
_LOG: Final = "last lines of the log:\n"
_NAME: Final = "%Y%m%dT%H%M%S.%fZ"
_WHAT: Final = re.compile(r"^what +(.*)$", re.MULTILINE)
_FATAL_FRAME: Final = re.compile(r'File "([^"\n]*)", line (\d+) in (.*)')
_LIBRARIES: Final = ("aiohttp", "aiosqlite", "msgspec", "watchfiles", "git")


class CrashReport(msgspec.Struct, frozen=True):
    """A report on disk. `at_ms`: time of the crash, UTC ms. `what`: the type of error and its place, in one line."""

    path: str
    at_ms: int
    what: str


class CrashReports:
    """Writes reports into `folder`. Failures to write are ignored: a full disk must not make anything worse."""

    def __init__(self, folder: Path, log_path: Path) -> None:
        self._folder = folder
        self._log_path = log_path
        self._began_s = time.monotonic()
        self._reported: set[tuple[str, str]] = set()
        self._open: Path | None = None

    def report(self, error: BaseException, where: str) -> Path | None:
        """Reports `error`, which was not handled in `where`, one of our tasks or threads. Returns the report's path.

        Returns None if nothing was written: for a UserError, whose message is enough, and for an error that this daemon
        has already reported, since a restarted task may keep failing. Blocks for some ms.
        """
        what = f"{Word(where)} failed: {describe(error)}"
        if isinstance(error, UserError) or (where, what) in self._reported:
            return None
        self._reported.add((where, what))
        text = (
            f"{_heading(what, datetime.now(UTC), time.monotonic() - self._began_s)}\n"
            f"traceback, the newest call last:\n{''.join(_traceback(error))}\n{self._last_log_lines()}"
        )
        with suppress(OSError):
            path = self._write(datetime.now(UTC), text)
            self._prune()
            return path
        return None

    def complete_earlier(self) -> None:
        """Completes the report of a daemon that a fatal signal ended, and removes files without a report.

        Call this only with the daemon's lock, before the log is opened.
        """
        for path in _files(self._folder):
            with suppress(OSError, ValueError):
                head, marker, dump = _read(path).partition(_FATAL)
                if not marker or _LOG in dump:
                    continue
                if dump.strip():
                    at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                    dump = _FATAL_FRAME.sub(lambda frame: f"{_short(frame[1])}:{frame[2]} in {frame[3]}", dump)
                    self._write(at, f"{head}{marker}{dump[:_DUMP_CHARS]}\n{self._last_log_lines()}")
                path.unlink()
        with suppress(OSError):
            self._prune()

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
        descriptor = self._open_for_signals()
        try:
            yield
        finally:
            threading.excepthook = former
            if descriptor is not None:
                faulthandler.disable()
                os.close(descriptor)
            if self._open is not None:
                with suppress(OSError):
                    self._open.unlink()
            with suppress(OSError):
                self._folder.rmdir()  # only while it is empty

    def _open_for_signals(self) -> int | None:
        now = datetime.now(UTC)
        with suppress(OSError):
            private_dir(self._folder)
            self._open = self._write(now, f"{_heading('a fatal signal', now, None)}\n{_FATAL}")
            descriptor = os.open(self._open, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
            faulthandler.enable(file=descriptor, all_threads=True)
            return descriptor
        return None

    def _write(self, at: datetime, text: str) -> Path:
        """Writes a report. Raises OSError. Does not create the state folder, which may have been removed meanwhile."""
        with suppress(FileExistsError):
            self._folder.mkdir(mode=0o700)
        path = self._folder / f"{at.strftime(_NAME)}.txt"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(text.encode(errors="replace")[:LIMIT_BYTES])
        return path

    def _prune(self) -> None:
        for path in [path for path in _files(self._folder) if path != self._open][MOST_REPORTS:]:
            path.unlink()

    def _last_log_lines(self) -> str:
        return _LOG + "".join(f"{line}\n" for line in last_lines(self._log_path, _LOG_BYTES)[-LOG_LINES:])


def crash_reports(folder: Path) -> tuple[CrashReport, ...]:
    """Returns the reports in `folder`, newest first. Reads only; unreadable ones are left out."""
    found = []
    for path in _files(folder):
        with suppress(OSError):
            head, marker, dump = _read(path).partition(_FATAL)
            what = _WHAT.search(head)
            if what is None or (marker and not dump.strip()):
                continue
            fatal = bool(marker)
            text = dump.strip().splitlines()[0] if fatal else what[1]
            at_ms = _named_ms(path) if not fatal or _LOG in dump else int(path.stat().st_mtime * 1000)
            found.append(CrashReport(str(path), at_ms, text))
    return tuple(sorted(found, key=lambda report: report.at_ms, reverse=True))


def _files(folder: Path) -> list[Path]:
    """Returns the files that have our naming, newest first; others are not ours."""
    with suppress(OSError):
        return sorted((path for path in folder.iterdir() if _named_ms(path)), reverse=True)
    return []


def _named_ms(path: Path) -> int:
    """Returns the time in the file's name; 0 for any other name."""
    with suppress(ValueError):
        return int(datetime.strptime(path.name, f"{_NAME}.txt").replace(tzinfo=UTC).timestamp() * 1000)
    return 0


def _read(path: Path) -> str:
    """Reads the start of a report, which is all of it except after a fatal signal. Raises OSError."""
    return read_beginning(path, 2 * LIMIT_BYTES).decode(errors="replace")


def _heading(what: str, at: datetime, uptime_s: float | None) -> str:
    system = os.uname()
    libraries = [f"{name} {version}" for name in _LIBRARIES if (version := _version(name))]
    ran = "" if uptime_s is None else f", running for {uptime_s:.0f} s"
    time_of = "started" if uptime_s is None else "crashed"
    return (
        f"{_ABOUT}\n"
        f"{time_of}   {at.isoformat(timespec='milliseconds').replace('+00:00', 'Z')}\n"
        f"what      {what}\n"
        f"version   carryover {__version__}, Python {'.'.join(map(str, sys.version_info[:3]))}, "
        f"SQLite {sqlite3.sqlite_version}{''.join(f', {library}' for library in libraries)}\n"
        f"platform  {system.sysname} {system.release} {system.machine}\n"
        f"process   {os.getpid()}{ran}\n"
    )


def _version(library: str) -> str | None:
    found = getattr(sys.modules.get(library), "__version__", None)
    return found if isinstance(found, str) else None


def _traceback(error: BaseException) -> Iterator[str]:
    """Yields file, line and function of each call, and the types of the error and its causes; no messages or code."""
    todo: list[tuple[BaseException, str]] = [(error, "")]
    for _ in range(_MOST_ERRORS):
        if not todo:
            return
        current, relation = todo.pop(0)
        if relation:
            yield f"\n{relation}:\n"
        frames = [
            f"  {_short(frame.f_code.co_filename)}:{line} in {frame.f_code.co_qualname}\n"
            for frame, line in traceback.walk_tb(current.__traceback__)
        ]
        if len(frames) > _MOST_FRAMES:
            half = _MOST_FRAMES // 2
            frames[half:-half] = [f"  ... {len(frames) - 2 * half} more\n"]
        yield from frames
        yield f"{describe(current).partition(' at ')[0]} (message left out)\n"
        if isinstance(current, BaseExceptionGroup):
            todo += [(part, "one of its errors") for part in current.exceptions]
        if current.__cause__ is not None:
            todo.append((current.__cause__, "caused by"))
        elif current.__context__ is not None and not current.__suppress_context__:
            todo.append((current.__context__, "while this was handled"))


def _short(filename: str) -> str:
    """Returns the file's path without its installation folder, which may be in the user's home."""
    folders = [folder for folder in sys.path if folder and filename.startswith(f"{folder}/")]
    return filename.removeprefix(max(folders, key=len)).lstrip("/") if folders else Path(filename).name
