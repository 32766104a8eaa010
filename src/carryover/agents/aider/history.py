"""Reads `.aider.chat.history.md`, a Markdown file that grows by blocks and holds all sessions of a project."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from operator import itemgetter
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from carryover.adapter.contract import FileStat, LastInput
from carryover.agents.aider import blocks
from carryover.agents.aider.blocks import Block
from carryover.fsio import stat_regular
from carryover.readers.bounds import TooLarge
from carryover.readers.files import read_tail
from carryover.readers.jsonl import MAX_LINE_BYTES
from carryover.readers.rewritten import NotYet, SnapshotReader
from carryover.readers.stat_cache import utc_now_ms
from carryover.records.fields import digest, local_ms

NAME: Final = ".aider.chat.history.md"
INPUTS_NAME: Final = ".aider.input.history"
INPUTS_BYTES: Final = 4 << 20
"""How much of the input history one read considers."""
MAX_BYTES: Final = 32 << 20
MOST_LINES: Final = 500_000
"""How much of the end of a history is read."""
HOLD_MS: Final = 300
"""How long after a write the last block may still grow: a long one may be written in several pieces, and after an error
Aider adds what it does next."""

_NEWEST_BYTES: Final = 256 << 10
"""The newest input is searched for in this many last bytes: it may be a long paste."""
_AHEAD: Final = 300
"""Inputs that may have come in between: answers to questions are inputs too."""
_EARLIER_MS: Final = 1_500
"""A session's header has whole seconds, and the first question may be answered before it is written."""
_BEFORE_MS: Final = 60_000
"""How long before the first header what comes before it is assumed to be."""
_WRITTEN_AT_ONCE: Final = 4_000
"""Characters. A longer block may be read half written."""
_STAMP: Final = re.compile(r"# (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?)")
_ENTRY: Final = re.compile(rf"^{_STAMP.pattern}\r?\n((?:\+[^\n]*\n)+)", re.MULTILINE)


def _inputs_of(history: Path) -> Path:
    """Returns the input history: beside the chat history, or at the top of the repository if that was moved below."""
    top = next((folder for folder in history.parents if (folder / ".git").exists()), history.parent)
    beside = history.with_name(INPUTS_NAME)
    return beside if beside.exists() else top / INPUTS_NAME


def last_input(history: Path) -> LastInput:
    """Returns the newest input beside a chat history. Its time is local to this machine or a container (mostly UTC)."""
    path = _inputs_of(history)
    lines: list[str] = []
    with suppress(OSError):
        lines = read_tail(path, _NEWEST_BYTES).decode("utf-8", "replace").splitlines()
    stamp = next((found[1] for line in reversed(lines) if (found := _STAMP.fullmatch(line))), None)
    return LastInput(path, (local_ms(stamp), local_ms(f"{stamp}+00:00")) if stamp is not None else ())


class _Inputs:
    """The newest entries of the input history in order, each found again in the chat history of a session."""

    def __init__(self, path: Path) -> None:
        self.kept = False
        self._next = 0
        self._inputs: list[tuple[int, str]] = []
        with suppress(OSError):
            for entry in _ENTRY.finditer(read_tail(path, INPUTS_BYTES).decode("utf-8", "replace")):
                lines = (line.removeprefix("+") for line in entry[2].splitlines())
                self._inputs.append((local_ms(entry[1]), blocks.plain("\n".join(lines))))
            self._inputs.sort(key=itemgetter(0))
            self.kept = True

    def begin(self, started_ms: int) -> None:
        """Goes to the first input of a session."""
        self._next = bisect_left(self._inputs, (started_ms - _EARLIER_MS, ""))

    def confirm(self, text: str) -> bool | None:
        """Whether this text was typed after the last one that was taken; None if nothing is known of inputs."""
        return self._find(text) is not None if self._inputs else None

    def take(self, text: str) -> int | None:
        """Consumes the inputs up to this text and returns when it was typed (UTC ms); None if it was not typed."""
        found = self._find(text)
        if found is None:
            return None
        self._next = found + 1
        return self._inputs[found][0]

    def _find(self, text: str) -> int | None:
        wanted = blocks.plain(text)
        # Text typed between `{` and `}` is one prompt, but one input per line.
        wanted_any = (wanted, wanted.partition("\n")[0])
        ahead = range(self._next, min(self._next + _AHEAD, len(self._inputs)))
        return next((at for at in ahead if self._inputs[at][1] in wanted_any), None)


class HistoryReader(SnapshotReader["_History"]):
    """Reads a history as a whole whenever it has changed; see `carryover.adapter.contract.Reader`."""

    def __init__(self, now_ms: Callable[[], int] = utc_now_ms) -> None:
        super().__init__(lambda path, stat: _History(path, stat, now_ms()), now_ms=now_ms, oldest_first=True)


