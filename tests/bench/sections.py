"""The sections of the benchmark: what each measures, how much of it, and how it is shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final

from .corpus import Corpus
from .document import Heading
from .goals import table
from .growth import growth
from .hooks import hooks
from .measure import Row
from .mixed import make_mixed
from .rows import appended, daemon_first_read, idle


@dataclass(frozen=True, slots=True)
class Setting:
    """How much is measured."""

    megabytes: float
    appends: int
    busy_appends: int
    idle_s: float
    hook_calls: int
    sizes_mb: tuple[int, ...]


FULL: Final = Setting(
    megabytes=200,
    appends=40,
    busy_appends=40,
    idle_s=20,
    hook_calls=200,
    sizes_mb=(20, 200, 2000),
)
QUICK: Final = Setting(
    megabytes=40,
    appends=8,
    busy_appends=20,
    idle_s=4,
    hook_calls=30,
    sizes_mb=(20,),
)


@dataclass
class Bench:
    """What the sections share: the folder of this run, and one history that most of them read."""

    setting: Setting
    top: Path
    cache: Path
    sizes_mb: tuple[int, ...] | None = None

    @cached_property
    def corpus(self) -> Corpus:
        """Without what is kept in the state folder, which each measurement begins with empty."""
        home, size = self.top / "home", self.setting.megabytes
        made = make_mixed(home, megabytes=size, seed=1, now_ms=int(time.time() * 1000))
        return replace(made, files=tuple(file for file in made.files if ".carryover" not in file.parts))


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


def _daemon(bench: Bench) -> Found:
    setting = bench.setting
    rows = [
        *daemon_first_read(bench.corpus, bench.top),
        *appended(bench.corpus, bench.top, setting.appends, setting.busy_appends),
        *idle(bench.corpus, bench.top, setting.idle_s),
    ]
    return _of(bench, rows)


def _hooks(bench: Bench) -> Found:
    return _of(bench, hooks(bench.corpus, bench.top, bench.setting.hook_calls))


def _growth(bench: Bench) -> Found:
    return Found(growth(bench.top, bench.sizes_mb or bench.setting.sizes_mb, bench.cache))


def _of(bench: Bench, rows: Iterable[Row]) -> Found:
    measured = list(rows)
    return Found(f"{_about(bench.corpus)}\n\n{table(measured)}", measured)


def _about(corpus: Corpus) -> str:
    return f"Generated history: {corpus.size / 1e6:.1f} MB, {len(corpus.files)} files, {len(corpus.projects)} projects."


_SECTIONS: Final = (
    Section(
        Heading("daemon", "The daemon", "The real `carryoverd` on a fresh state, while somebody works, and idle."),
        _daemon,
    ),
    Section(Heading("hooks", "Hooks", "The line in an agent's settings, run as the agent runs it."), _hooks),
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
PACKAGES: Final = Heading(
    "packages",
    "Packages",
    "Each installed into an empty environment with all it downloads. Measured by `make test-packages MEASURE=1`,\n"
    "not by `make bench`. Start: the shortest of five runs of `carryover sessions --help`.",
)
HEADINGS: Final[Mapping[str, Heading]] = {
    **{name: section.heading for name, section in SECTIONS.items()},
    PACKAGES.name: PACKAGES,
}
"""Every section of the document, those first that `make bench` measures."""
