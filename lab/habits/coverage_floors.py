"""The floors of `make coverage`: the least shares of lines and of branches that the suite must run."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

FLOORS: Final = {"lines": 95.0, "branches": 90.0}
"""Percent. Processes that tests start or fork count as well."""


def shares(totals: Mapping[str, float]) -> dict[str, float]:
    """Returns the shares in percent, from the totals of a report of `coverage json`."""
    return {
        "lines": 100 * totals["covered_lines"] / totals["num_statements"],
        "branches": 100 * totals["covered_branches"] / totals["num_branches"],
    }


def below(totals: Mapping[str, float]) -> list[str]:
    """Returns a line for each share that is below its floor."""
    found = shares(totals)
    return [
        f"{what}: {found[what]:.1f} % are run, at least {floor:.0f} % should be"
        for what, floor in FLOORS.items()
        if found[what] < floor
    ]


def main() -> int:
    totals = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["totals"]
    print("coverage: " + ", ".join(f"{share:.1f} % of {what}" for what, share in shares(totals).items()))
    lines = below(totals)
    for line in lines:
        print(f"coverage: {line}")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
