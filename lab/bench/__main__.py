"""`make bench`: how fast and how small Carryover is, each figure beside what the machine allows in the same run.

Timings on a shared machine say little by themselves: compare the ratios. Nothing here fails because of a number.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bench import document, sections
from bench.measure import GOALS, Row, in_brief, table
from bench.sections import FULL, QUICK, SECTIONS, Bench

CHECKOUT: Final = Path(__file__).parents[2]


def main() -> int:
    options = _parser().parse_args()
    # A short name: the path of a socket below it may not be longer than about 100 bytes.
    with tempfile.TemporaryDirectory(prefix="cb-", ignore_cleanup_errors=True) as folder:
        bench = Bench(
            setting=QUICK if options.quick else FULL,
            top=Path(folder).resolve(),
            transcripts=options.transcripts,
            cache=options.cache,
            sizes_mb=options.sizes,
        )
        path = None if options.quick else document.PATH
        names = options.only or [name for name, one in SECTIONS.items() if one.in_quick or not options.quick]
        found = [row for name in names for row in _measure(bench, name, path)]
    if options.figures is not None:
        ratios = [f"{row.key}\t{row.ratio:.3f}\n" for row in found if row.key and row.ratio is not None]
        options.figures.write_text("".join(ratios), encoding="utf-8")
    keys = {row.key for row in found}
    if options.only is None and (missing := sorted(GOALS.keys() - keys)):
        print(f"goals without a figure in this run: {', '.join(missing)}", file=sys.stderr)
    return 0


def _measure(bench: Bench, name: str, path: Path | None) -> Sequence[Row]:
    began = time.monotonic()
    circumstances = document.circumstances()
    section = SECTIONS[name]
    found = section.measure(bench, bench.setting)
    rows = [] if isinstance(found, str) else list(found)
    took_s = time.monotonic() - began
    brief = in_brief(rows)
    parts = [f"{circumstances}{f' {brief}.' if brief else ''}", *([] if section.own else [bench.about])]
    body = "\n\n".join([*parts, found if isinstance(found, str) else table(rows, document.former(name))])
    print(f"\n## {section.heading.title} ({took_s:.0f} s)\n\n{body}", flush=True)
    if path is not None:
        document.put(path, sections.HEADINGS, name, body)
    return rows


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__, allow_abbrev=False)
    parser.add_argument("--quick", action="store_true", help="a small run of two minutes, printed and not written")
    parser.add_argument(
        "--only", type=_names, metavar="NAMES", help=f"some sections, with commas between: {', '.join(SECTIONS)}"
    )
    parser.add_argument("--figures", type=Path, metavar="FILE", help="writes the ratios there, for `make bench-gate`")
    parser.add_argument(
        "--sizes",
        type=lambda text: tuple(map(int, text.split(","))),
        metavar="MB,MB",
        help="the sizes of the section `growth`; one that was measured with these sources is not measured again",
    )
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    parser.add_argument(
        "--cache",
        type=Path,
        metavar="DIR",
        default=home / "carryover-bench",
        help="keeps the other programs that are measured, and finished parts of a run",
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


def _names(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in SECTIONS]:
        raise argparse.ArgumentTypeError(f"there is no section {', '.join(unknown)}")
    return names


if __name__ == "__main__":
    sys.exit(main())
