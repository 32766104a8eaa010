"""The sections of the benchmark: what each measures, how much of it, and how it is shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from bench.corpus import Corpus, make_corpus
from bench.cursor import cursor
from bench.document import Heading
from bench.goals import table
from bench.growth import growth
from bench.hooks import hooks
from bench.measure import Row
from bench.peers import one_session, peers
from bench.rows import appended, commands, daemon_first_read, first_read, idle, ledger_size

PACKAGES: Final = Heading(
    "packages",
    "Packages",
    "Each installed into an empty environment with all it downloads. Measured by `make test-packages MEASURE=1`,\n"
    "not by `make bench`. Start: the shortest of five runs of `carryover sessions --help`.",
)


@dataclass(frozen=True, slots=True)
class Setting:
    megabytes: float
    cursor_megabytes: float
    appends: int
    busy_appends: int
    idle_s: float
    commands: int
    hook_calls: int
    session_megabytes: float
    session_rounds: int
    sizes_mb: tuple[int, ...]


FULL: Final = Setting(
    megabytes=200,
    cursor_megabytes=500,
    appends=40,
    busy_appends=40,
    idle_s=20,
    commands=9,
    hook_calls=200,
    session_megabytes=50,
    session_rounds=5,
    sizes_mb=(20, 200, 2000),
)
QUICK: Final = Setting(
    megabytes=40,
    cursor_megabytes=30,
    appends=8,
    busy_appends=20,
    idle_s=4,
    commands=3,
    hook_calls=30,
    session_megabytes=10,
    session_rounds=3,
    sizes_mb=(20,),
)


@dataclass
class Bench:
    """What the sections share: the folder of this run, and one history of Claude Code's that most of them read."""

    setting: Setting
    top: Path
    transcripts: Path
    cache: Path
    sizes_mb: tuple[int, ...] | None = None

    @cached_property
    def corpus(self) -> Corpus:
        size = self.setting.megabytes
        return make_corpus(self.top / "home", megabytes=size, seed=1, now_ms=int(time.time() * 1000))


@dataclass(frozen=True, slots=True)
class Found:
    """What a section came to: its text and, where it is a table of figures beside floors, its rows."""

    text: str
    rows: Sequence[Row] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """`measure` may take minutes. `in_quick`: a quick run has it, too."""

    heading: Heading
    measure: Callable[[Bench], Found]
    in_quick: bool = True


def _reading(bench: Bench) -> Found:
    rows = [
        *first_read(bench.corpus, bench.top),
        *ledger_size(bench.transcripts, bench.top),
        *cursor(bench.top, bench.setting.cursor_megabytes),
    ]
    return _of(bench, rows)


def _daemon(bench: Bench) -> Found:
    setting = bench.setting
    rows = [
        *daemon_first_read(bench.corpus, bench.top),
        *appended(bench.corpus, bench.top, setting.appends, setting.busy_appends),
        *idle(bench.corpus, bench.top, setting.idle_s),
    ]
    return _of(bench, rows)


def _prompt(bench: Bench) -> Found:
    return _of(bench, commands(bench.corpus, bench.setting.commands))


def _hooks(bench: Bench) -> Found:
    return _of(bench, hooks(bench.corpus, bench.top, bench.setting.hook_calls))


def _one_session(bench: Bench) -> Found:
    rows = list(one_session(bench.top, bench.setting.session_megabytes, bench.setting.session_rounds, bench.cache))
    return Found(table(rows), rows)


def _peers(bench: Bench) -> Found:
    return Found(f"{_about(bench.corpus)}\n\n{peers(bench.corpus, bench.top, bench.cache)}")


def _growth(bench: Bench) -> Found:
    return Found(growth(bench.top, bench.sizes_mb or bench.setting.sizes_mb, bench.cache))


def _of(bench: Bench, rows: Iterable[Row]) -> Found:
    measured = list(rows)
    return Found(f"{_about(bench.corpus)}\n\n{table(measured)}", measured)


def _about(corpus: Corpus) -> str:
    return (
        f"Generated history: {corpus.size / 1e6:.1f} MB, {corpus.lines:,} lines, {len(corpus.files)} files, "
        f"{len(corpus.projects)} projects."
    )


_SECTIONS: Final = (
    Section(
        Heading(
            "reading",
            "Reading",
            "A whole history read by the product's parts, without the daemon.",
        ),
        _reading,
    ),
    Section(
        Heading("daemon", "The daemon", "The real `carryoverd` on a fresh state, while somebody works, and idle."),
        _daemon,
    ),
    Section(Heading("commands", "Commands at a prompt", "From the start of the process to its end, medians."), _prompt),
    Section(Heading("hooks", "Hooks", "The line in an agent's settings, run as the agent runs it."), _hooks),
    Section(
        Heading(
            "one-session",
            "One session, no daemon",
            "`carryover handoff` with an empty ledger, and `claude-handoff` for the same session, in turns. The latter "
            "reads and prints; the former also redacts, stores and indexes the session.",
        ),
        _one_session,
    ),
    Section(
        Heading(
            "peers",
            "Other programs",
            "Each with nothing cached, on one history; all are on PyPI. They do different jobs: the last columns say "
            "what comes out.",
        ),
        _peers,
        in_quick=False,
    ),
    Section(
        Heading(
            "growth",
            "What grows with the history",
            "A history of all agents, each in its own format, read by the daemon. Memory is that of all its processes, "
            "of what they share a part each (PSS). Histories that are kept in the projects, as Aider does, are read "
            "after the first read, once the projects are known; they are 2 % of it.",
        ),
        _growth,
        in_quick=False,
    ),
)
SECTIONS: Final[Mapping[str, Section]] = {section.heading.name: section for section in _SECTIONS}
HEADINGS: Final[Mapping[str, Heading]] = {
    **{name: section.heading for name, section in SECTIONS.items()},
    PACKAGES.name: PACKAGES,
}
"""Every section of the document, those first that `make bench` measures."""
