"""What grows with the history: the real daemon on histories of all agents, each ten times the size of the last."""

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from bench.corpus import Corpus
from bench.document import circumstances, source_digest
from bench.hooks import Answers, Caller, count_answer
from bench.measure import Run, at, in_own_process, megabytes, table_of_growth, timed
from bench.mixed import make_mixed
from bench.processes import (
    CONFIG,
    PROGRAM,
    START_POLL_S,
    Process,
    TreeWatch,
    daemon,
    environment,
    memory_of,
    processor_s,
    run,
)
from carryover.agents import adapters
from carryover.daemon.server import hook_secret
from carryover.ledger.connect import connect_read_only
from carryover.ledger.queries import project_by_root
from carryover.paths import StateDir
from carryover.probe.checkout import Checkout
from carryover.probe.own_file import why_not_own
from carryover.publish.project_view import project_view
from carryover.transcript.sources import sources_of

MS: Final = 1000.0
HOOK_CALLS: Final = 40
STARTS: Final = 3
COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "sessions_ms": ("sessions",),
    "search_ms": ("search", "timeout", "--all"),
    "handoff_ms": ("handoff",),
    "show_ms": ("show", "last"),
    "log_ms": ("log",),
    "status_ms": ("status",),
}
PAGE: Final[Mapping[str, str]] = {
    "page_projects_ms": "projects",
    "page_sessions_ms": "sessions?limit=100",
    "page_search_ms": "search?q=timeout&limit=30",
}
"""What the page asks for to draw its lists."""
LABELS: Final[Mapping[str, tuple[str, str]]] = {
    "written_mb": ("history", "MB"),
    "files": ("the same: files", ""),
    "bare_read_s": ("floor: every byte of it read", "s"),
    "first_handoff_s": ("first handoff of the newest project, from the start of the daemon", "s"),
    "first_read_s": ("first read: until everything is read", "s"),
    "first_read_cpu_s": ("first read: processor time of all its processes", "s"),
    "first_read_mb": ("first read: memory of all its processes at its peak", "MB"),
    "busy_calls": ("SessionStart during the first read: calls", ""),
    "busy_stood_in": ("the same: answered without the daemon", ""),
    "busy_nothing": ("the same: without an answer", ""),
    "busy_p50_ms": ("the same: p50", "ms"),
    "busy_p99_ms": ("the same: p99", "ms"),
    "quiet_p50_ms": ("SessionStart after it: p50", "ms"),
    "quiet_p99_ms": ("the same: p99", "ms"),
    "ledger_mb": ("ledger", "MB"),
    "ledger_percent": ("ledger against the history", "%"),
    "restart_s": (f"daemon's start until it knows that nothing changed, median of {STARTS}", "s"),
    "idle_mb": ("idle after that: memory of all its processes", "MB"),
    "sessions_ms": ("`carryover sessions`, daemon running", "ms"),
    "search_ms": ("`carryover search` in all projects, daemon running", "ms"),
    "handoff_ms": ("`carryover handoff` of the newest project, daemon running", "ms"),
    "show_ms": ("`carryover show last` in it, daemon running", "ms"),
    "log_ms": ("`carryover log` of it, daemon running", "ms"),
    "status_ms": ("`carryover status` in it, daemon running", "ms"),
    "page_projects_ms": ("the page's projects, as the daemon answers", "ms"),
    "page_sessions_ms": ("the page's newest 100 sessions", "ms"),
    "page_search_ms": ("the page's search in all projects", "ms"),
    "view_ms": ("view of the newest project, from the ledger alone", "ms"),
}


class Size(msgspec.Struct):
    megabytes: int
    circumstances: str
    figures: dict[str, float]


def growth(top: Path, sizes_mb: Sequence[int], cache: Path) -> str:
    """The table of all sizes; those that were measured with these sources before are taken from the cache."""
    sizes = []
    for size_mb in sizes_mb:
        kept = cache / "growth" / f"{size_mb}-{source_digest()}.json"
        if not kept.exists():
            print(f"\nmeasuring a history of {size_mb:,} MB", file=sys.stderr, flush=True)
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_bytes(msgspec.json.encode(measured(top / f"g{size_mb}", size_mb)))
        sizes.append(msgspec.json.decode(kept.read_bytes(), type=Size))
    table = table_of_growth([(f"{each.megabytes:,} MB", each.figures) for each in sizes], LABELS)
    return "\n".join((table, "", *(f"- {each.megabytes:,} MB: {each.circumstances}" for each in sizes)))


def measured(top: Path, size_mb: int) -> Size:
    began = circumstances()
    top.mkdir()
    try:
        made: Run = in_own_process(_make, top / "home", size_mb)
        corpus: Corpus = made.value
        figures = {"written_mb": corpus.size / 1e6, "files": float(len(corpus.files))}
        figures["bare_read_s"] = timed(lambda: sum(len(file.read_bytes()) for file in corpus.files))[0]
        figures |= _first_read(corpus, top)
        figures |= _settled(corpus)
        figures |= _again(corpus)
        figures["view_ms"] = in_own_process(_view_s, corpus).value * MS
        return Size(size_mb, began, figures)
    finally:
        shutil.rmtree(top, ignore_errors=True)


