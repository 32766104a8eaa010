"""Programs that make documents of a history, beside `carryover handoff`: what each takes and what comes out."""

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from bench.corpus import Corpus, make_session
from bench.measure import Row, compared, megabytes, shown
from bench.processes import PROGRAM, Ran, environment, fresh_state, run_measured


@dataclass(frozen=True, slots=True)
class Peer:
    """A package of PyPI and its program of the same name, at a fixed version, so that two runs compare."""

    name: str
    version: str

    def program(self, cache: Path) -> Path:
        return self.folder(cache) / "bin" / self.name

    def install(self, cache: Path) -> str:
        """Install it where it is not yet; empty, or why that failed, which is tried once in a run."""
        return "" if self.program(cache).exists() else _installed(self, cache)

    def folder(self, cache: Path) -> Path:
        return cache / "peers" / f"{self.name}-{self.version}-py{sys.version_info.major}.{sys.version_info.minor}"


CLAUDE_HANDOFF: Final = Peer("claude-handoff", "0.20.0")
CLAUDE_CODE_LOG: Final = Peer("claude-code-log", "1.7.0")
CLAUDE_CODE_TRANSCRIPTS: Final = Peer("claude-code-transcripts", "0.6")


@cache
def _installed(peer: Peer, place: Path) -> str:
    folder = peer.folder(place)
    folder.parent.mkdir(parents=True, exist_ok=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    fetch = [*pip, "--retries", "1", f"{peer.name}=={peer.version}"]
    try:
        for command in ([sys.executable, "-m", "venv", str(folder)], fetch):
            subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=180, check=True)
    except (OSError, subprocess.SubprocessError):
        return f"not installed: {peer.name} {peer.version} could not be fetched from PyPI"
    return "" if peer.program(place).exists() else f"not installed: {peer.name} {peer.version} has no such program"


HEAD: Final = (
    "| program | of the history | time | processor time | peak memory | files | bytes | lines | what it is |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True, slots=True)
class Job:
    """What a program is called for.

    In `arguments`, `{out}` is a new folder, `{projects}` that of the transcripts, `{name}` the newest project.
    """

    peer: Peer | None
    arguments: tuple[str, ...]
    covers: str
    makes: str


JOBS: Final = (
    Job(None, ("handoff",), "the newest project, redacted and stored", "handoff of the project, Markdown"),
    Job(CLAUDE_HANDOFF, ("-o", "{out}/handoff.md"), "the newest session", "handoff of that session, Markdown"),
    Job(
        CLAUDE_HANDOFF,
        ("--brief", "--project", "{name}", "-o", "{out}/brief.md"),
        "the newest project",
        "brief of all its sessions, Markdown",
    ),
    Job(
        CLAUDE_CODE_LOG,
        ("{projects}", "--all-projects", "--no-cache", "--format", "md", "-o", "{out}"),
        "everything",
        "whole transcripts, Markdown",
    ),
    Job(
        CLAUDE_CODE_LOG,
        ("{projects}", "--all-projects", "--no-cache", "--format", "html", "-o", "{out}"),
        "everything",
        "whole transcripts, HTML",
    ),
    Job(
        CLAUDE_CODE_TRANSCRIPTS,
        ("all", "--quiet", "--source", "{projects}", "--output", "{out}"),
        "everything but sub-agents",
        "whole transcripts, HTML pages",
    ),
)


def peers(corpus: Corpus, top: Path, cache: Path, jobs: Sequence[Job] = JOBS) -> str:
    """A table with a line for each job; a program that cannot be installed is named as skipped."""
    lines = [HEAD]
    for number, job in enumerate(jobs):
        name = "Carryover, no daemon, empty ledger" if job.peer is None else f"{job.peer.name} {job.peer.version}"
        missing = job.peer.install(cache) if job.peer is not None else ""
        cells: tuple[str, ...] = (f"skipped, {missing}", *[""] * 5)
        if not missing:
            cells = _measured(job, corpus, top / f"peer-{number}", cache)
        lines.append(f"| {' | '.join((name, job.covers, *cells, job.makes))} |")
    return "\n".join(lines)


def _measured(job: Job, corpus: Corpus, folder: Path, cache: Path) -> tuple[str, ...]:
    home = folder / "home"  # with links of its own: some programs write beside what they read
    shutil.copytree(corpus.home / ".claude", home / ".claude", copy_function=os.link)
    out = folder / "out"
    out.mkdir()
    program = PROGRAM if job.peer is None else job.peer.program(cache)
    newest = corpus.projects[0]
    names = {"out": str(out), "projects": str(home / ".claude" / "projects"), "name": newest.name}
    command = [str(program), *(argument.format_map(names) for argument in job.arguments)]
    ran = run_measured(command, cwd=newest, env=environment(home), aside=folder / "aside")
    if ran.returncode != 0:
        return f"failed ({ran.returncode})", f"{ran.cpu_s:.1f} s", shown(megabytes(ran.peak_bytes), "MB"), "", "", ""
    made = [path.read_bytes() for path in out.rglob("*") if path.is_file()] or [ran.output]
    shutil.rmtree(folder)
    times = f"{ran.wall_s:.2f} s", f"{ran.cpu_s:.2f} s", shown(megabytes(ran.peak_bytes), "MB")
    lines = sum(content.count(b"\n") for content in made)
    return *times, f"{len(made):,}", f"{sum(map(len, made)):,}", f"{lines:,}"


def one_session(top: Path, megabytes: float, rounds: int, cache: Path, peer: Peer = CLAUDE_HANDOFF) -> Iterator[Row]:
    """Medians of `rounds` runs of each, always with an empty ledger; without the other program where it is missing."""
    home = top / "one-session"
    root, transcript = make_session(home, megabytes=megabytes, seed=4, now_ms=int(time.time() * 1000))
    missing = peer.install(cache)
    ours, theirs = [], []
    for _ in range(rounds):
        fresh_state(home)
        ours.append(_ran([PROGRAM, "handoff"], home, root))
        if not missing:
            theirs.append(_ran([peer.program(cache), transcript, "-o", "-"], home, root))
    what = f"handoff of one session of {transcript.stat().st_size / 1e6:.0f} MB, median of {rounds}"
    if missing:
        yield Row(what, f"{statistics.median(ran.wall_s for ran in ours):.2f} s", missing)
        return
    beside = f"{peer.name} {peer.version}"
    figures = (f"{what} ({beside})", "wall_s", "one-session"), ("the same: processor time", "cpu_s", "")
    for name, figure, key in figures:
        medians = [statistics.median(getattr(ran, figure) for ran in runs) for runs in (ours, theirs)]
        yield compared(name, medians[0], medians[1], "s", key)
    peaks = [max(ran.peak_bytes or 0 for ran in runs) / 1e6 for runs in (ours, theirs)]
    yield compared("the same: peak memory", peaks[0], peaks[1], "MB")
    sizes = [(len(ran.output), ran.output.count(b"\n")) for ran in (ours[-1], theirs[-1])]
    shown = [f"{lines:,} lines, {size:,} bytes" for size, lines in sizes]
    yield Row("the same: what is printed", shown[0], shown[1])


def _ran(command: Sequence[str | Path], home: Path, root: Path) -> Ran:
    ran = run_measured([*map(str, command)], cwd=root, env=environment(home), aside=home / "aside")
    if ran.returncode != 0 or not ran.output:
        raise RuntimeError(f"a program failed ({ran.returncode}): {ran.errors.decode(errors='replace')[-500:]}")
    return ran
