"""Reads `.aider.chat.history.md`, a Markdown file that grows by blocks and holds all sessions of a project."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from carryover.adapter.contract import Batch, FileStat, LastInput, Record
from carryover.agents.aider import blocks
from carryover.agents.aider.wire import Block
from carryover.fsio import open_regular
from carryover.readers.files import stamp_of_file, wait_ms
from carryover.readers.jsonl import MAX_LINE_BYTES, READ_BYTES, READ_LINES
from carryover.readers.position import Position, confirmed, guarded
from carryover.readers.stat_cache import utc_now_ms

INPUTS_NAME: Final = ".aider.input.history"
INPUTS_BYTES: Final = 4 << 20
"""How much of the input history one read considers."""

_NEWEST_BYTES: Final = 256 << 10
"""The newest input is searched for in this many last bytes: it may be a long paste."""
_AHEAD: Final = 300
"""Inputs that may have come in between: answers to questions are inputs too."""
_EARLIER_MS: Final = 1_500
"""A session's header has whole seconds, and the first question may be answered before it is written."""
_STAMP: Final = re.compile(r"# (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?)")


class Input(msgspec.Struct, frozen=True):
    """One entry of the input history. `end` is the byte offset after it."""

    at_ms: int
    text: str
    end: int


class Inputs:
    """The inputs after an offset. `at` moves forward as they are found again in the chat history."""

    def __init__(self, inputs: list[Input], at: int, *, kept: bool = True) -> None:
        """`kept`: whether there is an input history."""
        self._inputs = inputs
        self.kept = kept
        self._next = 0
        self.at = at

    @property
    def known(self) -> bool:
        """Whether there are any inputs. If so, a prompt that is not among them is doubtful."""
        return bool(self._inputs)

    def confirm(self, text: str, *, after_ms: int) -> bool:
        """Whether this text was typed after `after_ms`."""
        return self._find(text, after_ms) is not None

    def take(self, text: str, *, after_ms: int) -> int | None:
        """Consumes the inputs up to this text and returns when it was typed (UTC ms); None if it was not typed."""
        found = self._find(text, after_ms)
        if found is None:
            return None
        self._next = found + 1
        self.at = self._inputs[found].end
        return self._inputs[found].at_ms

    def _find(self, text: str, after_ms: int) -> int | None:
        wanted = plain(text)
        earliest_ms = after_ms - _EARLIER_MS
        while self._next < len(self._inputs) and self._inputs[self._next].at_ms < earliest_ms:
            self._next += 1
        # Text typed between `{` and `}` is one prompt, but one input per line.
        wanted_any = (wanted, wanted.partition("\n")[0])
        ahead = range(self._next, min(self._next + _AHEAD, len(self._inputs)))
        return next((at for at in ahead if self._inputs[at].text in wanted_any), None)


def local_ms(stamp: str) -> int:
    """Converts a local time as Aider writes it to UTC milliseconds; 0 for an invalid one."""
    try:
        return max(0, round(datetime.fromisoformat(stamp).timestamp() * 1000))
    except (ValueError, OverflowError, OSError):
        return 0


def plain(text: str) -> str:
    """Normalises a text for comparison: the two histories differ in line endings and trailing blanks."""
    return "\n".join(line.rstrip() for line in text.splitlines()).strip()


def inputs_of(history: Path) -> Path:
    """Returns the input history of a chat history.

    It is beside the chat history, or at the top of the repository if the chat history was moved to a subfolder.
    """
    beside = history.with_name(INPUTS_NAME)
    if beside.exists():
        return beside
    top = next((folder for folder in history.parents if (folder / ".git").exists()), history.parent)
    return top / INPUTS_NAME


def last_input(history: Path) -> LastInput:
    """Returns the newest input beside a chat history. Its time is local to this machine or a container (mostly UTC)."""
    path = inputs_of(history)
    try:
        descriptor = open_regular(path)
    except OSError:
        return LastInput(path)
    try:
        start = max(0, os.fstat(descriptor).st_size - _NEWEST_BYTES)
        lines = os.pread(descriptor, _NEWEST_BYTES, start).decode("utf-8", "replace").splitlines()
    except OSError:
        return LastInput(path)
    finally:
        os.close(descriptor)
    stamp = next((found[1] for line in reversed(lines) if (found := _STAMP.fullmatch(line))), None)
    if stamp is None:
        return LastInput(path)
    return LastInput(path, (local_ms(stamp), local_ms(f"{stamp}+00:00")))


