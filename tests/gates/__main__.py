"""`make gates`: plants a regression for each gate in a throw-away clone of HEAD, and sees that the gate finds it.

A gate that never fails proves nothing. It fails if one does not find its regression, or says nothing that helps; the
table is in build/gates/report.md too.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from gates.plant import Result, tried
from gates.plants import PLANTS
from support.clone import CHECKOUT, cloned

REPORT: Final = CHECKOUT / "build" / "gates" / "report.md"
GATES: Final = tuple(dict.fromkeys(plant.gate for plant in PLANTS))


def main() -> int:
    parser = argparse.ArgumentParser(prog="make gates", description=__doc__, allow_abbrev=False)
    parser.add_argument("--only", type=_gates, default=GATES, metavar="GATES", help=f"of these: {', '.join(GATES)}")
    options = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory(prefix="carryover-gates-", ignore_cleanup_errors=True) as folder:
        clone = cloned(Path(folder))
        for plant in PLANTS:
            if plant.gate in options.only:
                result = tried(plant, clone, time.monotonic)
                print(f"gates: {plant.gate}, {plant.what}: {result.outcome} ({result.seconds:.0f} s)", flush=True)
                if result.outcome != "found":
                    print(result.end, flush=True)
                results.append(result)
    page = report(results)
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(page, encoding="utf-8")
    print(page)
    return 0 if all(result.outcome in ("found", "not run") for result in results) else 1


def report(results: Sequence[Result]) -> str:
    """Returns the table, and what the gates printed that found nothing."""
    found = sum(result.outcome == "found" for result in results)
    rows = [
        f"| {each.plant.gate} | {each.plant.what} | `{each.plant.command}` | {_shown(each)} | {each.seconds:.0f} |"
        for each in results
    ]
    head = f"# Gates: {found} of {len(results)} planted regressions were found"
    table = "\n".join(("| gate | planted | command | | s |", "|---|---|---|---|---|", *rows))
    others = [
        f"## {each.plant.gate}: {each.plant.what}\n\n```\n{each.end}\n```"
        for each in results
        if each.outcome != "found"
    ]
    return "\n\n".join((head, table, *others)) + "\n"


def _shown(result: Result) -> str:
    return result.outcome if result.outcome == "found" else f"**{result.outcome}**"


def _gates(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := sorted(set(names) - set(GATES)):
        raise argparse.ArgumentTypeError(f"there is no gate {', '.join(unknown)}")
    return names


if __name__ == "__main__":
    sys.exit(main())
