"""Reads one chat of VS Code from disk: a log, one JSON object, or an export.

The editor stores a chat about once a minute and when its window closes: what changed is appended, and after 1,024
entries the file is replaced. Both are one to this reader, which goes by the state that the file comes to.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Batch, FileStat, Record
from carryover.agents.copilot.locate import CHATS
from carryover.agents.copilot.spec import EMPTY, SERVERS, WINDOWS
from carryover.agents.copilot.vscode_chat import Thread, threads_of
from carryover.agents.copilot.vscode_log import is_log, replayed, state_of
from carryover.agents.copilot.vscode_wire import Chat, SkippedRecord, Why
from carryover.readers import files
from carryover.readers.rewritten import read_on
from carryover.readers.stat_cache import utc_now_ms
from carryover.readers.workspaces import Folders, folders_of_uri, folders_of_window
from carryover.records import rawjson
from carryover.records.fields import digest
from carryover.records.lenient import Fields, fields_of, items_of, text_of

MAX_CHAT_BYTES: Final = 128 << 20
"""A longer chat is not read: its state must be held in memory."""
MAX_WINDOWS: Final = 2_000
SETTLED_MS: Final = 150_000
"""A chat that was not written for that long is taken as it is; a live one is stored about once a minute."""


class ChatReader:
    """See `carryover.adapter.contract.Reader`."""

    def __init__(self, now_ms: Callable[[], int] = utc_now_ms) -> None:
        self._now_ms = now_ms
        self._unfinished: tuple[Path, FileStat, Chats] | None = None

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """What changed in the chat. A newer copy of it in another window counts instead.

        Raises FileNotFoundError when it is gone, OSError when it is not a regular file or cannot be read.
        """
        now_ms = self._now_ms()
        stat = files.stamp_of_file(path)
        # A long chat is emitted in several batches, and replayed once for all of them.
        kept, self._unfinished = self._unfinished, None
        if kept is not None and kept[:2] == (path, stat):
            chats = kept[2]
        elif _has_newer_copy(path, stat.mtime_ns):
            chats = Chats()
        else:
            found = _replayed(path, stat, now_ms)
            if isinstance(found, str):
                return _given_up(cursor, found)
            chats = found
        batch = read_on(chats, cursor, now_ms=now_ms)
        if batch.more:
            self._unfinished = path, stat, chats
        return msgspec.structs.replace(batch, records=tuple(map(_numbered, batch.records)))

    def stat(self, path: Path) -> FileStat:
        """Size and time of the file."""
        return files.stamp_of_file(path)


class Chats:
    """See `carryover.readers.rewritten.Snapshot`: the threads of a chat, the main one first."""

    def __init__(self, threads: Iterable[Thread] = ()) -> None:
        self._threads = {each.ident: each for each in threads}

    def conversations(self) -> list[tuple[str, str]]:
        """Id and mark of each thread."""
        return [(ident, each.mark) for ident, each in self._threads.items()]

    def conversation(self, ident: str, _notes: dict[str, str]) -> Thread | None:
        """A thread."""
        return self._threads.get(ident)


class _Placed(msgspec.Struct, frozen=True):
    place: int = 1


def _numbered(record: Record) -> Record:
    """The record under the number of its request, which is how people count a chat."""
    return msgspec.structs.replace(record, number=msgspec.json.decode(record.data, type=_Placed).place)


def _replayed(path: Path, stat: FileStat, now_ms: int) -> Chats | Why:
    """The chat in a file, or why there is none. Raises OSError while the file is being written."""
    data = files.read_small(path, limit=MAX_CHAT_BYTES)
    if data is None:
        return "too long"
    changed_ms = min(stat.mtime_ns // 1_000_000, now_ms)
    state, problem = replayed(data) if path.suffix == ".jsonl" or is_log(data) else state_of(data)
    if state is None:
        if problem == "not JSON" and now_ms - changed_ms < SETTLED_MS:
            raise OSError(errno.EAGAIN, "the chat is being written", str(path))
        return problem or "nothing in it"
    folders = _folders(path, state)
    why: Why | None = "remote workspace" if folders.remote else problem
    rests_ms = changed_ms + SETTLED_MS if changed_ms + SETTLED_MS >= now_ms else None
    threads = [] if folders.remote else threads_of(state, _name_of(path, state), folders.paths, rests_ms)
    if why is not None:  # a thread without a word for what of it is not read
        threads.append(Thread(Chat(session="?"), state=SkippedRecord(why=why)))
    return Chats(threads)


def _given_up(cursor: bytes | None, why: Why) -> Batch:
    """A chat that cannot be read is counted once, and again when it has become another one."""
    mark = digest(f"unreadable {why}").encode()
    if cursor == mark:
        return Batch(records=(), cursor=mark)
    if why == "too long":
        return Batch(records=(), cursor=mark, oversized=1)
    return Batch(records=(Record(number=1, data=msgspec.json.encode(SkippedRecord(why=why))),), cursor=mark)


def _name_of(path: Path, state: Fields) -> str:
    """The id of a chat that has none: that of its file, or of an export one that its first request gives."""
    if path.parent.name in (CHATS, EMPTY):
        return path.stem
    first = fields_of(next(iter(items_of(state.get("requests"))), rawjson.ABSENT))
    return f"export-{digest(text_of(first.get('requestId')))}"


def _folders(path: Path, state: Fields) -> Folders:
    """The folders of the chat's window, or the one that it names itself."""
    own = folders_of_uri(text_of(state.get("workingDirectory")))
    if own is not None and (own.paths or own.remote):
        return own
    if path.parent.name != CHATS:
        return Folders()
    is_server = any(part in SERVERS for part in path.parts)
    return folders_of_window(path.parent.parent, is_server=is_server) or Folders()


def _has_newer_copy(path: Path, mtime_ns: int) -> bool:
    """Whether the same chat was written later in another window: one that becomes another copies its chats."""
    windows = path.parent.parent.parent
    if path.parent.name != CHATS or windows.name != WINDOWS:
        return False
    try:
        with os.scandir(windows) as entries:
            names = [entry.name for entry in entries if entry.name != path.parent.parent.name][:MAX_WINDOWS]
    except OSError:
        return False
    return any(_mtime_ns(windows / name / CHATS / path.name) > mtime_ns for name in names)


def _mtime_ns(path: Path) -> int:
    try:
        return files.stamp_of_file(path).mtime_ns
    except OSError:
        return 0
