"""A process that is killed: from some call of the system on, nothing that it does has an effect any more."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final
from unittest.mock import patch

from carryover.platform import here
from support.platforms import altered, on

_CALLS: Final = ("open", "write", "fsync", "mkdir", "unlink", "rmdir", "rename", "replace", "link")


class Killed(BaseException):
    """Ends the process that a test plays."""


class _Clock:
    def __init__(self, at: int) -> None:
        self.left = at

    def stopped(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> Any:
            self.left -= 1
            if self.left < 0:
                raise Killed
            return call(*args, **kwargs)

        return called


@contextmanager
def _killed_at(at: int) -> Iterator[_Clock]:
    clock = _Clock(at)
    patches = [patch.object(os, name, clock.stopped(getattr(os, name))) for name in _CALLS]
    for each in patches:
        each.start()
    try:
        with on(altered(exchange=clock.stopped(here().exchange))):
            yield clock
    finally:
        for each in patches:
            each.stop()


def kill_everywhere(prepare: Callable[[], None], run: Callable[[], object], check: Callable[[], None]) -> int:
    """Plays `run` again and again, each time after `prepare`, killed one call later, until it gets to its end; `check`
    looks at what each kill has left. Returns how often it was killed."""
    for at in range(10_000):
        prepare()
        with _killed_at(at) as clock, suppress(Killed):
            run()
        check()
        if clock.left >= 0:
            return at
    raise AssertionError("it never ends")
