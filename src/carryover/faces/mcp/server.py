"""The MCP server of `carryover mcp`, for one project: one message per line, on standard input and output.

The main thread reads the lines and answers everything but calls of tools. A call gets its own thread, so a slow one
delays no other answer.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from queue import Empty, Full, Queue
from threading import BoundedSemaphore, Lock, Thread
from typing import TYPE_CHECKING, BinaryIO, Final

from carryover.faces.mcp import protocol
from carryover.faces.mcp.protocol import ClientMessage, ErrorAnswer, Handshake, RequestedCall, RequestId

if TYPE_CHECKING:
    from carryover.faces.mcp.project import ClientProject

MOST_BYTES: Final = 1 << 22
"""Length of the longest line. A longer one is cut there, and so refused as invalid JSON."""
MOST_AT_ONCE: Final = 8
"""Number of calls that are answered at the same time."""
MOST_WAITING: Final = 64
"""Number of calls that are not answered yet. At this number, reading stops until one of them is."""
ROOTS_S: Final = 1.0
"""Seconds that the client has to name its roots. After that, the folder that the server was started in counts."""


def serve() -> None:
    """Answers the client on standard input and output until it closes one of them."""
    requests, answers, nothing = os.dup(0), os.dup(1), os.open(os.devnull, os.O_RDWR)
    for descriptor in (requests, answers):
        os.set_blocking(descriptor, True)
    os.dup2(nothing, 0)  # neither a program that is started nor a stray print may touch the protocol
    os.dup2(nothing, 1)
    with os.fdopen(requests, "rb") as lines, suppress(BrokenPipeError):
        _Server(os.fdopen(answers, "wb", buffering=0)).run(lines)


class _Server:
    """Answers the client's messages.

    _Server(answers).run(lines)  # returns when `lines` has ended and every call is answered
    """

    def __init__(self, answers: BinaryIO) -> None:
        self._answers, self._write_lock = answers, Lock()
        self._handshake = Handshake()
        self._began_ms = time.time_ns() // 1_000_000
        self._project: ClientProject | None = None
        self._load_lock = Lock()
        self._roots: Queue[ClientMessage] = Queue(1)
        self._waiting = BoundedSemaphore(MOST_WAITING)
        self._running = BoundedSemaphore(MOST_AT_ONCE)
        self._awaited: set[RequestId] = set()
        """Ids of the calls that still need an answer: not those that are answered or that the client cancelled."""
        self._is_gone = False
        """Whether the client has closed its end, so that it reads no more answers."""

    def run(self, lines: BinaryIO) -> None:
        """Answers each line until there are no more, or the client has closed its end: BrokenPipeError, if it was this
        thread that met it."""
        try:
            while not self._is_gone and (line := _line_of(lines)):
                text = line.decode("utf-8", "replace").strip()
                if text:
                    self._take(text)
        finally:
            for _ in range(MOST_WAITING):  # waits until every call is answered
                self._waiting.acquire()

    def _take(self, line: str) -> None:
        """Answers a line at once, or starts a thread for it if it calls a tool."""
        reply = self._reply(line)
        if isinstance(reply, RequestedCall):
            self._waiting.acquire()
            Thread(target=self._answer_call, args=(reply,)).start()
        elif reply is not None:
            self._write(reply)

    def _answer_call(self, call: RequestedCall) -> None:
        try:
            with suppress(BrokenPipeError), self._running:
                if (answer := self._result_of(call)) is not None:
                    self._write(answer)
        finally:
            self._waiting.release()

    def _reply(self, text: str) -> bytes | RequestedCall | None:
        """Returns the answer to a message, the call that it asks for, or None if it needs no answer."""
        try:
            message = protocol.message_in(text)
            self._handshake, reply = protocol.reply_to(message, self._handshake)
        except ErrorAnswer as refused:
            return protocol.line_of_error(protocol.request_id_in(text), refused)
        if protocol.answers_roots(message):
            with suppress(Full):
                self._roots.put_nowait(message)
        cancelled = protocol.cancelled_by(message)
        if cancelled is not None:
            self._awaited.discard(cancelled)
        if isinstance(reply, RequestedCall):
            self._awaited.add(reply.id)
        return reply

    def _result_of(self, call: RequestedCall) -> bytes | None:
        """Makes the call and returns its answer; None if the client has cancelled it."""
        if call.id not in self._awaited or self._is_gone:
            return None
        try:
            text, failed = self._load_project().call(call.name, call.arguments)
            line = protocol.line_of_call(call, text, failed=failed)
        except Exception:
            sys.excepthook(*sys.exc_info())
            line = protocol.line_of_error(call.id, ErrorAnswer(protocol.INTERNAL_ERROR, "Internal error"))
        is_awaited = call.id in self._awaited
        self._awaited.discard(call.id)
        return line if is_awaited else None

    def _load_project(self) -> ClientProject:
        """Returns the project; the first call creates it, and loads the code that answers."""
        with self._load_lock:
            if self._project is None:
                from carryover.faces.mcp.project import ClientProject  # most sessions never call a tool

                self._project = ClientProject(self._ask_root, began_ms=self._began_ms)
            return self._project

    def _ask_root(self) -> str | None:
        """Returns the first folder that the client names; None if it can't be asked, names none or takes too long."""
        if not self._handshake.has_roots:
            return None
        with suppress(BrokenPipeError):  # then the client reads no answer either
            self._write(protocol.ASK_ROOTS)
            try:
                return protocol.folder_in(self._roots.get(timeout=ROOTS_S))
            except Empty:
                self._write(protocol.ROOTS_TOO_LATE)
        return None

    def _write(self, message: bytes) -> None:
        """Writes a whole line: an unbuffered write may take only a part of it."""
        rest = message + b"\n"
        with self._write_lock:
            try:
                while rest:
                    rest = rest[self._answers.write(rest) :]
            except BrokenPipeError:
                self._is_gone = True
                raise


def _line_of(lines: BinaryIO) -> bytes:
    """Returns the next line, or the first `MOST_BYTES` of a longer one; empty at the end of the input."""
    line = rest = lines.readline(MOST_BYTES)
    while len(rest) == MOST_BYTES and not rest.endswith(b"\n"):
        rest = lines.readline(MOST_BYTES)
    return line
