"""Programs that make documents of a history, beside `carryover handoff`: what each takes and what comes out."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .corpus import Corpus
from .measure import megabytes, shown
from .measured_command import Ran, run_measured
from .peer_programs import CLAUDE_CODE_LOG, CLAUDE_CODE_TRANSCRIPTS, CLAUDE_HANDOFF, Peer
from .processes import environment
from .startup import PROGRAM

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
    return "\n".join((HEAD, *_lines(corpus, top, cache, jobs)))


def _lines(corpus: Corpus, top: Path, cache: Path, jobs: Sequence[Job]) -> Iterator[str]:
    for number, job in enumerate(jobs):
        name = "Carryover, no daemon, empty ledger" if job.peer is None else f"{job.peer.name} {job.peer.version}"
        missing = job.peer.install(cache) if job.peer is not None else ""
        if missing:
            yield f"| {name} | {job.covers} | skipped, {missing} | | | | | | {job.makes} |"
            continue
        cells = _measured(job, corpus, top / f"peer-{number}", cache)
        yield f"| {name} | {job.covers} | {' | '.join(cells)} | {job.makes} |"


def _measured(job: Job, corpus: Corpus, folder: Path, cache: Path) -> tuple[str, ...]:
    home = _copy_of(corpus, folder / "home")
    out = folder / "out"
    out.mkdir()
    program = PROGRAM if job.peer is None else job.peer.program(cache)
    newest = corpus.projects[0]
    names = {"out": str(out), "projects": str(home / ".claude" / "projects"), "name": newest.name}
    command = [str(program), *(argument.format_map(names) for argument in job.arguments)]
    ran = run_measured(command, cwd=newest, env=environment(home), aside=folder / "aside")
    if ran.returncode != 0:
        return f"failed ({ran.returncode})", f"{ran.cpu_s:.1f} s", shown(megabytes(ran.peak_bytes), "MB"), "", "", ""
    files, size, lines = _made(out, ran)
    shutil.rmtree(folder)
    times = f"{ran.wall_s:.2f} s", f"{ran.cpu_s:.2f} s", shown(megabytes(ran.peak_bytes), "MB")
    return *times, f"{files:,}", f"{size:,}", f"{lines:,}"


def _copy_of(corpus: Corpus, home: Path) -> Path:
    """A home with the same transcripts under links of their own: some programs write beside what they read."""
    shutil.copytree(corpus.home / ".claude", home / ".claude", copy_function=os.link)
    return home


def _made(out: Path, ran: Ran) -> tuple[int, int, int]:
    """Files, bytes and lines of what came out: in the folder, else what was printed."""
    found = [path for path in out.rglob("*") if path.is_file()]
    if not found:
        return 1, len(ran.output), ran.output.count(b"\n")
    contents = [path.read_bytes() for path in found]
    return len(found), sum(map(len, contents)), sum(content.count(b"\n") for content in contents)