class _History:
    """A snapshot of a history, whose conversations are its sessions; see `carryover.readers.rewritten.Snapshot`."""

    def __init__(self, path: Path, stat: FileStat, now_ms: int) -> None:
        self._inode = f"{stat_regular(path).st_ino:x}"
        self._inputs = _Inputs(_inputs_of(path))
        self._written_ms = stat.mtime_ns // 1_000_000
        self._now_ms = now_ms
        self._sessions: dict[str, blocks.Session] = {}
        data = read_tail(path, MAX_BYTES).replace(b"\r\n", b"\n").rpartition(b"\n")[0]
        before = data.rsplit(b"\n", MOST_LINES)[0] if data.count(b"\n") >= MOST_LINES else b""
        text = data[len(before) :].decode("utf-8", "replace")
        for session in blocks.sessions_in(text.split("\n"), copied=path.name != NAME):
            digits = "".join(filter(str.isdigit, session.started))
            ident = f"{digits[:8]}-{digits[8:]}-{{}}" if digits else path.stem
            same = 1
            while (own := f"{ident}-{same}" if same > 1 else ident) in self._sessions:
                same += 1
            self._sessions[own] = session

    def conversations(self) -> list[tuple[str, str]]:
        """Returns the sessions, newest first, each with its text as its mark."""
        return [(ident, "\n".join(session.lines).rstrip()) for ident, session in reversed(self._sessions.items())]

    def conversation(self, ident: str, notes: dict[str, str]) -> _Talk:
        """Returns a session. If another one was read since, it is emitted from its start: the context holds one.

        The file's inode when it was first read tells its sessions apart from those of other projects that began in the
        same second. They keep their ids if the project is moved or the file replaced.
        """
        if notes.get("last") != ident:
            notes.update(last=ident, reading=str(int(notes.get("reading", "0")) + 1))
        written_ms = min(self._written_ms, self._now_ms) if ident == next(reversed(self._sessions)) else 0
        begun = (at_ms for session in self._sessions.values() if (at_ms := local_ms(session.started)))
        at_ms = local_ms(self._sessions[ident].started) or next(begun, self._written_ms) - _BEFORE_MS
        name = ident.replace("{}", notes.setdefault("inode", self._inode))
        found = _blocks(name, self._sessions[ident], self._inputs, at_ms, written_ms)
        return _Talk(name, found, f"reading {notes['reading']}", written_ms + HOLD_MS, self._now_ms)


def _blocks(ident: str, session: blocks.Session, inputs: _Inputs, at_ms: int, written_ms: int) -> list[Block]:
    """Returns the blocks of a session.

    `at_ms`: when it started. `written_ms`: when it was last written to, 0 for long ago.
    """
    inputs.begin(at_ms)
    found: list[Block] = []
    last_turn = 0
    is_dated = True
    for kind, lines in blocks.blocks_in(session, inputs.confirm):
        if kind == "prompt":
            text = blocks.prompt_text(lines)
            typed_ms = inputs.take(text)
            at_ms = max(at_ms, typed_ms or 0)
            last_turn = len(found)
            is_dated = typed_ms is not None
            found.append(Block(kind, at_ms, session=ident, text=text, typed=is_dated or not inputs.kept))
        elif kind == "messages":
            found += _messages(ident, blocks.messages_of(lines), at_ms)
        else:
            text = "\n".join(lines).strip() if kind == "model" else ""
            found.append(Block(kind, at_ms, session=ident, text=text))
    fresh = last_turn + 1 if is_dated else last_turn
    return [*found[:fresh], *(replace(block, seen_ms=written_ms) for block in found[fresh:])]


def _messages(ident: str, said: Sequence[str], at_ms: int) -> Iterator[Block]:
    for number, text in enumerate(said, 1):
        # The text of an error is followed by what it means in plain words.
        retried = any(other.startswith("Retrying in ") for other in said[number : number + 2])
        yield Block("message", at_ms, session=ident, text=text, retried=retried)


class _Talk:
    """A session, whose pieces are its blocks; see `carryover.readers.rewritten.Conversation`."""

    def __init__(self, ident: str, found: list[Block], reading: str, rests_ms: int, now_ms: int) -> None:
        self._ident = ident
        self._blocks = found
        self._now_ms = now_ms
        self.rests_ms = rests_ms
        marks = [digest(f"{block.kind} {block.retried} {block.text}") for block in found]
        self.pieces = list(zip([reading, *map(str, range(1, len(found)))], marks, strict=True))

    def begin(self, *, on: bool, more: bool) -> bytes | None:
        return msgspec.json.encode(Block("begin", session=self._ident, on=on, more=more))

    def piece(self, number: int) -> bytes | None:
        """Returns the record of a block. Raises NotYet for the last one while it may grow, and TooLarge."""
        block = self._blocks[number]
        if len(block.text) > MAX_LINE_BYTES:
            raise TooLarge
        may_grow = len(block.text) >= _WRITTEN_AT_ONCE or block.text.startswith("litellm.")
        if may_grow and number == len(self._blocks) - 1 and self._now_ms < self.rests_ms:
            raise NotYet
        return msgspec.json.encode(block)

    def end(self, emitted: int) -> bytes | None:  # noqa: ARG002
        return None