def read_inputs(path: Path, at: int) -> Inputs:
    """Returns the inputs after an offset; none if the file can't be read, all of them if it has become shorter."""
    try:
        descriptor = open_regular(path)
    except OSError:
        return Inputs([], 0, kept=False)
    try:
        if os.fstat(descriptor).st_size < at:
            at = 0
        data = os.pread(descriptor, INPUTS_BYTES, at)
    except OSError:
        return Inputs([], 0)
    finally:
        os.close(descriptor)
    return Inputs(list(_inputs(data, at, local_ms)), at)


def _inputs(data: bytes, start: int, ms_of: Callable[[str], int]) -> list[Input]:
    found: list[Input] = []
    stamp_ms: int | None = None
    text: list[str] = []
    end = start
    for raw in data.splitlines(keepends=True):
        line = raw.decode("utf-8", "replace").rstrip("\r\n")
        if line.startswith("+") and stamp_ms is not None:
            text.append(line[1:])
            end += len(raw)
            continue
        if stamp_ms is not None and text:
            found.append(Input(stamp_ms, plain("\n".join(text)), end))
        text = []
        end += len(raw)
        stamp = _STAMP.fullmatch(line)
        stamp_ms = ms_of(stamp[1]) if stamp else stamp_ms if not line else None
    if stamp_ms is not None and text:
        found.append(Input(stamp_ms, plain("\n".join(text)), end))
    return found


HOLD_MS: Final = 300
"""How long after a write the last block may still grow: a long one may be written in several pieces, and after an error
Aider adds what it does next."""


class State(msgspec.Struct, frozen=True, array_like=True):
    """The position between two blocks, and what must be known of the text before it."""

    position: Position = Position()
    inode: int = 0
    """The file's inode when it was first read. It tells sessions apart from those of other projects that began in the
    same second. They keep their ids if the project is moved or the file replaced."""
    started: str = ""
    """Local time of the session's header."""
    same: int = 0
    """How many earlier sessions have the same time."""
    at_ms: int = 0
    """UTC milliseconds of the last input, or else of the session's start."""
    inputs_at: int = 0
    """Offset in the input history."""
    last: blocks.Kind | None = None
    interrupted: bool = False
    doubtful: bool = False

    @property
    def session(self) -> str:
        """The session id; empty before the first header."""
        if not self.started:
            return ""
        when = "".join(filter(str.isdigit, self.started))
        return f"{when[:8]}-{when[8:]}-{self.inode:x}{f'-{self.same + 1}' if self.same else ''}"


class HistoryReader:
    """Reads blocks as they are appended, holding back the last one while it may still grow.

    A record is a `Block` as JSON, numbered by the block's last line.
    """

    def __init__(self, now_ms: Callable[[], int] = utc_now_ms) -> None:
        self._now_ms = now_ms

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        """Returns the next blocks, at most about 1 MiB or 500 of them. Raises as `JsonlReader.read` does."""
        descriptor = open_regular(path)
        try:
            state, restarted = _settle(descriptor, cursor)
            batch, state = self._advance(descriptor, path, state)
            state = replace(state, position=guarded(descriptor, state.position))
        finally:
            os.close(descriptor)
        return replace(batch, cursor=msgspec.msgpack.encode(state), restarted=restarted)

    def stat(self, path: Path) -> FileStat:
        """Returns the file's size and modification time."""
        return stamp_of_file(path)

    def _advance(self, descriptor: int, path: Path, state: State) -> tuple[Batch, State]:
        inputs = read_inputs(inputs_of(path), state.inputs_at)
        now_ms = self._now_ms()
        # Before the content: what is read then was not written before that time, unless it follows within a moment.
        status = os.fstat(descriptor)
        written_ms = status.st_mtime_ns // 1_000_000
        rests_in_ms = wait_ms(status, HOLD_MS, now_ms=now_ms)
        data = os.pread(descriptor, MAX_LINE_BYTES, state.position.offset)
        full = len(data) == MAX_LINE_BYTES
        run = _Run(state, data[: data.rfind(b"\n") + 1], inputs, whole=full or rests_in_ms is None)
        if full and not run.records:  # the beginning of a line that is too long to hold
            position = Position(offset=state.position.offset + len(data), line=state.position.line)
            return Batch(records=(), cursor=b"", more=True, oversized=1), replace(state, position=position)
        more = full or run.cut
        waits = not more and rests_in_ms is not None and run.rest
        batch = Batch(
            records=run.encoded(seen_ms=0 if more else max(0, min(written_ms, now_ms))),
            cursor=b"",
            more=more,
            retry_after_s=rests_in_ms / 1000 if waits and rests_in_ms is not None else None,
        )
        return batch, run.state


