"""The processes that read ahead: each prepares batches of sources on request and sends them back.

One is started, loads what it needs, and forks the others. Each ends at once when its channel is closed, so none
outlives the process that it works for, however that ends. They store nothing: what is lost with one is read again.
"""

from __future__ import annotations

import contextlib
import gc
import os
import queue
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from typing import Final

import msgspec

import carryover.agents
from carryover import __version__
from carryover.adapter.contract import Agent
from carryover.distill.stored_digest import DigestReducer
from carryover.facts import ProjectRoot
from carryover.ingest.fold_ahead import FoldAhead
from carryover.ingest.prepare import Step, prepare, state_after
from carryover.ingest.worker_protocol import (
    Begin,
    Continue,
    Declined,
    Prepared,
    Ready,
    Root,
    SetUp,
    ToWorker,
    WhichRoot,
    messages,
    send,
)
from carryover.ledger.batch import SourceState

_NICE: Final = 5
"""Old history is read with what others leave of the processor (and of the disk, whose order follows this)."""

_decoder: Final[msgspec.msgpack.Decoder[ToWorker]] = msgspec.msgpack.Decoder(ToWorker)


def main(arguments: Sequence[str]) -> None:
    """Serve the channels whose descriptors are given, each in a separate process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that this one works for
    with contextlib.suppress(OSError):
        os.nice(_NICE)
    _load()
    first, *others = [socket.socket(fileno=int(number)) for number in arguments]
    children: list[int] = []
    while others:
        channel = others.pop()
        if (child := os.fork()) == 0:
            for not_mine in (first, *others):
                not_mine.close()
            first, children = channel, []
            break
        children.append(child)
        channel.close()
    Worker(first, children).run()


def _load() -> None:
    """Load what every batch needs, once for all processes."""
    import_module("carryover.distill.fold")
    carryover.agents.adapters()
    gc.collect()
    gc.freeze()  # the collector would write to memory that the processes share


class Worker:
    """Serves one channel, until it is closed. `children`: processes that are to be gone when this one is."""

    def __init__(self, channel: socket.socket, children: Sequence[int]) -> None:
        self._channel = channel
        self._children = children
        self._orders: queue.SimpleQueue[ToWorker] = queue.SimpleQueue()
        self._agents: dict[str, Agent] = {}
        self._roots: dict[str, ProjectRoot] = {}
        self._begun: Begin | None = None
        self._state: SourceState | None = None
        self._fold: FoldAhead | None = None

    def run(self) -> None:
        """Carries out one order after the other; never returns."""
        threading.Thread(target=self._listen, daemon=True).start()
        try:
            while True:
                self._obey(self._orders.get())
        finally:
            self._end()

    def _listen(self) -> None:
        """Takes orders in beside the work, so that the end of the channel ends that as well."""
        try:
            for message in messages(self._channel, _decoder):
                self._orders.put(message)
        finally:
            self._end()

    def _end(self) -> None:
        for child in self._children:
            with contextlib.suppress(OSError):
                os.waitpid(child, 0)
        os._exit(0)

    def _obey(self, order: ToWorker) -> None:
        match order:
            case SetUp(agents_path=path, program=program):
                self._set_up(path, program)
            case Begin():
                self._begun, self._state, self._roots = order, order.state, {}
                self._fold = _fold_of(order.state)
                self._prepare(order.job, order.now_ms)
            case Continue(job=job, now_ms=now_ms):
                self._prepare(job, now_ms)

    def _set_up(self, path: Sequence[str], program: str) -> None:
        if program != __version__:
            raise SystemExit  # the files were replaced by those of another version
        carryover.agents.__path__[:] = path
        self._agents = carryover.agents.adapters()
        send(self._channel, Ready())

    def _prepare(self, job: int, now_ms: int) -> None:
        begun = self._begun
        if begun is None or begun.job != job:
            return
        try:
            step = prepare(self._agents[begun.source.agent], begun.source, self._state, self._root_of, lambda: now_ms)
            self._state = state_after(self._state, step)
            encoded = msgspec.msgpack.encode(self._folded(step))
        except Exception:
            self._begun = None
            send(self._channel, Declined(job))
            return
        send(self._channel, Prepared(job, step.more, encoded))

    def _folded(self, step: Step) -> Step:
        if step.prepared is None or self._fold is None:
            return step
        folded = msgspec.structs.replace(step.prepared, folded=self._fold.offers(step.prepared))
        return msgspec.structs.replace(step, prepared=folded)

    def _root_of(self, folder: str) -> ProjectRoot:
        """As the other side finds it; asked once per source."""
        if folder not in self._roots:
            send(self._channel, WhichRoot(folder))
            self._roots[folder] = self._answer()
        return self._roots[folder]

    def _answer(self) -> ProjectRoot:
        waiting = []
        while not isinstance(order := self._orders.get(), Root):
            waiting.append(order)
        for each in waiting:
            self._orders.put(each)
        if order.root is None:
            raise LookupError
        return order.root


def _fold_of(state: SourceState | None) -> FoldAhead | None:
    """None where threads have digests that only the ledger knows."""
    return FoldAhead(DigestReducer()) if state is None or state.cursor is None else None


if __name__ == "__main__":
    main(sys.argv[1:])
