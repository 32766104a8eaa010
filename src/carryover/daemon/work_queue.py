"""The work queue: which sources (or projects) to read (or publish), and when. The first hint after a quiet period is
due at once, unless the queue `waits`; later ones are merged until `quiet_s` have passed without one, but for no longer
than `cap_s`. Besides these live hints there is a backlog in the caller's order. A key waits at most once. Taking the
next key costs the same however many wait.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from typing import Generic, TypeVar

from carryover.daemon.supervisor import wait_at_most

_K = TypeVar("_K", bound=Hashable)


@dataclass(slots=True)
class _Pending:
    first: float
    due: float
    urgent: bool = False
    postponed: bool = False


class WorkQueue(ABC, Generic[_K]):
    """A queue of keys, of which `handle` does the work. Use only on one event loop; `clock` returns seconds.

    queue.queue(old)  # to be done in this order, whenever nothing is more urgent
    queue.hint(key)  # it changed: done at once, or after a short quiet
    await queue.do_now([key])  # done by now, whatever else is waiting
    """

    def __init__(self, *, quiet_s: float, cap_s: float, clock: Callable[[], float], waits: bool = False) -> None:
        self._quiet_s = quiet_s
        self._cap_s = cap_s
        self._clock = clock
        self._waits = waits
        self._live: dict[_K, _Pending] = {}
        self._timed: list[tuple[float, int, _K, _Pending]] = []
        """A heap of what is live, by when it is due, and of what was: another due time, or no longer there."""
        self._due: list[tuple[bool, float, int, _K, _Pending]] = []
        """A heap of what has become due, in the order in which it is given out."""
        self._counted = count()
        self._hinted: dict[_K, float] = {}
        """When the last hint of each key came."""
        self._hinted_soon: dict[_K, float] = {}
        """The same, of hints that are not merged with later ones for longer."""
        self._backlog: OrderedDict[_K, None] = OrderedDict()
        self._in_flight: dict[_K, bool] = {}
        """Whether each key in flight is from the backlog."""
        self._awaited: dict[_K, list[asyncio.Future[None]]] = {}
        """Futures of callers that wait until a key has been taken from now on, and finished."""
        self._served: dict[_K, list[asyncio.Future[None]]] = {}
        self._draining = False
        self._changed = asyncio.Event()

    @abstractmethod
    async def handle(self, key: _K) -> bool:
        """Does the work of `key`; returns whether it is unfinished and comes next where it was taken from."""

    def takes_long(self, key: _K) -> bool:  # noqa: ARG002
        """Whether another key goes first where an unfinished `key` would be next in the backlog."""
        return False

    def rank(self, key: _K) -> float:  # noqa: ARG002
        """Where `key` stands among those that become due at the same time: smaller first, equal ones as they came."""
        return 0.0

    async def run(self, *, live_only: bool = False) -> None:
        """Handles one key at a time until drained, beside other calls. `live_only` leaves the backlog to them."""
        while (key := await self.take(live_only=live_only)) is not None:
            more = False
            try:
                more = await self.handle(key)
            finally:
                self.done(key, more=more)

    def hurry(self, keys: Iterable[_K]) -> None:
        """Makes those of `keys` due at once that are waiting."""
        for key in keys:
            pending = self._live.get(key)
            if pending is not None and not pending.postponed:
                pending.due = min(pending.due, self._clock())
                self._wait(key, pending)

    def is_one_of_many(self, key: _K) -> bool:
        """Whether `key` is in flight from the backlog, and more is waiting there."""
        return self._in_flight.get(key, False) and bool(self._backlog)

    @property
    def has_backlog(self) -> bool:
        """Whether anything waits in the backlog, beside what is in flight."""
        return bool(self._backlog)

    @property
    def is_awaited(self) -> bool:
        """Whether a caller is waiting for something to be handled."""
        return bool(self._awaited) or any(self._served.values())

    @property
    def idle(self) -> bool:
        """Whether nothing is waiting or in flight. Keys postponed by `later` do not count."""
        return self.waiting == 0 and not self._in_flight

    @property
    def waiting(self) -> int:
        """Number of waiting keys, not counting those postponed or in flight."""
        return self.hinted + len(self._backlog)

    @property
    def hinted(self) -> int:
        """Number of live hints that wait."""
        return len(self._hinted_keys())

    def hint(self, key: _K, *, urgent: bool = False, within_s: float | None = None) -> None:
        """Makes `key` due soon, or at once if `urgent` or, unless the queue `waits`, if none came for `quiet_s`.

        `within_s`: replaces `quiet_s`, and merges all such hints for as long. No shorter hint waits for a longer one.
        """
        now, quiet_s = self._clock(), self._quiet_s if within_s is None else within_s
        came = self._hinted_soon if within_s is None else self._hinted
        is_due = not self._waits and now - came.get(key, -quiet_s) >= quiet_s
        came[key] = self._hinted[key] = now
        self._backlog.pop(key, None)
        pending = self._live.get(key)
        if pending is None or pending.postponed:
            pending = _Pending(first=now, due=now if urgent or is_due else now + quiet_s, urgent=urgent)
        elif urgent:
            pending.urgent, pending.due = True, min(pending.due, now)
        elif within_s is not None:
            pending.due = min(pending.due, now + within_s)
        elif pending.due > now:
            pending.due = now if is_due else min(now + quiet_s, pending.first + self._cap_s)
        self._wait(key, pending)

    def later(self, key: _K, delay_s: float) -> None:
        """Makes `key` due after `delay_s`, unless a hint or the backlog makes it due earlier. Not while draining."""
        pending = self._live.get(key)
        if not self._draining and (pending is None or pending.postponed):
            due = self._clock() + delay_s
            self._wait(key, _Pending(first=due, due=due, postponed=True))

    def queue(self, keys: Iterable[_K]) -> None:
        """Puts `keys` at the head of the backlog, in this order."""
        waiting = self._hinted_keys()
        first = OrderedDict.fromkeys(key for key in keys if key not in waiting)
        self._backlog = OrderedDict({**first, **self._backlog})
        self._changed.set()

    def pop(self, *, live_only: bool = False) -> _K | None:
        """Returns the next key that is due and puts it in flight. The backlog comes first, unless `live_only`."""
        key = None if live_only else next((key for key in self._backlog if key not in self._in_flight), None)
        is_old = key is not None
        if key is None:
            key = self._next_due()
        if key is None:
            return None
        self._backlog.pop(key, None)
        self._live.pop(key, None)
        self._in_flight[key] = is_old
        self._served.setdefault(key, []).extend(self._awaited.pop(key, ()))
        return key

    async def take(self, *, live_only: bool = False) -> _K | None:
        """Waits for the next key, without polling. Returns None once drained; `live_only`: as for `pop`."""
        while (key := self.pop(live_only=live_only)) is None:
            if self._draining and not self._live:
                return None
            self._changed.clear()
            next_s = self._timed[0][0] if self._timed else None
            await wait_at_most(self._changed, None if next_s is None else max(0.0, next_s - self._clock()))
        return key

    def done(self, key: _K, *, more: bool = False) -> None:
        """Takes `key` out of flight. `more`: see `handle`."""
        is_old = self._in_flight.pop(key)
        if not more:
            for future in self._served.pop(key):
                if not future.done():  # its caller has given up
                    future.set_result(None)
        elif not is_old:
            self._live[key] = _Pending(first=self._clock(), due=self._clock())
        elif key not in self._live and not self._draining:
            self._backlog.pop(key, None)
            other = next(iter(self._backlog), key)
            self._backlog[key] = None
            self._backlog.move_to_end(key, last=False)
            if self.takes_long(key):
                self._backlog.move_to_end(other, last=False)
        if key in self._live:
            self._wait(key, self._live[key])  # what came while it was in flight
        self._changed.set()

    async def flush(self) -> None:
        """Waits until everything now waiting or in flight has been handled once more, apart from postponed keys."""
        await self.do_now([*self._hinted_keys(), *self._in_flight], also=list(self._backlog))

    async def do_now(self, keys: Iterable[_K], *, also: Iterable[_K] = ()) -> None:
        """Handles each of `keys` once more immediately, and waits until that is done, and `also` in their turn."""
        wanted = dict.fromkeys(keys)
        for key in wanted:
            self.hint(key, urgent=True)
        await asyncio.gather(*[self._finished(key) for key in dict.fromkeys((*wanted, *also))])

    def drain(self) -> None:
        """Gives out all live hints at once and nothing else: the backlog and postponed keys are dropped."""
        now = self._clock()
        self._draining = True
        self._backlog.clear()
        hinted = self._hinted_keys()
        self._live.clear()
        for key in hinted:
            self._wait(key, _Pending(first=now, due=now))
        self._changed.set()

    def _finished(self, key: _K) -> asyncio.Future[None]:
        """Returns a future that is done once `key` is next taken from the queue and handled."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._awaited.setdefault(key, []).append(future)
        return future

    def _hinted_keys(self) -> dict[_K, None]:
        return dict.fromkeys(key for key, pending in self._live.items() if not pending.postponed)

    def _wait(self, key: _K, pending: _Pending) -> None:
        """Has `key` looked at once it is due. To be called after each change, also of its rank alone."""
        self._live[key] = pending
        heappush(self._timed, (pending.due, next(self._counted), key, pending))
        self._changed.set()

    def _next_due(self) -> _K | None:
        """Returns the live key that comes next. A key in flight is not given out; it waits again when that is done."""
        self._collect_due()
        while self._due:
            *_, key, pending = heappop(self._due)
            if self._live.get(key) is pending and key not in self._in_flight:
                return key
        return None

    def _collect_due(self) -> None:
        """Moves what has become due to where it is in the order of ranks. Leaves a time that still counts in front."""
        now = self._clock()
        while self._timed:
            due, number, key, pending = self._timed[0]
            counts = self._live.get(key) is pending and pending.due == due
            if counts and due > now:
                return
            heappop(self._timed)
            if counts:
                heappush(self._due, (not pending.urgent, self.rank(key), number, key, pending))
