"""Keeps the hook calls of agents whose conversations cannot be read anywhere else.

    <state>/spool/<agent>/<session>.jsonl              one line per call (`carryover.transcript.spooled`)
    <state>/spool/<agent>/<session>.transcript.jsonl   copy of the transcript that the last call named
    <state>/spool/<agent>/pending/*.hook               one file per call that reached no daemon, written by `hook.sh`

A session's file is a source like a transcript. Payloads are kept unchanged, for the user alone: secrets are redacted
when they are read, so that a rebuilt ledger is redacted by the current rules. Data is synced to disk only at the end of
a turn, after the answer, so a power cut may lose the last turn.
"""

from __future__ import annotations

import errno
import os
import re
import threading
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from carryover.adapter.contract import Agent
from carryover.fsio import atomic_replace, open_regular, private_dir, read_beginning, read_bytes_bounded
from carryover.model import Skipped
from carryover.paths import StateDir
from carryover.platform import here
from carryover.text.pattern import later
from carryover.transcript.hooks import skipped_hook
from carryover.transcript.spooled import copy_beside, spool_line

MAX_PAYLOAD_BYTES: Final = 4 << 20
"""Longer payloads are not kept; `hook.sh` has the same limit."""
MAX_SESSION_BYTES: Final = 64 << 20
"""Later calls are not kept: dropping the start of the file instead would invalidate earlier ones."""
MAX_AGENT_BYTES: Final = 512 << 20
"""Beyond this, the least recently changed sessions are deleted. The ledger keeps what was read of them."""
_PENDING: Final = "pending"
PENDING_SUFFIX: Final = ".hook"
_HEAD_BYTES: Final = 8192
_LEFT_OVER_S: Final = 86_400
_SESSION: Final = later(r"[A-Za-z0-9][\w-]{0,99}")


class SpoolFull(Exception):
    """A session's file has reached its maximum size."""


class Spool:
    """The spool of one state folder. All methods block and are thread-safe."""

    def __init__(self, state: StateDir) -> None:
        self._root = state.spool
        self._lock = threading.Lock()

    def folder(self, agent_id: str) -> Path:
        return self._root / agent_id

    def keep(self, agent_id: str, session: str, line: bytes) -> Path:
        """Appends a line to a session's file. Raises SpoolFull, OSError, or ValueError for a bad id; adds none then."""
        if _SESSION.fullmatch(session) is None:
            raise ValueError("no usable session id")
        folder = self.folder(agent_id)
        path = folder / f"{session}.jsonl"
        with self._lock:
            private_dir(self._root)
            private_dir(folder)
            if _append(path, line):
                _prune(folder, newest=path)
        return path

    def finish_turn(self, path: Path, transcript: str | None) -> None:
        """Copies the transcript that the end of a turn named, and syncs the session's file to disk. Raises OSError."""
        if transcript is not None:
            self._copy(path, transcript)
        with os.fdopen(open_regular(path, os.O_NOFOLLOW), "rb") as file:
            here().full_sync(file.fileno())

    def collect(self, agent: Agent) -> list[Skipped]:
        """Moves pending calls into their sessions, oldest first; returns those not understood. Raises OSError."""
        dropped = []
        for _, path in sorted(_pending_files(self.folder(agent.id) / _PENDING)):
            call = _read_pending(path)
            if call is not None and agent.hooks is not None:
                event, cwd, payload, at_ms = call
                reading = agent.hooks.read(event, payload)
                line = spool_line(event, payload, at_ms=at_ms, cwd=cwd)
                if isinstance(reading, Skipped):
                    dropped.append(reading)
                elif line is not None:
                    try:
                        self._copy(self.keep(agent.id, reading.session, line), reading.transcript)
                    except (SpoolFull, ValueError):
                        dropped.append(skipped_hook(event, "not kept"))
            path.unlink(missing_ok=True)
        return dropped

    def _copy(self, path: Path, transcript: str | None) -> None:
        """Copies a transcript, up to the limit that is read, next to its session's file; skips an unreadable one."""
        if transcript is None:
            return
        with suppress(OSError, ValueError):
            data = read_beginning(Path(transcript), MAX_SESSION_BYTES)
            atomic_replace(copy_beside(path), data, mode=0o600, follow=False, sync="never")


def collect_pending(spool: Spool, agents: Mapping[str, Agent], selected: Iterable[str]) -> dict[str, list[Skipped]]:
    """Collects the readable pending calls of the selected agents; returns those not understood, by agent. Blocks."""
    found = {}
    for agent_id in dict.fromkeys(selected):
        if agents[agent_id].spec.is_spooled:
            with suppress(OSError):  # it stays where it is, and is tried again with the next rescan
                found[agent_id] = spool.collect(agents[agent_id])
    return found


def _append(path: Path, line: bytes) -> bool:
    """Appends in one write; returns whether the file is new. The rest of a torn write becomes a line of its own."""
    with os.fdopen(open_regular(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW), "rb") as file:
        descriptor, size = file.fileno(), os.fstat(file.fileno()).st_size
        if size + len(line) > MAX_SESSION_BYTES:
            raise SpoolFull
        is_torn = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
        data = b"\n" + line if is_torn else line
        try:
            if os.write(descriptor, data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        except OSError:
            os.ftruncate(descriptor, size)
            raise
    return size == 0


def _prune(folder: Path, *, newest: Path) -> None:
    """Removes the least recently changed sessions if their total is too large, but never the newest."""
    found = []
    for path in folder.glob("*.jsonl"):
        with suppress(OSError):
            status = path.lstat()
            found.append((status.st_mtime_ns, path, status.st_size))
    total = sum(size for _, _, size in found)
    for _, path, size in sorted(found):
        if total <= MAX_AGENT_BYTES:
            return
        if path != newest:
            path.unlink(missing_ok=True)
            total -= size


def _pending_files(folder: Path) -> list[tuple[int, Path]]:
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return []
    found = []
    for entry in entries:
        with suppress(FileNotFoundError):
            status = entry.stat(follow_symlinks=False)
            if entry.name.endswith(PENDING_SUFFIX) and not entry.name.startswith("."):
                found.append((status.st_mtime_ns, Path(entry.path)))
            elif status.st_mtime < time.time() - _LEFT_OVER_S:
                Path(entry.path).unlink()
    return found


def _read_pending(path: Path) -> tuple[str, str | None, bytes, int] | None:
    """Returns event, folder, payload and time of the call in a file; None if it is not one of ours."""
    try:
        at_ms = path.lstat().st_mtime_ns // 1_000_000
        data = read_bytes_bounded(path, MAX_PAYLOAD_BYTES + _HEAD_BYTES, follow=False)
    except OSError:
        return None
    event, _, rest = data.partition(b"\n")
    cwd, _, payload = rest.partition(b"\n")
    if re.fullmatch(rb"[A-Za-z_]{1,40}", event) is None or not payload:
        return None
    return event.decode(), os.fsdecode(cwd) or None, payload, at_ms
