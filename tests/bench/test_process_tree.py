"""What a process and those below it use."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bench import process_tree
from bench.process_tree import TreeWatch, memory_of, processes_of, processor_s

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


def test_the_peak_is_that_of_all_processes_that_last() -> None:
    tree = TreeWatch(os.getpid())
    tree.take()
    tree.take()
    peaks = [tree.peak_bytes or 0]
    with _child(HOLDS_MEMORY):
        for _ in range(2):
            tree.take()
            peaks.append(tree.peak_bytes or 0)

    assert peaks[1] - peaks[0] < BALLAST / 2
    assert peaks[2] - peaks[0] > BALLAST * 0.9


def test_processes_in_one_memory_take_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that is started does until it runs its program, which takes its time on a machine under load."""
    alone = memory_of(os.getpid())
    monkeypatch.setattr(process_tree, "processes_of", lambda pid: [pid, pid])
    together = memory_of(os.getpid())

    assert alone is not None and together is not None
    assert together < alone * 1.2


@contextmanager
def _child(program: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process
        process.stdin.write(b"\n")
        process.stdin.close()
