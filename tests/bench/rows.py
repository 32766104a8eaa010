"""The measurements, each giving rows of the table."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from carryover.agents import adapters

from . import floors
from .appended import BUSY_PAUSES_S, PAUSES_S, Latencies, LiveSession, append_while
from .corpus import Corpus
from .distilling import distilling
from .measure import Row, at, compared, cpu_seconds, in_own_process, megabytes, shown, timed
from .processes import bare_daemon, daemon, fresh_state, usage
from .product import read_all, read_home, rescan, single_files, stored, table_sizes
from .startup import startup

MS: Final = 1000.0
BURST_S: Final = 5.0


def first_read(corpus: Corpus, top: Path) -> Iterator[Row]:
    """Reading the whole history with the product's parts in one process, and what that takes on the disk."""
    ledger = top / "first-read" / "ledger.sqlite"
    ledger.parent.mkdir()
    ours = in_own_process(read_home, ledger, corpus.home)
    found = stored(ledger)
    row_bytes = found.body_bytes // max(1, found.events)
    bare = in_own_process(floors.first_read, corpus.files, top / "floor.sqlite", found.events, row_bytes)
    size = corpus.size / 1e6
    yield Row(
        f"first read of {size:.0f} MB: read, fold, redact, store (bare: read, decode, insert as many rows)",
        f"{ours.wall_s:.1f} s, {size / ours.wall_s:.1f} MB/s",
        f"{bare.wall_s:.2f} s, {size / bare.wall_s:.0f} MB/s",
        ours.wall_s / bare.wall_s,
    )
    yield compared("first read: processor time", ours.cpu_s, bare.cpu_s, "s")
    if ours.peak_bytes and bare.peak_bytes:
        yield compared("first read: peak memory", ours.peak_bytes / 1e6, bare.peak_bytes / 1e6, "MB")
    swept_s, count = rescan(ledger, corpus.home, 10)
    stat_s, _ = timed(lambda: floors.stat_all(corpus.files), 10)
    yield compared(f"nothing changed: rescan of {count} files (bare: stat of each)", swept_s * MS, stat_s * MS, "ms")
    yield _size_row("ledger of the generated history", found.file_bytes, corpus.size, found.text_bytes)
    share = {name: f"{size / found.file_bytes:.0%}" for name, size in list(table_sizes(ledger).items())[:5]}
    yield Row("largest parts of that ledger", ", ".join(f"{name} {part}" for name, part in share.items()))


def ledger_size(transcripts: Path, top: Path) -> Iterator[Row]:
    """Ledger against transcripts for real ones, by agent: `transcripts/<agent>/*`."""
    for agent in adapters():
        files = sorted(path for path in (transcripts / agent).glob("*") if path.is_file())
        if not files:
            continue
        ledger = top / f"real-{agent}" / "ledger.sqlite"
        ledger.parent.mkdir()
        in_own_process(read_all, ledger, single_files(agent, files))
        found = stored(ledger)
        size = sum(file.stat().st_size for file in files)
        what = f"ledger of {len(files)} real {agent} transcripts"
        yield _size_row(what, found.file_bytes, size, found.text_bytes)


def _size_row(what: str, ledger: int, transcripts: int, text: int) -> Row:
    product = f"{ledger / 1e6:.1f} MB = {ledger / transcripts:.0%} of {transcripts / 1e6:.1f} MB"
    return Row(f"{what} (bare: the kept text alone)", product, f"{text / 1e6:.1f} MB", ledger / max(1, text))


def daemon_first_read(corpus: Corpus, top: Path) -> Iterator[Row]:
    """The real daemon on a fresh state: when the newest project can be handed over, and when all is read."""
    fresh_state(corpus.home)
    newest = corpus.projects[0]
    handoff = newest / ".carryover" / "handoff.md"
    with bare_daemon(top / "bare-start") as process:
        bare_start_s = process.wait_answering()
    bare_newest_s, _ = timed(lambda: floors.read_and_decode(corpus.files_of(newest)))
    bare_all_s, _ = timed(lambda: floors.read_and_decode(corpus.files))
    begun_s = time.time()
    with daemon(corpus.home) as process:
        start_s = process.wait_answering()
        first_s = process.wait_until(handoff.exists, every_s=0.005)
        all_s = process.wait_caught_up()
        peak, after = process.peak_bytes(), process.memory_bytes()
        final_s = handoff.stat().st_mtime - begun_s
    count = len(corpus.files_of(newest))
    yield compared(
        "daemon: start until it answers (bare: server, database and watcher without a job)", start_s, bare_start_s, "s"
    )
    yield compared(
        "daemon on a fresh state: first handoff of the newest project (bare: start, read and decode its files)",
        first_s,
        bare_start_s + bare_newest_s,
        "s",
    )
    yield compared(f"the same: its last word, all {count} files of it read", final_s, bare_start_s + bare_newest_s, "s")
    yield compared(
        "daemon on a fresh state: everything read (bare: start, read and decode)", all_s, bare_start_s + bare_all_s, "s"
    )
    yield Row(
        "the same: memory at its peak, and after it", f"{shown(megabytes(peak), 'MB')}, {shown(megabytes(after), 'MB')}"
    )


