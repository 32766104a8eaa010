"""Reads one chat of VS Code from disk: a log, one JSON object, or an export.

The editor stores a chat about once a minute and when its window closes: what changed is appended, and after 1,024
entries the file is replaced. Both are one to this reader, which goes by the state that the file comes to.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import Batch, FileStat, Record
from carryover.agents.copilot.spec import EMPTY, SERVERS, TRANSFERRED, WINDOWS
from carryover.agents.copilot.vscode_chat import Item, Thread, mark_of, threads_of
from carryover.agents.copilot.vscode_log import is_log, replayed, state_of
from carryover.agents.copilot.vscode_places import CHATS
from carryover.agents.copilot.vscode_wire import BeginRecord, Chat, SkippedRecord, Why, encoded
from carryover.readers import files
from carryover.readers.rewritten import NotYet, Piece, read_on
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
        batch = _numbered(read_on(chats, cursor, now_ms=now_ms), chats)
        if batch.more:
            self._unfinished = path, stat, chats
        return batch

    def stat(self, path: Path) -> FileStat:
        """Size and time of the file."""
        return files.stamp_of_file(path)


class Chats:
    """See `carryover.readers.rewritten.Snapshot`: the threads of a chat, the main one first."""

    def __init__(self, threads: Iterable[EmittedThread] = ()) -> None:
        self._threads = {each.ident: each for each in threads}

    def conversations(self) -> list[tuple[str, str]]:
        """Id and mark of each thread."""
        return [(ident, each.mark) for ident, each in self._threads.items()]

    def conversation(self, ident: str, _notes: dict[str, str]) -> EmittedThread | None:
        """A thread."""
        return self._threads.get(ident)

    def requests(self) -> dict[str, int]:
        """The place of each request in the chat, from 1, by its id."""
        named = (getattr(item.record, "request", "") for each in self._threads.values() for item in each.items)
        return {ident: number for number, ident in enumerate(dict.fromkeys(filter(None, named)), start=1)}


class EmittedThread:
    """See `carryover.readers.rewritten.Conversation`."""

    def __init__(self, thread: Thread, rests_ms: int | None) -> None:
        self.ident = thread.chat.thread
        self._thread = thread
        self.items = thread.items
        marks = [mark_of(item) for item in thread.items]
        self.pieces: Sequence[Piece] = [(item.ident, mark) for item, mark in zip(thread.items, marks, strict=True)]
        state = b"" if thread.state is None else encoded(thread.state)
        self.mark = digest(b"\n".join([state, *(mark.encode() for mark in marks)]))
        is_open = any(item.is_open for item in thread.items)
        self.rests_ms = rests_ms if is_open else None

    def begin(self, *, on: bool, more: bool) -> bytes | None:
        """The record before the items."""
        if isinstance(self._thread.state, SkippedRecord):
            return None
        return encoded(BeginRecord(chat=self._thread.chat, at_ms=self._thread.at_ms, on=on, more=more))

    def piece(self, number: int) -> bytes | None:
        """The record of an item. Raises NotYet for one that may still change."""
        item: Item = self._thread.items[number]
        if item.is_open and self.rests_ms is not None:
            raise NotYet
        return encoded(item.record)

    def end(self, emitted: int) -> bytes | None:
        """What is known of the chat as a whole, or why it is not read."""
        state = self._thread.state
        is_told = emitted > 0 or isinstance(state, SkippedRecord)
        return encoded(state) if state is not None and is_told else None


class _OfRequest(msgspec.Struct, frozen=True):
    request: str = ""


def _numbered(batch: Batch, chats: Chats) -> Batch:
    """The batch with each record under the number of its request, which is how people count a chat."""
    places, number = chats.requests(), 1
    records = []
    for record in batch.records:
        number = places.get(msgspec.json.decode(record.data, type=_OfRequest).request, number)
        records.append(msgspec.structs.replace(record, number=number))
    return msgspec.structs.replace(batch, records=tuple(records))


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
    rests_ms = changed_ms + SETTLED_MS if changed_ms + SETTLED_MS >= now_ms else None
    return Chats(EmittedThread(thread, rests_ms) for thread in _threads_in(path, state, problem))


def _given_up(cursor: bytes | None, why: Why) -> Batch:
    """A chat that cannot be read is counted once, and again when it has become another one."""
    mark = digest(f"unreadable {why}").encode()
    if cursor == mark:
        return Batch(records=(), cursor=mark)
    if why == "too long":
        return Batch(records=(), cursor=mark, oversized=1)
    return Batch(records=(Record(number=1, data=encoded(SkippedRecord(what="chat", why=why))),), cursor=mark)


def _threads_in(path: Path, state: Fields, problem: Why | None) -> list[Thread]:
    """The threads of a chat, and one without a word for what of it is not read."""
    folders = _folders(path, state)
    threads = [] if folders.remote else threads_of(state, _name_of(path, state), folders.paths)
    why: Why | None = "remote workspace" if folders.remote else problem
    if why is not None:
        threads.append(Thread(Chat(session="?"), 0, state=SkippedRecord(what="chat", why=why)))
    return threads


def _name_of(path: Path, state: Fields) -> str:
    """The id of a chat that has none: that of its file, or of an export one that its first request gives."""
    if path.parent.name in (CHATS, EMPTY, TRANSFERRED):
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
