"""`make bench`: how fast and how small Carryover is, each figure beside what the machine allows in the same run.

Timings on a shared machine say little by themselves: compare the ratios. Nothing here fails because of a number.
"""

from __future__ import annotations

import argparse
import os
import platform
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .corpus import Corpus, make_corpus
from .cursor import cursor
from .hooks import hooks
from .measure import Row, table
from .rows import appended, daemon_first_read, distilled, first_read, idle, ledger_size

CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Setting:
    """How much is measured."""

    megabytes: float
    cursor_megabytes: float
    appends: int
    idle_s: float
    lengths: tuple[int, ...]
    commands: int
    hook_calls: int


FULL = Setting(
    megabytes=200,
    cursor_megabytes=500,
    appends=40,
    idle_s=20,
    lengths=(10, 100, 1000, 10_000),
    commands=9,
    hook_calls=200,
)
QUICK = Setting(
    megabytes=12, cursor_megabytes=30, appends=8, idle_s=4, lengths=(10, 100, 1000), commands=3, hook_calls=30
)


def main() -> int:
    options = _parser().parse_args()
    setting = QUICK if options.quick else FULL
    print(_machine(), flush=True)
    # A short name: the path of a socket below it may not be longer than about 100 bytes.
    with tempfile.TemporaryDirectory(prefix="cb-", ignore_cleanup_errors=True) as folder:
        top = Path(folder).resolve()
        megabytes = options.mb or setting.megabytes
        corpus = make_corpus(top / "home", megabytes=megabytes, seed=1, now_ms=int(time.time() * 1000))
        print(_about(corpus), flush=True)
        rows = []
        for row in _measure(setting, corpus, top, options.transcripts, options.cursor_mb or setting.cursor_megabytes):
            print(".", end="", file=sys.stderr, flush=True)
            rows.append(row)
    print(f"\n{table(rows)}")
    return 0


def _measure(setting: Setting, corpus: Corpus, top: Path, transcripts: Path, cursor_megabytes: float) -> Iterator[Row]:
    yield from first_read(corpus, top)
    yield from ledger_size(transcripts, top)
    yield from cursor(top, cursor_megabytes)
    yield from daemon_first_read(corpus, top)
    yield from appended(corpus, top, setting.appends, setting.commands)
    yield from hooks(corpus, top, setting.hook_calls)
    yield from idle(corpus, top, setting.idle_s)
    yield from distilled(top, setting.lengths)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__, allow_abbrev=False)
    parser.add_argument("--quick", action="store_true", help="a small run, to see that it works")
    parser.add_argument("--mb", type=float, help=f"size of the generated history (default {FULL.megabytes})")
    parser.add_argument(
        "--cursor-mb", type=float, help=f"size of Cursor's generated database (default {FULL.cursor_megabytes})"
    )
    material = Path(os.environ.get("CARRYOVER_MATERIAL", CHECKOUT.parent / "shared"))
    parser.add_argument(
        "--transcripts",
        type=Path,
        metavar="DIR",
        default=material / "data" / "transcripts",
        help="real transcripts, DIR/<agent>/*, for the size of the ledger; left out where there are none",
    )
    return parser


def _machine() -> str:
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, load average {load}; "
        f"CPython {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )


def _about(corpus: Corpus) -> str:
    return (
        f"generated history: {corpus.size / 1e6:.1f} MB, {corpus.lines:,} lines, {len(corpus.files)} files, "
        f"{len(corpus.projects)} projects"
    )


if __name__ == "__main__":
    sys.exit(main())
