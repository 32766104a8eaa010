"""The profile: which part of the product a stack belongs to, and who used the processor."""

from __future__ import annotations

import threading
import time

import pytest

from bench.time_shares import ELSE, part_of, sampled


@pytest.mark.parametrize(
    ("modules", "part"),
    [
        (("carryover.redact.tokens", "carryover.ingest.prepare", "concurrent.futures.thread"), "redaction"),
        (
            ("json.encoder", "carryover.ledger.codec", "carryover.ledger.store"),
            "encoding and compressing what is stored",
        ),
        (("carryover.ledger.store", "asyncio.events"), "database"),
        (("carryover.text.words", "carryover.distill.fold"), "fold: events into digests"),
        (("carryover.redacted", "asyncio.events"), "event loop and hops between threads"),
        (("importlib._bootstrap",), ELSE),
    ],
)
def test_a_stack_belongs_to_the_part_of_its_innermost_module(modules: tuple[str, ...], part: str) -> None:
    assert part_of(iter(modules)) == part


def busy() -> None:
    end = time.thread_time() + 0.2
    while time.thread_time() < end:
        pass


def waits(until: threading.Event) -> None:
    until.wait()


def test_the_function_that_works_has_the_time_and_one_that_waits_has_none() -> None:
    done = threading.Event()
    waiting = threading.Thread(target=waits, args=(done,))

    def work() -> None:
        waiting.start()
        busy()
        done.set()
        waiting.join()

    found = sampled(work)

    assert max(found.functions, key=lambda name: found.functions[name]).endswith(".busy")
    assert sum(found.parts.values()) == pytest.approx(sum(found.functions.values()))
    assert not any(name.endswith(".waits") and used > 0.05 for name, used in found.functions.items())
