"""The measurements, each giving rows of the table."""

import json
import os
import random
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from bench import floors, processes
from bench.corpus import Corpus, append_lines, new_session_id, transcripts_of
from bench.floors import AppendWatch
from bench.measure import Pairs, Row, at, compared, in_own_process, megabytes, shown, timed
from bench.product import read_all, read_home, rescan, stored, table_sizes
from bench.work import Conversation
from carryover.adapter.contract import Source
from carryover.agents import adapters

MS: Final = 1000.0
BURST_S: Final = 5.0
LIMIT_S: Final = 30.0
POLL_S: Final = 0.001


def first_read(corpus: Corpus, top: Path) -> Iterator[Row]:
    """Reading the whole history with the product's parts, without the daemon, and what that takes on the disk."""
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
        key="first-read",
    )
    yield compared("first read: processor time", ours.cpu_s, bare.cpu_s, "s")
    yield compared("first read: peak memory", megabytes(ours.peak_bytes), megabytes(bare.peak_bytes), "MB")
    swept_s, count = rescan(ledger, corpus.home, 10)
    stat_s, _ = timed(lambda: floors.stat_all(corpus.files), 10)
    what = f"nothing changed: rescan of {count} files (bare: stat of each)"
    yield compared(what, swept_s * MS, stat_s * MS, "ms", "rescan")
    yield _size_row("ledger of the generated history", found.file_bytes, corpus.size, found.text_bytes, "ledger")
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
        sources = [Source(agent=agent, path=str(file), session=file.stem) for file in files]
        in_own_process(read_all, ledger, sources)
        found = stored(ledger)
        size = sum(file.stat().st_size for file in files)
        what = f"ledger of {len(files)} real {agent} transcripts"
        yield _size_row(what, found.file_bytes, size, found.text_bytes)


def _size_row(what: str, ledger: int, transcripts: int, text: int, key: str = "") -> Row:
    product = f"{ledger / 1e6:.1f} MB = {ledger / transcripts:.0%} of {transcripts / 1e6:.1f} MB"
    ratio, percent = ledger / max(1, text), 100 * ledger / transcripts
    return Row(f"{what} (bare: the kept text alone)", product, f"{text / 1e6:.1f} MB", ratio, key, percent)


def daemon_first_read(corpus: Corpus, top: Path) -> Iterator[Row]:
    """The real daemon on a fresh state: when the newest project can be handed over, and when all is read."""
    state = processes.fresh_state(corpus.home)
    newest = corpus.projects[0]
    handoff = newest / ".carryover" / "handoff.md"
    handoff.unlink(missing_ok=True)
    with processes.bare_daemon(top / "bare-start") as process:
        bare_start_s = process.wait_answering()
    bare_newest_s, _ = timed(lambda: floors.read_and_decode(corpus.files_of(newest)))
    begun_s = time.time()
    with processes.daemon(corpus.home) as process, processes.TreeWatch(process.pid) as tree:
        start_s = process.wait_answering()
        first_s = process.wait_until(handoff.exists, every_s=0.005)
        word = last_word(corpus.files_of(newest)[0])
        word_s = process.wait_until(lambda: word in handoff.read_text(encoding="utf-8"), every_s=0.005)
        all_s = process.wait_caught_up()
        cpu_s, after = processes.processor_s(process.pid), processes.memory_of(process.pid)
        final_s = handoff.stat().st_mtime - begun_s
    found = stored(state.ledger)
    row_bytes = found.body_bytes // max(1, found.events)
    bare = in_own_process(floors.first_read, corpus.files, top / "daemon-floor.sqlite", found.events, row_bytes)
    what = "daemon: start until it answers (bare: server, database and watcher without a job)"
    yield compared(what, start_s, bare_start_s, "s")
    what = "daemon on a fresh state: first handoff of the newest project (bare: start, read and decode its files)"
    yield compared(what, first_s, bare_start_s + bare_newest_s, "s", "newest-handoff")
    yield compared("the same: with the last word of its newest session", word_s, None, "s", "newest-word")
    what = f"the same: written for the last time, all {len(corpus.files_of(newest))} files of it read"
    yield compared(what, final_s, bare_start_s + bare_newest_s, "s")
    what = "daemon on a fresh state: everything read (bare: start, read, decode, insert as many rows)"
    yield compared(what, all_s, bare_start_s + bare.wall_s, "s", "first-read")
    yield compared("the same: processor time of all its processes (bare: without its start)", cpu_s, bare.cpu_s, "s")
    yield compared("the same: memory at its peak", megabytes(tree.peak_bytes), None, "MB", "first-read-memory")
    yield compared("the same: memory after it", megabytes(after), None, "MB")


