"""`make takeover`: of what real sessions went on to need, how much stands in the handoff, and how much in a plain dump.

Folders of sessions (Claude Code, Codex) are named by `--sessions DIR[,DIR]` or CARRYOVER_SESSIONS; none belong to this
project. The cuts, the dump and the scores are made by `tools/continuation.py` in the folder of material: `cuts` are
within a session, `between` from the sessions of a project to its next one.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import json
import operator
import os
import re
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Final

Cut = Mapping[str, Any]

_CHECKOUT: Final = Path(__file__).parents[2]
MATERIAL: Final = Path(os.environ.get("CARRYOVER_MATERIAL", _CHECKOUT.parent / "shared"))
"""Other people's transcripts, the notes on them and the programs that score; not part of this project."""
PRODUCT: Final = "Carryover"
DUMP_TOKENS: Final = 1800
DUMP: Final = f"the last {DUMP_TOKENS:,} tokens"


def main() -> int:
    options = _parser().parse_args()
    folders = [folder for folder in options.sessions.split(",") if folder]
    script = options.material / "tools" / "continuation.py"
    if not folders and not options.cuts:
        print("No sessions to cut; --sessions DIR[,DIR] or CARRYOVER_SESSIONS names folders of them.")
        return 0
    if not script.is_file():
        print(f"Nothing to score with in {options.material}; --material or CARRYOVER_MATERIAL names another folder.")
        return 0
    measure = _Measure(_loaded(script), options.jobs)
    sets = {file.stem: json.loads(file.read_text(encoding="utf-8")) for file in options.cuts} or {
        "cuts": measure.tool.choose(folders, options.per, options.seed),
        "between": measure.tool.between(folders),
    }
    with tempfile.TemporaryDirectory(prefix="carryover-takeover-") as folder:
        for title, cuts in sets.items():
            measure.prints(title, cuts, (options.keep or Path(folder)) / title, Path(folder))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make takeover", description=__doc__, allow_abbrev=False)
    sessions = os.environ.get("CARRYOVER_SESSIONS", "")
    parser.add_argument("--sessions", metavar="DIR[,DIR]", default=sessions, help="folders of sessions to cut")
    chosen = "cuts that are chosen already; repeatable"
    parser.add_argument("--cuts", type=Path, metavar="FILE", action="append", default=[], help=chosen)
    parser.add_argument("--material", type=Path, metavar="DIR", default=MATERIAL, help="default: %(default)s")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="also leave what was written there")
    parser.add_argument("--per", type=int, metavar="N", default=6, help="cuts of a session (default: %(default)s)")
    parser.add_argument("--seed", type=int, metavar="N", default=1, help="of the choice (default: %(default)s)")
    parser.add_argument("--jobs", type=int, metavar="N", default=os.cpu_count(), help="at once (default: %(default)s)")
    return parser


def _loaded(script: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(script.stem, script)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _product(folder: Path) -> Path:
    """A `carryover` command in `folder` that runs the sources of this checkout, whatever is installed."""
    command = folder / "carryover"
    source = _CHECKOUT / "src"
    command.write_text(f'#!/bin/sh\nPYTHONPATH="{source}" exec "{sys.executable}" -m carryover.cli.main "$@"\n')
    command.chmod(0o700)
    return command


class _Measure:
    """Writes the texts of a set of cuts, one folder for each way to make them, and prints their scores."""

    def __init__(self, tool: ModuleType, jobs: int) -> None:
        self.tool = tool
        self.jobs = jobs

    def prints(self, title: str, chosen: Sequence[Cut], out: Path, scratch: Path) -> None:
        cuts = [cut for cut in chosen if not re.match("[a-z]:", cut.get("cwd", ""))]
        left = f", without {len(chosen) - len(cuts)} whose drive's letter is small in some records and not in others"
        print(f"\n{title}, {len(cuts)} cuts{left if len(cuts) < len(chosen) else ''}", flush=True)
        if not cuts:
            return
        ours, dump = out / PRODUCT, out / DUMP
        command = str(_product(scratch))
        self._each(cuts, lambda cut: self.tool.write([cut], str(ours), command))
        self._each(cuts, partial(self._dump, dump))
        self._table(cuts, [ours, dump])

    def _each(self, cuts: Sequence[Cut], write: Callable[[Cut], None]) -> None:
        with ThreadPoolExecutor(self.jobs) as pool:
            list(pool.map(write, cuts))

    def _dump(self, out: Path, cut: Cut) -> None:
        self.tool.tail([cut], str(out), DUMP_TOKENS)
        text = out / f"{cut['id']}.md"
        # The score begins at the first heading, which may be far down.
        text.write_text(f"\n## Dump\n{text.read_text()}")

    def _table(self, cuts: Sequence[Cut], outs: Sequence[Path]) -> None:
        self.tool.score(cuts, [str(out) for out in outs])
        ours, dump = ([self._held(cut, out) for cut in cuts] for out in outs[:2])
        more, less = (sum(map(beats, dump, ours)) for beats in (operator.gt, operator.lt))
        print(f"{DUMP} hold more than {PRODUCT} on {more} of {len(cuts)} cuts, less on {less}")

    def _held(self, cut: Cut, out: Path) -> float:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            self.tool.score([cut], [str(out)])
        held = re.search(r"\*\*([\d.]+)\*\*", printed.getvalue())
        assert held is not None
        return float(held[1])


if __name__ == "__main__":
    sys.exit(main())
