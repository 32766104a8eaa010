"""The work queue: which sources (or projects) to read (or publish), and when.

A hint carries no data, so losing one costs only time. A flood of hints merges: a key waits at most once, so the queue
is bounded by the number of keys. The first hint after a quiet period is due at once; later ones are merged until
`quiet_s` have passed without one, but for no longer than `cap_s` after the first. Besides these live hints there is a
backlog, whose order the caller sets. Live hints never wait for it if there is a worker that takes only those. A key
that was taken is in flight until `done`, and is not given out again before that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Final, Generic, Literal, TypeVar

from carryover.daemon.supervisor import wait_at_most

K = TypeVar("K", bound=Hashable)

RECENT_KEPT: Final = 256

Lane = Literal["live", "backlog"]


@dataclass(slots=True)
class _Pending:
    first: float
    due: float


class WorkQueue(Generic[K]):
    """A queue of keys with live hints and a backlog. Use only on one event loop; `clock` returns monotonic seconds."""

    def __init__(self, *, quiet_s: float, cap_s: float, clock: Callable[[], float]) -> None:
        self._quiet_s = quiet_s
        self._cap_s = cap_s
        self._clock = clock
        self._live: dict[K, _Pending] = {}
        self._recent: dict[K, float] = {}
        self._later: dict[K, float] = {}
        self._backlog: dict[K, None] = {}
        self._in_flight: dict[K, Lane] = {}
        self._awaited: dict[K, list[asyncio.Future[None]]] = {}
        """Futures of callers that wait until a key has been taken from now on, and finished."""
        self._served: dict[K, list[asyncio.Future[None]]] = {}
        """Those of keys in flight that were taken since."""
        self._draining = False
        self._changed = asyncio.Event()

    @property
    def idle(self) -> bool:
        """Whether nothing is waiting or in flight. Keys postponed by `later` do not count."""
        return not (self._live or self._backlog or self._in_flight)

    @property
    def waiting(self) -> int:
        """Number of waiting keys, not counting those postponed or in flight."""
        return len(self._live) + len(self._backlog)

    def hint(self, key: K, *, urgent: bool = False) -> None:
        """Makes `key` due soon, or at once if `urgent` or if no hint for it came for `quiet_s`."""
        now = self._clock()
        was_quiet = now - self._recent.get(key, -self._quiet_s) >= self._quiet_s
        self._recent[key] = now
        self._later.pop(key, None)
        self._backlog.pop(key, None)
        pending = self._live.get(key)
        if pending is None:
            self._live[key] = _Pending(first=now, due=now if urgent or was_quiet else now + self._quiet_s)
        elif urgent:
            pending.due = min(pending.due, now)
        elif pending.due > now:
            pending.due = min(now + self._quiet_s, pending.first + self._cap_s)
        self._forget_old_recents(now)
        self._changed.set()

    def later(self, key: K, delay_s: float) -> None:
        """Makes `key` due after `delay_s`, unless a hint or the backlog makes it due earlier."""
        self._later[key] = self._clock() + delay_s
        self._changed.set()

    def queue(self, keys: Iterable[K]) -> None:
        """Puts `keys` at the head of the backlog, in this order."""
        self._backlog = {**dict.fromkeys(key for key in keys if key not in self._live), **self._backlog}
        self._changed.set()

    def pop(self, *, live_only: bool = False) -> K | None:
        """Returns the next key that is due and puts it in flight; None if there is none.

        The backlog comes first. `live_only`: only a live hint, whatever the backlog contains.
        """
        now = self._clock()
        self._bring_up_what_was_put_off(now)
        old = () if live_only else self._backlog
        key = next((key for key in old if key not in self._in_flight), None)
        if key is not None:
            del self._backlog[key]
            return self._started(key, "backlog")
        key = self._next_live(now)
        if key is not None:
            del self._live[key]
            return self._started(key, "live")
        return None

    async def take(self, *, live_only: bool = False) -> K | None:
        """Waits for the next key, without polling. Returns None once `drain` was called and nothing is waiting any
        more.

        `live_only`: as for `pop`.
        """
        while (key := self.pop(live_only=live_only)) is None:
            if self._draining and not self._live:
                return None
            self._changed.clear()
            await wait_at_most(self._changed, self._seconds_until_due())
        return key

    def done(self, key: K, *, more: bool = False) -> None:
        """Takes `key` out of flight. `more`: it is unfinished and comes next in the lane it was taken from."""
        lane = self._in_flight.pop(key)
        if not more:
            for future in self._served.pop(key):
                if not future.done():  # its caller has given up
                    future.set_result(None)
        elif lane == "live":
            self._live[key] = _Pending(first=self._clock(), due=self._clock())
        elif key not in self._live and not self._draining:
            self._backlog = {key: None, **self._backlog}
        self._changed.set()

    async def flush(self) -> None:
        """Waits until everything now waiting or in flight has been handled once more, apart from postponed keys."""
        for key in [*self._live, *self._in_flight]:
            self.hint(key, urgent=True)
        await self._settled([*self._live, *self._backlog])

    async def look_at(self, keys: Iterable[K]) -> None:
        """Handles each of `keys` once more immediately, and waits until that is done."""
        wanted = list(keys)
        for key in wanted:
            self.hint(key, urgent=True)
        await self._settled(wanted)

    async def _settled(self, keys: Iterable[K]) -> None:
        loop = asyncio.get_running_loop()
        futures = {key: loop.create_future() for key in keys}
        for key, future in futures.items():
            self._awaited.setdefault(key, []).append(future)
        await asyncio.gather(*futures.values())

    def drain(self) -> None:
        """Gives out all live hints at once and nothing else: the backlog and postponed keys are dropped."""
        self._draining = True
        self._backlog.clear()
        self._later.clear()
        for pending in self._live.values():
            pending.due = min(pending.due, self._clock())
        self._changed.set()

    def _next_live(self, now: float) -> K | None:
        due = [(pending.due, n, key) for n, (key, pending) in enumerate(self._live.items()) if self._is_due(key, now)]
        return min(due)[2] if due else None

    def _is_due(self, key: K, now: float) -> bool:
        return key not in self._in_flight and self._live[key].due <= now

    def _bring_up_what_was_put_off(self, now: float) -> None:
        for key in [key for key, due in self._later.items() if due <= now]:
            self.hint(key)

    def _started(self, key: K, lane: Lane) -> K:
        self._in_flight[key] = lane
        self._later.pop(key, None)
        self._served.setdefault(key, []).extend(self._awaited.pop(key, ()))
        return key

    def _seconds_until_due(self) -> float | None:
        dues = [pending.due for key, pending in self._live.items() if key not in self._in_flight]
        dues.extend(self._later.values())
        return max(0.0, min(dues) - self._clock()) if dues else None

    def _forget_old_recents(self, now: float) -> None:
        if len(self._recent) > RECENT_KEPT + len(self._live):
            self._recent = {key: at for key, at in self._recent.items() if now - at < self._quiet_s}
