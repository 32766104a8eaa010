"""The sections of the benchmark: what each measures, how much of it, and how it is shown."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Final

from bench import rows
from bench.corpus import Corpus, make_corpus
from bench.cursor import cursor
from bench.document import Heading
from bench.growth import growth
from bench.hooks import hooks
from bench.measure import Row
from bench.page import page
from bench.peers import one_session, peers

PACKAGES: Final = Heading(
    "packages",
    "Packages",
    "Each installed into an empty environment with all it downloads. Measured by `make test-packages MEASURE=1`,\n"
    "not by `make bench`. Start: the shortest of five runs of `carryover sessions --help`.",
)

SLOWER: Final = Heading(
    "slower",
    "What became slower, and why",
    "Written by hand after a full run: each figure that is marked above.",
)


@dataclass(frozen=True, slots=True)
class Setting:
    """How much is measured, by default in a full run."""

    megabytes: float = 200
    cursor_megabytes: float = 500
    appends: int = 40
    busy_appends: int = 40
    idle_s: float = 20
    commands: int = 9
    hook_calls: int = 200
    session_megabytes: float = 50
    session_rounds: int = 5
    sizes_mb: tuple[int, ...] = (20, 200, 2000)
    page_sessions: int = 5000
    page_rounds: int = 15


FULL: Final = Setting()
QUICK: Final = Setting(40, 60, 8, 20, 4, 3, 30, 10, 3, (20,), 500, 5)


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

    @property
    def about(self) -> str:
        corpus = self.corpus
        size, files = f"{corpus.size / 1e6:.1f} MB, {corpus.lines:,} lines", f"{len(corpus.files)} files"
        return f"Generated history: {size}, {files}, {len(corpus.projects)} projects."


@dataclass(frozen=True, slots=True)
class Section:
    """`measure` gives a text or rows, and may take minutes. `own`: it reads another history than that of the others.

    `in_quick`: a quick run has it, too.
    """

    heading: Heading
    measure: Callable[[Bench, Setting], Iterable[Row] | str]
    own: bool = False
    in_quick: bool = True


_SECTIONS: Final = (
    Section(
        Heading("reading", "Reading", "A whole history read by the product's parts, without the daemon."),
        lambda bench, setting: chain(
            rows.first_read(bench.corpus, bench.top),
            rows.ledger_size(bench.transcripts, bench.top),
            cursor(bench.top, setting.cursor_megabytes),
        ),
    ),
    Section(
        Heading("daemon", "The daemon", "The real `carryoverd` on a fresh state, while somebody works, and idle."),
        lambda bench, setting: chain(
            rows.daemon_first_read(bench.corpus, bench.top),
            rows.appended(bench.corpus, bench.top, setting.appends, setting.busy_appends),
            rows.idle(bench.corpus, bench.top, setting.idle_s),
        ),
    ),
    Section(
        Heading("commands", "Commands at a prompt", "From the start of the process to its end, medians."),
        lambda bench, setting: rows.commands(bench.corpus, setting.commands),
    ),
    Section(
        Heading("hooks", "Hooks", "The line in an agent's settings, run as the agent runs it."),
        lambda bench, setting: hooks(bench.corpus, bench.top, setting.hook_calls),
    ),
    Section(
        Heading(
            "page",
            "The page",
            "`carryover ui` in Chromium with 5,000 short sessions in sixty projects, each view loaded again, medians. "
            "The floor is the same browser with a page that has one line and comes from no server.",
        ),
        lambda bench, setting: page(bench.top, setting.page_sessions, setting.page_rounds),
        own=True,
        in_quick=False,
    ),
    Section(
        Heading(
            "one-session",
            "One session, no daemon",
            "`carryover handoff` with an empty ledger, and `claude-handoff` for the same session, in turns. The latter "
            "reads and prints; the former also redacts and stores the session.",
        ),
        lambda bench, setting: one_session(bench.top, setting.session_megabytes, setting.session_rounds, bench.cache),
        own=True,
    ),
    Section(
        Heading(
            "peers",
            "Other programs",
            "Each with nothing cached, on one history; all are on PyPI. They do different jobs: the last columns say "
            "what comes out.",
        ),
        lambda bench, _: peers(bench.corpus, bench.top, bench.cache),
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
        lambda bench, setting: growth(bench.top, bench.sizes_mb or setting.sizes_mb, bench.cache),
        own=True,
        in_quick=False,
    ),
)
SECTIONS: Final[Mapping[str, Section]] = {section.heading.name: section for section in _SECTIONS}
HEADINGS: Final[Mapping[str, Heading]] = {
    **{name: section.heading for name, section in SECTIONS.items()},
    PACKAGES.name: PACKAGES,
    SLOWER.name: SLOWER,
}
