"""Keeps the versions of agents' commands for `carryover status`, which changes nothing and so can keep none itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Final

import msgspec

KEPT_S: Final = 3600.0
"""Some commands only start another one (asdf, Volta), whose update does not show in them."""
MOST: Final = 64
_LONGEST: Final = 200


class Known(msgspec.Struct, frozen=True):
    """Texts of versions, by the identity of the command."""

    versions: Mapping[str, str]


class KnownVersions:
    """See the module. In memory only. May be called by threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[float, str]] = {}
        self._lock = Lock()

    def exchange(self, learned: Mapping[str, str]) -> Known:
        """Takes in what was found out, and returns all that is known."""
        with self._lock:
            now_s = self._clock()
            for name, text in learned.items():
                if len(name) <= _LONGEST and len(text) <= _LONGEST:
                    self._kept.pop(name, None)
                    self._kept[name] = (now_s, text)
            fresh = [(name, kept) for name, kept in self._kept.items() if now_s - kept[0] < KEPT_S]
            self._kept = dict(fresh[-MOST:])
            return Known({name: text for name, (_, text) in self._kept.items()})
