"""The daemon is stopped, hangs or only begins to start: nobody is told, nobody waits, the stored answer stands in."""

from __future__ import annotations

import statistics
import time
from typing import Final

import pytest

from real_agents.codex import hooked
from real_agents.codex.client import PROJECT, READY, CodexBox
from real_agents.codex.hooked import STATE
from real_agents.codex.requests import told
from real_agents.lab import handoffs, product
from real_agents.lab.handoffs import GATES
from real_agents.lab.rows import Row

pytestmark = pytest.mark.real_agents

SOCKET: Final = STATE / "daemon.sock"
TROUBLES: Final = ("stopped", "hanging", "jammed", "half-started")
START_S: Final = 1.0
ALL_HOOKS_S: Final = START_S + 0.3 + 0.3
"""The time limits of SessionStart, Stop and SessionEnd in one `codex exec`."""
NOISE_S: Final = 0.2
PAIRS: Final = 3


@pytest.mark.parametrize("trouble", TROUBLES)
def test_the_stored_answer_is_given_and_nothing_is_said(codex: CodexBox, row: Row, trouble: str) -> None:
    """In whatever way the daemon is missing: the next session has the last handoff, in a subfolder too."""
    left = hooked.left_behind(codex)
    bring(codex, trouble)
    before = len(codex.requests())
    ran = codex.exec("Hello")
    found = handoffs.injected(told(codex.requests()[before]))
    in_sub = handoffs.injected(hooked.first_request(codex, "Hello", cwd=PROJECT / "sub"))

    row.shown(f"handoffs in the first request: root {len(found)}, subfolder {len(in_sub)}")
    row.shown(f"said of hooks: {' / '.join(hooked.lines_of_hooks(ran.err))}")
    assert [handoffs.sections(text) for text in found] == [handoffs.sections(left)]
    assert in_sub == found
    assert GATES["ask"] in handoffs.protocol(found[0])
    assert hooked.lines_of_hooks(ran.err) == hooked.EXEC_LINES
    assert hooked.lines_of_hooks(ran.out) == []


@pytest.mark.parametrize("trouble", ["none", "stopped", "hanging"])
def test_the_screen_says_nothing_of_hooks(codex: CodexBox, row: Row, trouble: str) -> None:
    """With the daemon, without it and with one that hangs the terminal shows the conversation and nothing else."""
    hooked.left_behind(codex)
    bring(codex, trouble)
    with codex.terminal() as terminal:
        terminal.wait(READY)
        terminal.enter("Hello")
        terminal.wait(r"• OK\.")
        time.sleep(1)  # a message of the Stop hook would come now; nothing tells that none will
        screen = terminal.screen()

    row.shown(f"lines about hooks on the screen: {hooked.lines_of_hooks(screen) or 'none'}")
    assert hooked.lines_of_hooks(screen) == []


@pytest.mark.parametrize("trouble", ["none", "stopped", "hanging"])
def test_how_long_a_run_takes_with_hooks_and_without(codex: CodexBox, row: Row, trouble: str) -> None:
    """Until the first request, which waits for SessionStart alone, and until the end, which waits for all."""
    hooked.left_behind(codex)
    bring(codex, trouble)
    plain, hooks = [], []
    for _ in range(PAIRS):
        plain.append(timed(codex, "--disable", "hooks"))
        hooks.append(timed(codex))
    added = [added_s([run[part] for run in hooks], [run[part] for run in plain]) for part in (0, 1)]

    row.shown(f"{PAIRS} pairs of `codex exec`; the hooks add to the start {added[0]:+.2f} s, to all {added[1]:+.2f} s")
    row.shown(f"without them the first request comes after {min(run[0] for run in plain):.2f} s")
    limits_s = (0.0, 0.0) if trouble == "stopped" else (START_S, ALL_HOOKS_S)
    assert all(one < limit_s + NOISE_S for one, limit_s in zip(added, limits_s, strict=True))


def bring(codex: CodexBox, trouble: str) -> None:
    """Something in the place of the daemon that was stopped, as `silent_socket.py` says; "none": the daemon again."""
    if trouble == "none":
        product.start_daemon(codex.box)
    elif trouble != "stopped":
        codex.box.must("rm", "-f", str(SOCKET))
        server = codex.box.start(product.PYTHON, "-m", "real_agents.lab.silent_socket", str(SOCKET), trouble)
        if server.line() != "ready":
            raise RuntimeError("the stand-in did not start")


def timed(codex: CodexBox, *options: str) -> tuple[float, float]:
    """Seconds of one `codex exec` until its first request, and until its end."""
    before = len(codex.requests())
    start = time.time()
    codex.exec("Hello", *options)
    return codex.request_times()[before] - start, time.time() - start


def added_s(with_hooks: list[float], without: list[float]) -> float:
    """How much longer it took. Other work on the machine can spoil the medians or the shortest, hardly both."""
    medians = statistics.median(with_hooks) - statistics.median(without)
    return min(medians, min(with_hooks) - min(without))
