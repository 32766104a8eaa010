"""One large session and no daemon: `carryover handoff` and the quickest other program, in turns."""

from __future__ import annotations

import shutil
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from .corpus import make_session
from .measure import Row, compared
from .measured_command import Ran, run_measured
from .peer_programs import CLAUDE_HANDOFF, Peer
from .processes import environment, fresh_state
from .startup import PROGRAM


def one_session(top: Path, megabytes: float, rounds: int, cache: Path, peer: Peer = CLAUDE_HANDOFF) -> Iterator[Row]:
    """Medians of `rounds` runs of each, always with an empty ledger; without the other program where it is missing."""
    home = top / "one-session"
    root, transcript = make_session(home, megabytes=megabytes, seed=4, now_ms=int(time.time() * 1000))
    missing = peer.install(cache)
    ours, theirs = [], []
    for _ in range(rounds):
        ours.append(_ours(home, root))
        if not missing:
            theirs.append(_theirs(peer.program(cache), transcript, home, root))
    what = f"handoff of one session of {transcript.stat().st_size / 1e6:.0f} MB, median of {rounds}"
    if missing:
        yield Row(what, f"{statistics.median(ran.wall_s for ran in ours):.2f} s", missing)
        return
    beside = f"{peer.name} {peer.version}"
    yield compared(f"{what} ({beside})", _median(ours, "wall_s"), _median(theirs, "wall_s"), "s", "one-session")
    yield compared("the same: processor time", _median(ours, "cpu_s"), _median(theirs, "cpu_s"), "s")
    peaks = [max(ran.peak_bytes or 0 for ran in runs) / 1e6 for runs in (ours, theirs)]
    yield compared("the same: peak memory", peaks[0], peaks[1], "MB")
    sizes = [(len(ran.output), ran.output.count(b"\n")) for ran in (ours[-1], theirs[-1])]
    shown = [f"{lines:,} lines, {size:,} bytes" for size, lines in sizes]
    yield Row("the same: what is printed", shown[0], shown[1])


def _ours(home: Path, root: Path) -> Ran:
    fresh_state(home)
    ran = run_measured([str(PROGRAM), "handoff"], cwd=root, env=environment(home), aside=home / "aside")
    for former in home.glob("old-state-*"):
        shutil.rmtree(former)
    return _checked(ran)


def _theirs(program: Path, transcript: Path, home: Path, root: Path) -> Ran:
    command = [str(program), str(transcript), "-o", "-"]
    return _checked(run_measured(command, cwd=root, env=environment(home), aside=home / "aside"))


def _checked(ran: Ran) -> Ran:
    if ran.returncode != 0 or not ran.output:
        raise RuntimeError(f"a program failed ({ran.returncode}): {ran.errors.decode(errors='replace')[-500:]}")
    return ran


def _median(runs: list[Ran], name: str) -> float:
    return float(statistics.median(getattr(ran, name) for ran in runs))
