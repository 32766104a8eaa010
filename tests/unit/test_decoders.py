"""The decoder of a type may be asked for, and used first, by several threads at once."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType
from typing import Final

import msgspec
import pytest

from carryover import config, model
from carryover.daemon import health
from carryover.distill import digest
from carryover.outside import former, listed
from carryover.publish import handoff_json
from carryover.testruns import run

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


@pytest.mark.parametrize(
    "module",
    [config, digest, former, handoff_json, health, listed, model, run],
    ids=lambda one: one.__name__,
)
def test_what_commands_decode_has_no_annotations_as_text(module: ModuleType) -> None:
    """Each would be compiled before the first of the type is decoded: 2 to 3 ms of a short command."""
    kinds = [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, msgspec.Struct)]
    kinds = [kind for kind in kinds if kind.__module__ == module.__name__]

    assert kinds != []
    assert [text for kind in kinds for text in kind.__annotations__.values() if isinstance(text, str)] == []
