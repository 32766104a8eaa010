"""Input that breaks a promise: made small, and kept by a name that is its content's."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

MOST_TRIES: Final = 3_000
_MOST_S: Final = 20.0
"""libFuzzer ends the process if it takes longer over one input than a target may."""
MARK: Final = "fuzz: a promise was broken\n"


def shrunk(data: bytes, check: Callable[[bytes], None], error: BaseException) -> bytes:
    """Returns the smallest input found that fails in the same place as `data` did with `error`."""
    wanted, tries = place(error), 0
    until = time.monotonic() + _MOST_S
    size, at = len(data) // 2, 0
    while size and tries < MOST_TRIES and time.monotonic() < until:
        smaller = data[:at] + data[at + size :]
        tries += 1
        if _fails(smaller, check) == wanted:
            data = smaller
        else:
            at += size
        if at >= len(data):
            size, at = size // 2, 0
    return data


def place(error: BaseException) -> tuple[str, str, int]:
    """Returns the kind of an error, and the last line of the program or of a target that it went through."""
    frames = []
    trace = error.__traceback__
    while trace is not None:
        frames.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
        trace = trace.tb_next
    own = [frame for frame in frames if "carryover" in frame[0] or "targets" in frame[0]]
    return type(error).__name__, *(own or frames)[-1]


def _fails(data: bytes, check: Callable[[bytes], None]) -> tuple[str, str, int] | None:
    try:
        check(data)
    except Exception as error:
        return place(error)
    return None


def keep(folder: Path, data: bytes) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / hashlib.sha256(data).hexdigest()[:12]
    path.write_bytes(data)
    return path
