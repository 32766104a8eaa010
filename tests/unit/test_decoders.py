"""The decoder of a type may be asked for, and used first, by several threads at once."""

from __future__ import annotations

import subprocess
import sys
from typing import Final

FIRST_USE_BY_THREE_THREADS: Final = """
import sys, threading, msgspec
from carryover.decoders import decoder_of

sys.setswitchinterval(1e-6)
for _ in range(60):
    inner = msgspec.defstruct("Inner", [("x", str, "a")])
    fields = [("a", str | None, None), ("c", tuple[inner, ...], ()), ("d", dict[str, inner], {})]
    outer = msgspec.defstruct("Outer", fields)
    begin, found = threading.Barrier(3), []

    def decode():
        begin.wait()
        found.append(decoder_of(outer).decode(b'{"a":"q","c":[{"x":"b"}]}').c[0].x)

    threads = [threading.Thread(target=decode) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == ["b"] * 3, found
"""


def test_three_threads_may_decode_a_type_for_the_first_time_at_once() -> None:
    """With `msgspec.json.decode` the process dies of a segmentation fault (msgspec 0.22.0)."""
    ended = subprocess.run([sys.executable, "-c", FIRST_USE_BY_THREE_THREADS], capture_output=True, text=True)

    assert (ended.returncode, ended.stderr) == (0, "")
