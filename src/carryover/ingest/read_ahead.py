"""Has other processes prepare what is read next, so that a long history is read on several processors.

Nothing else changes: sources are committed one after the other in their order, by the same code. `ReadAhead.prepare`
only takes a batch that is there already, if it was prepared from exactly the state in which the ledger has the source
now. Whatever a process cannot do, or did not do because it died, is done here as if there were none.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

import carryover.agents
from carryover import __version__
from carryover.adapter.contract import Agent, Source
from carryover.facts import FindRoot, ProjectRoot
from carryover.ingest import prepare as in_process
from carryover.ingest.prepare import Step, state_after
from carryover.ingest.scan import SourceKey, key_of
from carryover.ingest.worker_process import start
from carryover.ingest.worker_protocol import (
    Begin,
    Continue,
    Declined,
    FromWorker,
    Message,
    Prepared,
    Ready,
    Root,
    SentStep,
    SetUp,
    WhichRoot,
    messages,
    send,
)
from carryover.ledger.batch import READ_IN_PART, SourceState

MOST_HELD_BYTES: Final = 8 << 20
"""Of batches that wait to be committed. Those of a MiB of a transcript take about half of one."""

PATIENCE_S: Final = 1.0
"""How long the reader waits for a batch, ten times what one takes. A process that takes longer hangs, or others leave
it too little of the processor; it is done without."""

_END_S: Final = 1.0

_from_worker: Final[msgspec.msgpack.Decoder[FromWorker]] = msgspec.msgpack.Decoder(FromWorker)
_step: Final = msgspec.msgpack.Decoder(SentStep)


@dataclass(slots=True)
class _Job:
    """A source that is to be read soon."""

    source: Source
    state: SourceState | None
    """From which the first of `steps` is prepared, or will be."""
    number: int = 0
    """0 until a process began with it."""
    steps: deque[bytes] = field(default_factory=deque)
    coming: bool = False
    """Another step is under way."""
    ended: bool = False
    """There is no step after these."""


@dataclass(slots=True, eq=False)
class _Helper:
    """The channel to one process. `job`: whose batches it prepares; `busy`: an answer is awaited."""

    channel: socket.socket
    ready: bool = False
    busy: bool = False
    gone: bool = False
    job: _Job | None = None


class ReadAhead:
    """Processes that prepare what `plan` announces. All methods may be called from any thread; `close` in the end.

    `root_of` is asked in a thread, as for a batch that is prepared here.
    """

    def __init__(
        self,
        root_of: FindRoot,
        now_ms: Callable[[], int],
        *,
        processes: int,
        python: str = sys.executable,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Nothing runs before `start`. `patience_s`: how long a batch may take."""
        self._root_of = root_of
        self._now_ms = now_ms
        self._patience_s = patience_s
        self._changed = threading.Condition()
        self._jobs: dict[SourceKey, _Job] = {}
        self._planned: set[SourceKey] = set()
        self._wanted: _Job | None = None
        self._begun = 0
        self._held = 0
        self._python = python
        self._processes = processes
        self._closed = False
        self._process: subprocess.Popen[bytes] | None = None
        self._helpers: list[_Helper] = []
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Starts the processes, unless `close` was called; if that fails, there are none. Blocks for a moment."""
        with self._changed:
            if self._closed:
                return
            self._process, channels = start(self._python, self._processes)
            self._helpers = [_Helper(channel) for channel in channels]
            for helper in self._helpers:
                thread = threading.Thread(target=self._listen, args=(helper,), name="read-ahead", daemon=True)
                thread.start()
                self._threads.append(thread)

    @property
    def pid(self) -> int | None:
        """The process that has forked the others; None if there is none."""
        return self._process.pid if self._process is not None else None

    def begun(self) -> set[SourceKey]:
        """The sources that a process has begun with, or has prepared."""
        with self._changed:
            return {key for key, job in self._jobs.items() if job.number}

    def holds(self, source: Source) -> bool:
        """Whether a batch of `source` is there to be taken."""
        with self._changed:
            job = self._jobs.get(key_of(source))
            return job is not None and bool(job.steps)

    def plan(self, coming: Iterable[tuple[Source, SourceState | None]], agents: Mapping[str, Agent]) -> None:
        """Announces what is to be read next, in this order, each with the state that the ledger has of it.

        What was announced before and is not any more is given up. `agents`: only those that another process knows as
        well are left to it.
        """
        known = carryover.agents.adapters()
        with self._changed:
            before, self._jobs = self._jobs, {}
            self._planned.clear()
            for source, state in coming:
                if agents.get(source.agent) is known.get(source.agent):
                    key = key_of(source)
                    self._planned.add(key)
                    job = before.pop(key, None)
                    self._jobs[key] = job if job is not None and job.number else _Job(source, state)
            for job in before.values():
                self._give_up(job)
            self._feed_all()

    def prepare(
        self,
        agent: Agent,
        source: Source,
        state: SourceState | None,
        root_of: FindRoot,
        now_ms: Callable[[], int],
    ) -> Step:
        """As `carryover.ingest.prepare.prepare`, from what is prepared already if it can be."""
        step = self._take(agent, source, state)
        return step if step is not None else in_process.prepare(agent, source, state, root_of, now_ms)

    def close(self) -> None:
        """Ends the processes at once. Blocks for a moment; from then on everything is prepared here."""
        with self._changed:
            self._closed = True
            for helper in self._helpers:
                self._lose(helper)
            self._jobs.clear()
            self._planned.clear()
        if self._process is not None:
            try:
                self._process.wait(_END_S)
            except subprocess.TimeoutExpired:  # it was stopped by a signal
                self._process.kill()
                self._process.wait()
        for thread in self._threads:
            thread.join()
        for helper in self._helpers:
            helper.channel.close()

    def _take(self, agent: Agent, source: Source, state: SourceState | None) -> Step | None:
        """The next batch of the source after `state`; None if it has to be prepared here."""
        key = key_of(source)
        with self._changed:
            encoded = self._next_step(source, state)
            if encoded is None:
                self._drop(key)
                return None
        step = _step.decode(encoded)
        is_last = not step.more
        with self._changed:
            job = self._jobs.get(key)
            if job is not None:
                job.state = state_after(state, step)
            if is_last:
                self._drop(key)
            self._feed_all()
        return None if is_last and _has_changed(agent, source, state_after(state, step)) else step

    def _next_step(self, source: Source, state: SourceState | None) -> bytes | None:
        key = key_of(source)
        if key not in self._planned:
            return None
        job = self._jobs.get(key)
        if job is None or not job.number or job.state != state:
            self._drop(key)
            job = self._jobs[key] = _Job(source, state)
            if not self._begin_now(job):
                return None
        self._wanted = job
        self._feed_all()
        while not job.steps and job.coming:
            if not self._changed.wait(self._patience_s):
                self._lose_helper_of(job)
        if not job.steps:
            return None
        encoded = job.steps.popleft()
        self._held -= len(encoded)
        return encoded

    def _drop(self, key: SourceKey) -> None:
        if job := self._jobs.pop(key, None):
            self._give_up(job)

    def _begin_now(self, job: _Job) -> bool:
        """Has a process that has nothing else to do begin with `job`; False if there is none."""
        return any(
            self._begin(helper, job) for helper in self._helpers if self._waits(helper) and self._is_free(helper)
        )

    def _feed_all(self) -> None:
        for helper in self._helpers:
            if self._waits(helper):
                self._feed(helper)

    def _waits(self, helper: _Helper) -> bool:
        return helper.ready and not helper.busy

    def _feed(self, helper: _Helper) -> None:
        """Gives the process its next order, if there is one."""
        has_room = self._held < MOST_HELD_BYTES
        if not self._is_free(helper):
            job = helper.job
            if job is not None and (has_room or (job is self._wanted and not job.steps)):
                self._order(helper, job, Continue(job.number, self._now_ms()))
        elif has_room:
            any(self._begin(helper, job) for job in self._jobs.values() if not job.number)

    def _is_free(self, helper: _Helper) -> bool:
        job = helper.job
        return job is None or job.ended or self._jobs.get(key_of(job.source)) is not job

    def _begin(self, helper: _Helper, job: _Job) -> bool:
        self._begun += 1
        job.number = self._begun
        helper.job = job
        return self._order(helper, job, Begin(job.number, job.source, job.state, self._now_ms()))

    def _order(self, helper: _Helper, job: _Job, order: Begin | Continue) -> bool:
        helper.busy = job.coming = True
        try:
            send(helper.channel, order)
        except UnicodeEncodeError:  # a path that is not UTF-8
            helper.busy = job.coming = False
            job.ended = True
        except OSError:
            self._lose(helper)
        return job.coming

    def _give_up(self, job: _Job) -> None:
        self._held -= sum(map(len, job.steps))
        job.steps.clear()
        job.ended = True

    def _listen(self, helper: _Helper) -> None:
        try:
            send(helper.channel, SetUp(tuple(carryover.agents.__path__), __version__))
            for message in messages(helper.channel, _from_worker):
                if isinstance(message, WhichRoot):
                    self._answer(helper, message.folder)
                else:
                    self._heard(helper, message)
        except (OSError, msgspec.MsgspecError):
            pass  # it is gone, or is not what it should be, which is the same
        finally:
            with self._changed:
                self._lose(helper)

    def _answer(self, helper: _Helper, folder: str) -> None:
        root: ProjectRoot | None
        try:
            root = self._root_of(folder)
            send(helper.channel, Root(root))
        except (ValueError, RecursionError):
            send(helper.channel, Root(None))

    def _heard(self, helper: _Helper, message: Message) -> None:
        with self._changed:
            helper.busy = False
            job = helper.job
            match message:
                case Ready():
                    helper.ready = True
                case Prepared(job=number, more=more, step=step) if job is not None and job.number == number:
                    job.coming = False
                    if not job.ended:
                        job.ended = not more
                        job.steps.append(step)
                        self._held += len(step)
                case Declined(job=number) if job is not None and job.number == number:
                    job.coming, job.ended = False, True
            self._feed_all()
            self._changed.notify_all()

    def _lose_helper_of(self, job: _Job) -> None:
        for helper in self._helpers:
            if helper.job is job:
                self._lose(helper)

    def _lose(self, helper: _Helper) -> None:
        """Does without this process from now on. What it has sent stays."""
        helper.ready = False
        if helper.job is not None:
            helper.job.coming, helper.job.ended = False, True
        if not helper.gone:
            helper.gone = True
            with suppress(OSError):  # the other side has closed it
                helper.channel.shutdown(socket.SHUT_RDWR)
        self._changed.notify_all()


def _has_changed(agent: Agent, source: Source, state: SourceState | None) -> bool:
    """Whether the source is no longer what it was when its last batch was prepared, so that there may be more."""
    try:
        stat = agent.reader.stat(Path(source.path))
    except OSError:
        return True
    return state is None or state.mtime_ns != stat.mtime_ns or state.size not in (stat.size, READ_IN_PART)