def last_word(transcript: Path) -> str:
    """The first sentence of what the agent said last, as the handoff quotes it."""
    said = ""
    for line in transcript.read_bytes().splitlines():
        record = json.loads(line)
        if record["type"] == "assistant":
            said = next((part["text"] for part in record["message"]["content"] if part["type"] == "text"), said)
    return said.partition(". ")[0]


def appended(corpus: Corpus, top: Path, times: int, busy_times: int) -> Iterator[Row]:
    session = LiveSession(corpus.home, corpus.projects[0], seed=2)
    first: list[float] = []
    busy = Pairs()
    with floors.AppendWatch.on(top / "watched") as watch:
        while len(busy.product) < busy_times:  # one first read may be over too soon
            processes.fresh_state(corpus.home)
            with processes.daemon(corpus.home) as process:
                process.wait_answering()
                first.append(session.step())
                more = append_while(
                    session,
                    watch,
                    lambda taken: len(busy.product) + len(taken.product) < busy_times and not process.is_caught_up(),
                    (0.2, 0.5),
                )
                busy.product += more.product
                busy.floor += more.floor
            if not more.product:
                break
        with processes.daemon(corpus.home) as process:
            process.wait_caught_up()
            # Between two appends, by chance: each change comes after a quiet moment, at any phase of the daemon.
            quiet = append_while(session, watch, lambda taken: len(taken.product) < times, (0.6, 1.1))
            cpu_s = processes.processor_s(process.pid)
            burst = session.burst(BURST_S)
            burst_cpu_s = None if cpu_s is None else (processes.processor_s(process.pid) or 0.0) - cpu_s
    what = "appended line to handoff on disk"
    yield from quiet.rows(f"{what}, idle", "watchfiles event", "append-idle", p50=0.5, p95=0.95)
    if busy.product:
        yield from busy.rows(f"{what}, while a history is read", "watchfiles event", "append-busy", p50=0.5, p95=0.95)
    what = f"the first line after a start on a fresh state, median of {len(first)}"
    yield compared(what, at(first, 0.5) * MS, None, "ms")
    longest = f"{shown(at(burst, 0.5) * MS, 'ms')}, {shown(max(burst) * MS, 'ms')}"
    yield Row(f"a line every 50 ms for {BURST_S:.0f} s: until the handoff names it, p50 and longest", longest)
    if burst_cpu_s is not None:
        yield Row("the same: processor meanwhile", f"{burst_cpu_s / BURST_S:.0%}")


def commands(corpus: Corpus, times: int) -> Iterator[Row]:
    processes.fresh_state(corpus.home)
    with processes.daemon(corpus.home) as process:
        process.wait_caught_up()
        with_daemon = processes.startup(corpus.home, corpus.projects[0], times)
    without_daemon = processes.startup(corpus.home, corpus.projects[0], times)
    for how, (took, bare_s) in (("daemon running", with_daemon), ("no daemon", without_daemon)):
        for name, seconds in took.items():
            key = f"command-{name.split()[1].lstrip('-')}" if how == "daemon running" else ""
            yield compared(f"`{name}`, {how} (bare: python -c pass)", seconds * MS, bare_s * MS, "ms", key)


