"""What a process and those below it use."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.process_tree import memory_of, processes_of, processor_s

BALLAST = 40_000_000
HOLDS_MEMORY = f"ballast = bytearray({BALLAST}); print('ready', flush=True); input()"
WORKS = "import time\nwhile time.process_time() < 0.3: pass"


def test_what_a_child_uses_counts_while_it_runs_and_after_it_has_ended() -> None:
    own, before_s = memory_of(os.getpid()), processor_s(os.getpid())
    with _child(HOLDS_MEMORY) as child:
        with_child = memory_of(os.getpid())
        assert child.pid in processes_of(os.getpid())
    subprocess.run([sys.executable, "-c", WORKS], check=True)
    after_s = processor_s(os.getpid())

    assert own is not None and with_child is not None and with_child - own > BALLAST * 0.9
    assert before_s is not None and after_s is not None and after_s - before_s >= 0.25
    assert child.pid not in processes_of(os.getpid())


@contextmanager
def _child(program: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process
        process.stdin.write(b"\n")
        process.stdin.close()