def appended(corpus: Corpus, top: Path, times: int, commands: int) -> Iterator[Row]:
    """An appended line while old history is read and after; then the commands, with the daemon and without."""
    fresh_state(corpus.home)
    session = LiveSession(corpus.home, corpus.projects[0], seed=2)
    with daemon(corpus.home) as process, floors.AppendWatch.on(top / "watched") as watch:
        process.wait_answering()
        busy = append_while(
            session, watch, lambda taken: not taken.product or not process.is_caught_up(), BUSY_PAUSES_S
        )
        process.wait_caught_up()
        quiet = append_while(session, watch, lambda taken: len(taken.product) < times, PAUSES_S)
        cpu_s = cpu_seconds(process.pid)
        burst = session.burst(BURST_S)
        burst_cpu_s = None if cpu_s is None else (cpu_seconds(process.pid) or 0.0) - cpu_s
        with_daemon = startup(corpus.home, corpus.projects[0], commands)
    without_daemon = startup(corpus.home, corpus.projects[0], commands)
    yield from _latency_rows("idle", quiet)
    yield from _latency_rows("while a history is read", busy)
    longest = f"{shown(at(burst, 0.5) * MS, 'ms')}, {shown(max(burst) * MS, 'ms')}"
    yield Row(f"a line every 50 ms for {BURST_S:.0f} s: until the handoff tells of it, p50 and longest", longest)
    if burst_cpu_s is not None:
        yield Row("the same: processor meanwhile, without git", f"{burst_cpu_s / BURST_S:.0%}")
    for how, (took, bare_s) in (("daemon running", with_daemon), ("no daemon", without_daemon)):
        for name, seconds in took.items():
            yield compared(f"`{name}`, {how} (bare: python -c pass)", seconds * MS, bare_s * MS, "ms")


def _latency_rows(when: str, taken: Latencies) -> Iterator[Row]:
    for name, share in (("p50", 0.5), ("p95", 0.95)):
        what = f"appended line to handoff on disk, {when}, {name} of {len(taken.product)} (bare: watchfiles event)"
        yield compared(what, at(taken.product, share) * MS, at(taken.floor, share) * MS, "ms")


def idle(corpus: Corpus, top: Path, seconds: float) -> Iterator[Row]:
    """The daemon started again, with nothing to do."""
    with bare_daemon(top / "bare-idle") as bare:
        bare_start_s = bare.wait_answering()
        with daemon(corpus.home) as process:
            process.wait_answering()
            caught_up_s = process.wait_caught_up()
            time.sleep(2)
            ours, floor = usage([process, bare], seconds)
    what = "nothing changed: daemon's start until it knows (bare: start of the server without a job)"
    yield compared(what, caught_up_s, bare_start_s, "s")
    if ours.rss_bytes and floor.rss_bytes:
        yield compared(
            "idle: memory (bare: server, database, watcher)", ours.rss_bytes / 1e6, floor.rss_bytes / 1e6, "MB"
        )
    if ours.cpu_percent is not None and floor.cpu_percent is not None:
        yield Row(
            f"idle: processor over {seconds:.0f} s",
            f"{ours.cpu_percent:.2f} %",
            f"{floor.cpu_percent:.2f} %",
            ours.cpu_percent / floor.cpu_percent if floor.cpu_percent else None,
        )


def distilled(top: Path, lengths: Sequence[int]) -> Iterator[Row]:
    """A handoff, an appended line and a folded event against the length of the session."""
    home = top / "lengths"
    home.mkdir()
    found = distilling(home, lengths)
    shortest = found[0]
    for one in found:
        name = f"{one.turns:,} turns"
        times = one.handoff_s / shortest.handoff_s
        yield compared(
            f"handoff of {name}: view, distil, render; {times:.1f}x the shortest (bare: select of 200 rows)",
            one.handoff_s * MS,
            one.rows_s * MS,
            "ms",
        )
    for one in found:
        times = one.append_s / shortest.append_s
        yield Row(
            f"one prompt more after {one.turns:,} turns: read, commit, view, distil, render; {times:.1f}x the shortest",
            f"{one.append_s * MS:.1f} ms",
        )
    for one in found:
        digest = f"{one.digest_bytes / 1000:.1f} kB"
        what = f"fold of an event after {one.events:,}, digest {digest} (bare: decode of a stored one)"
        yield compared(what, one.fold_s * 1e6, one.decode_s * 1e6, "µs")