def idle(corpus: Corpus, top: Path, seconds: float) -> Iterator[Row]:
    with processes.bare_daemon(top / "bare-idle") as bare:
        bare_start_s = bare.wait_answering()
        with processes.daemon(corpus.home) as process:
            process.wait_answering()
            caught_up_s = process.wait_caught_up(every_s=processes.START_POLL_S)
            time.sleep(2)
            (rss, cpu), (bare_rss, bare_cpu) = processes.usage([process, bare], seconds)
            children = len(processes.processes_of(process.pid)) - 1
    what = "nothing changed: daemon's start until it knows (bare: start of the server without a job)"
    yield compared(what, caught_up_s, bare_start_s, "s", "start-known")
    what = "idle: memory (bare: server, database, watcher)"
    yield compared(what, megabytes(rss), megabytes(bare_rss), "MB", "idle-memory")
    yield compared(f"idle: processor over {seconds:.0f} s", cpu, bare_cpu, "%", "idle-processor")
    yield compared("idle: processes below the daemon", children, None, "", "idle-children")


class LiveSession:
    """A session somebody works in now: each step is a prompt that gives a new task, which the handoff must name."""

    def __init__(self, home: Path, project: Path, seed: int) -> None:
        self._handoff = project / ".carryover" / "handoff.md"
        self.chance = random.Random(seed)
        session = new_session_id(self.chance)
        self._path = transcripts_of(home, project) / f"{session}.jsonl"
        self._talk = Conversation(self.chance, session=session, cwd=project, start_ms=0, ms_per_byte=0.001)
        self._steps = 0
        self._name = f"part-{session[:8]}"
        self._named = re.compile(rf"{self._name}-(\d+)".encode())
        self._seen: tuple[int, int] | None = None

    def step(self) -> float:
        """Append a task; seconds until the handoff that names it was there."""
        number = self._append()
        started = time.perf_counter()
        while self._newest_named() < number:
            if time.perf_counter() - started > LIMIT_S:
                raise TimeoutError(f"the handoff did not tell of an appended line within {LIMIT_S:.0f} s")
            time.sleep(POLL_S)
        return time.perf_counter() - started

    def burst(self, seconds: float) -> list[float]:
        """Append a task every 50 ms; for each, the seconds until the handoff named it or one after it."""
        appended: dict[int, float] = {}
        waited: list[float] = []
        end = due = time.perf_counter()
        end += seconds
        while appended or time.perf_counter() < end:
            now = time.perf_counter()
            if now >= due and now < end:
                appended[self._append()] = now
                due += 0.05
            named = self._newest_named()
            for number in [number for number in appended if number <= named]:
                waited.append(time.perf_counter() - appended.pop(number))
            if now > end + LIMIT_S:
                raise TimeoutError(f"{len(appended)} lines of a burst never came into the handoff")
            time.sleep(POLL_S)
        return waited

    def _append(self) -> int:
        self._steps += 1
        written = len(self._talk.lines)
        self._talk.go_to(int(time.time() * 1000))
        self._talk.prompt(f"Make {self._name}-{self._steps} of the export work, and nothing else.")
        append_lines(self._path, self._talk, written)
        return self._steps

    def _newest_named(self) -> int:
        """The newest task in the handoff; 0 where it was not replaced, since this is asked all the time."""
        try:
            status = os.stat(self._handoff)  # noqa: PTH116 (the cheapest look)
        except FileNotFoundError:
            return 0
        identity = (status.st_ino, status.st_mtime_ns)
        if identity == self._seen:
            return 0
        self._seen = identity
        return max((int(number) for number in self._named.findall(self._handoff.read_bytes())), default=0)


def append_while(
    session: LiveSession, watch: AppendWatch, goes_on: Callable[[Pairs], bool], pauses_s: tuple[float, float]
) -> Pairs:
    taken = Pairs()
    while goes_on(taken):
        taken.product.append(session.step())
        time.sleep(session.chance.uniform(*pauses_s))
        taken.floor.append(watch.append())
    return taken
