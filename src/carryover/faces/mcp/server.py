"""The MCP server of `carryover mcp`, for one project: each line of standard input is a message, and each of output.

One thread reads, and answers what takes no time. A call of a tool gets a thread of its own, so that each answer is
written as soon as it is ready.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from queue import Empty, Full, Queue
from threading import BoundedSemaphore, Lock, Thread
from typing import TYPE_CHECKING, BinaryIO, Final

from carryover.faces.mcp import protocol
from carryover.faces.mcp.protocol import Call, Message, Refused, RequestId, Session

if TYPE_CHECKING:
    from msgspec import Raw

    from carryover.faces.mcp.project import Project

MOST_BYTES: Final = 1 << 22
"""The longest line that is read. Of a longer one only the beginning is, so it is refused."""
MOST_AT_ONCE: Final = 8
"""Lines with calls that are answered at the same time."""
MOST_WAITING: Final = 64
"""Lines with calls that are answered or wait for it; no further line is read until one of them is answered."""
ROOTS_S: Final = 1.0
"""How long the client may take to name its roots; without them, the folder that the server was started in counts."""


def serve() -> None:
    """Answers the client on standard input and output until it closes one of them."""
    given, answers, nothing = os.dup(0), os.dup(1), os.open(os.devnull, os.O_RDWR)
    for descriptor in (given, answers):
        os.set_blocking(descriptor, True)
    os.dup2(nothing, 0)  # a program that is started, or a line that is printed, must not come between
    os.dup2(nothing, 1)
    with os.fdopen(given, "rb") as lines, suppress(BrokenPipeError):
        _Server(os.fdopen(answers, "wb", buffering=0)).run(lines)


class _Server:
    """_Server(answers).run(lines)  # until `lines` ends; calls that are still being answered are then answered yet"""

    def __init__(self, answers: BinaryIO) -> None:
        self._answers, self._writing = answers, Lock()
        self._session = Session()
        self._began_ms = time.time_ns() // 1_000_000
        self._project: Project | None = None
        self._loading = Lock()
        self._roots: Queue[Message] = Queue(1)
        self._room, self._at_once = BoundedSemaphore(MOST_WAITING), BoundedSemaphore(MOST_AT_ONCE)
        self._awaited: set[RequestId] = set()
        """Calls in work, without those that the client cancelled."""

    def run(self, lines: BinaryIO) -> None:
        """Raises BrokenPipeError if the client reads no more."""
        try:
            while line := _line_of(lines):
                if text := line.decode("utf-8", "replace").strip():
                    self._take(text)
        finally:
            for _ in range(MOST_WAITING):  # until each call has its answer
                self._room.acquire()

    def _take(self, line: str) -> None:
        batch = protocol.batch_in(line, self._session)
        parts: Sequence[str | Raw] = batch or [line]
        due = [answer for part in parts if (answer := self._answer(part)) is not None]
        if not any(isinstance(answer, Call) for answer in due):
            self._write_answers(due, is_batch=batch is not None)
            return
        self._room.acquire()
        Thread(target=self._finish, args=(due, batch is not None)).start()

    def _finish(self, due: Sequence[bytes | Call], is_batch: bool) -> None:
        try:
            with suppress(BrokenPipeError), self._at_once:  # the thread that reads is told of the pipe too
                self._write_answers(due, is_batch=is_batch)
        finally:
            self._room.release()

    def _write_answers(self, due: Sequence[bytes | Call], *, is_batch: bool) -> None:
        """Answers the calls, and writes what is due for one line of the client's."""
        made = [self._called(answer) if isinstance(answer, Call) else answer for answer in due]
        if answers := [answer for answer in made if answer is not None]:
            self._write(b"[%b]" % b",".join(answers) if is_batch else answers[0])

    def _answer(self, text: str | Raw) -> bytes | Call | None:
        try:
            message = protocol.message_in(text)
            self._session, answer = protocol.answer(message, self._session)
        except Refused as refused:
            return protocol.line_of_error(protocol.id_in(text), refused)
        if protocol.answers_roots(message):
            with suppress(Full):
                self._roots.put_nowait(message)
        if (cancelled := protocol.cancelled_by(message)) is not None:
            self._awaited.discard(cancelled)
        if isinstance(answer, Call):
            self._awaited.add(answer.id)
        return answer

    def _called(self, call: Call) -> bytes | None:
        """Returns the answer to a call; None if the client does not wait for it any more."""
        if call.id not in self._awaited:
            return None
        try:
            text, failed = self._loaded().called(call.name, call.arguments)
            line = protocol.line_of_call(call, text, failed=failed)
        except Exception:
            sys.excepthook(*sys.exc_info())
            line = protocol.line_of_error(call.id, Refused(protocol.INTERNAL_ERROR, "Internal error"))
        is_awaited = call.id in self._awaited
        self._awaited.discard(call.id)
        return line if is_awaited else None

    def _loaded(self) -> Project:
        with self._loading:
            if self._project is None:
                from carryover.faces.mcp.project import Project  # most sessions of agents never ask

                self._project = Project(self._ask_root, began_ms=self._began_ms)
            return self._project

    def _ask_root(self) -> str | None:
        """Returns the first folder that the client names, if it can be asked and answers in time."""
        if not self._session.has_roots:
            return None
        with suppress(BrokenPipeError):  # then nobody reads what is answered either
            self._write(protocol.ASK_ROOTS)
            try:
                return protocol.folder_in(self._roots.get(timeout=ROOTS_S))
            except Empty:
                self._write(protocol.ROOTS_TOO_LATE)
        return None

    def _write(self, message: bytes) -> None:
        rest = message + b"\n"
        with self._writing:
            while rest:
                rest = rest[self._answers.write(rest) :]


def _line_of(lines: BinaryIO) -> bytes:
    """Returns the next line, or the beginning of one that is too long; empty at the end."""
    line = rest = lines.readline(MOST_BYTES)
    while len(rest) == MOST_BYTES and not rest.endswith(b"\n"):
        rest = lines.readline(MOST_BYTES)
    return line