def _make(home: Path, size_mb: int) -> Corpus:
    corpus = make_mixed(home, megabytes=size_mb, seed=3, now_ms=int(time.time() * 1000))
    state = StateDir(home / ".carryover")
    state.root.mkdir(mode=0o700, exist_ok=True)
    state.root.chmod(0o700)
    state.config.write_text(CONFIG, encoding="utf-8")
    hook_secret(state.secret)  # sessions call the script before the daemon has made it
    return corpus


def _first_read(corpus: Corpus, top: Path) -> dict[str, float]:
    """A daemon that knows nothing yet, and sessions that start while it reads."""
    handoff = corpus.projects[0] / ".carryover" / "handoff.md"
    caller = Caller(corpus, top / "unused.sock")
    with daemon(corpus.home) as process, TreeWatch(process.pid) as tree, ThreadPoolExecutor(1) as beside:
        process.wait_answering()
        starts = beside.submit(_starts_until_caught_up, caller, process)
        first_s = process.wait_until(handoff.exists, every_s=0.005)
        all_s = process.wait_caught_up()
        busy = starts.result()
        cpu_s = processor_s(process.pid)
        quiet = Answers()
        for _ in range(HOOK_CALLS):
            count_answer(quiet, caller)
    found: dict[str, float | None] = {"first_handoff_s": first_s, "first_read_s": all_s, "first_read_cpu_s": cpu_s}
    found["first_read_mb"] = megabytes(tree.peak_bytes)
    found |= {"busy_calls": len(busy.seconds), "busy_stood_in": busy.stood_in, "busy_nothing": busy.nothing}
    for when, calls in (("busy", busy), ("quiet", quiet)):
        found |= {f"{when}_p{share}_ms": at(calls.seconds, share / 100) * MS for share in (50, 99)}
    return {key: value for key, value in found.items() if value is not None}


def _starts_until_caught_up(caller: Caller, process: Process) -> Answers:
    taken = Answers()
    while not taken.seconds or not process.is_caught_up():
        process.check()
        count_answer(taken, caller)
        # After the first `HOOK_CALLS`: each takes some of the processor time that is measured, too.
        time.sleep(0.25 if len(taken.seconds) < HOOK_CALLS else 2.0)
    return taken


def _settled(corpus: Corpus) -> dict[str, float]:
    """The ledger once the sources in projects are in it, too, which are found when the projects are known."""
    ledger = StateDir(corpus.home / ".carryover").ledger
    agents = [agent for agent in adapters().values() if agent.in_projects]
    found = [
        (agent, root, source.path) for root in corpus.projects for agent in agents for source in sources_of(agent, root)
    ]
    # One that was made in few seconds is taken for a copy, and not read.
    expected = {path for agent, root, path in found if why_not_own(agent, Checkout(root), Path(path)) is None}
    with daemon(corpus.home) as process:
        process.wait_caught_up()
        process.wait_until(lambda: expected <= _paths_read(ledger), every_s=0.2)
        process.wait_caught_up()
    size = ledger.stat().st_size
    return {"ledger_mb": size / 1e6, "ledger_percent": 100 * size / corpus.size}


def _paths_read(ledger: Path) -> set[str]:
    with closing(connect_read_only(ledger)) as db:
        return {os.fsdecode(path) for (path,) in db.execute("SELECT path FROM source")}


def _again(corpus: Corpus) -> dict[str, float]:
    """The daemon started again on the ledger that it left, the commands beside it, and its memory when idle."""
    starts_s = []
    for _ in range(STARTS - 1):
        with daemon(corpus.home) as process:
            starts_s.append(process.wait_caught_up(every_s=START_POLL_S))
    with daemon(corpus.home) as process:
        found = {"restart_s": statistics.median([*starts_s, process.wait_caught_up(every_s=START_POLL_S)])}
        for key, arguments in COMMANDS.items():
            took_s = [run((str(PROGRAM), *arguments), corpus.home, corpus.projects[0]) for _ in range(5)]
            found[key] = statistics.median(took_s) * MS
        found |= _page(corpus)
        time.sleep(3.0)
        idle = memory_of(process.pid)
    return found if idle is None else {**found, "idle_mb": idle / 1e6}


def _page(corpus: Corpus) -> dict[str, float]:
    """How long the daemon takes for what the page asks; who asks has been let in by a key, as a browser."""
    command = (str(PROGRAM), "ui", "--no-open")
    printed = subprocess.check_output(command, cwd=corpus.projects[0], env=environment(corpus.home), text=True)
    address = urlsplit(printed.split()[-1])
    with closing(HTTPConnection("127.0.0.1", address.port or 0)) as daemon_port:

        def asked(path: str, **headers: str) -> HTTPResponse:
            daemon_port.request("GET", path, headers={"Host": address.netloc, **headers})
            answer = daemon_port.getresponse()
            answer.read()
            if answer.status >= 400:
                raise RuntimeError(f"the page's {path.partition('?')[0]} failed: {answer.status}")
            return answer

        cookie = asked(f"{address.path}?{address.query}").headers["Set-Cookie"].partition(";")[0]
        return {
            key: timed(partial(asked, f"{address.path}api/{path}", Cookie=cookie), 5)[0] * MS
            for key, path in PAGE.items()
        }


def _view_s(corpus: Corpus) -> float:
    with closing(connect_read_only(StateDir(corpus.home / ".carryover").ledger)) as db:
        project = project_by_root(db, str(corpus.projects[0]))
        if project is None:
            raise RuntimeError("the newest project is not in the ledger")
        return timed(lambda: project_view(db, project.id), 10)[0]