class _Run:
    """One stretch of the file, split into records."""

    def __init__(self, state: State, data: bytes, inputs: Inputs, *, whole: bool) -> None:
        self.records: list[tuple[int, Block, bool]] = []
        self.cut = False
        raw = data.split(b"\n")[:-1]
        lines = [line.decode("utf-8", "replace").removesuffix("\r") for line in raw]
        self.state = state
        splitter = blocks.Splitter(
            state.last,
            state.interrupted,
            lambda text: inputs.confirm(text, after_ms=self.state.at_ms) if inputs.known else None,
            whole,
            state.doubtful,
        )
        done = 0
        for piece in splitter.pieces(lines):
            block, dated = self._block(piece, inputs)
            position = self.state.position
            offset = position.offset + sum(len(line) + 1 for line in raw[done : piece.end])
            self.state = replace(
                self.state,
                position=Position(offset=offset, line=position.line + piece.end - done),
                inputs_at=inputs.at,
                last=splitter.last,
                interrupted=splitter.interrupted,
                doubtful=splitter.doubtful,
            )
            done = piece.end
            self.records.append((self.state.position.line, block, dated))
            if len(self.records) >= READ_LINES or offset - state.position.offset >= READ_BYTES:
                self.cut = any(map(str.strip, lines[done:]))
                break
        following = next((line for line in lines[done:] if line.strip()), None)
        self.rest = following is not None
        self.ended = following is not None and blocks.is_prompt(following)
        """Whether the last turn was ended by an input, which may itself still be growing."""

    def encoded(self, *, seen_ms: int) -> tuple[Record, ...]:
        """Returns the records. Those of the last turn carry `seen_ms`, UTC milliseconds, unless it is 0."""
        starts = (n for n, (_, block, _) in enumerate(self.records) if block.kind in ("start", "prompt"))
        last = len(self.records) if self.ended else max(starts, default=0)
        encoded = []
        for number, (line, block, dated) in enumerate(self.records):
            if number >= last and not dated:
                block = replace(block, seen_ms=seen_ms)
            encoded.append(Record(number=line, data=msgspec.json.encode(block)))
        return tuple(encoded)

    def _block(self, piece: blocks.Piece, inputs: Inputs) -> tuple[Block, bool]:
        """Returns a block with its state, and whether it has a time."""
        text, dated, typed = "", piece.kind == "start", True
        messages: tuple[str, ...] = ()
        match piece.kind:
            case "start":
                self._begin_session(blocks.header_time(piece.lines[0]))
            case "prompt":
                text = blocks.prompt_text(piece.lines)
                at_ms = inputs.take(text, after_ms=self.state.at_ms)
                dated = at_ms is not None
                typed = dated or not inputs.kept
                self.state = replace(self.state, at_ms=max(self.state.at_ms, at_ms or 0))
            case "messages":
                messages = blocks.messages_of(piece.lines)
            case "model":
                text = "\n".join(piece.lines).strip()
        at_ms, session = self.state.at_ms, self.state.session
        return Block(piece.kind, at_ms=at_ms, session=session, text=text, messages=messages, typed=typed), dated

    def _begin_session(self, started: str) -> None:
        same = self.state.same + 1 if started == self.state.started else 0
        self.state = replace(self.state, started=started, same=same, at_ms=local_ms(started))


def _settle(descriptor: int, cursor: bytes | None) -> tuple[State, bool]:
    """Returns the state to continue from, and whether the file is not the one that the cursor was made for."""
    inode = os.fstat(descriptor).st_ino
    if cursor is None:
        return State(inode=inode), False
    try:
        state = msgspec.msgpack.decode(cursor, type=State)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return State(inode=inode), True
    _, restarted = confirmed(descriptor, state.position)
    return (State(inode=state.inode), True) if restarted else (state, False)
