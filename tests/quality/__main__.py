"""`make quality`: the handoffs of real transcripts, each cut where somebody noted what it must say, and their scores.

The transcripts are other people's and not part of this project. Where they are absent, this says so and does nothing.
The folder of material holds `data/transcripts/<agent>/*`, `data/gold/*.json` and `tools/score_handoff.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from carryover.agents import adapters

CHECKOUT: Final = Path(__file__).parents[2]

CLOSED: Final = ("claude-thesis-train", "codex-openprintkit")
"""Kept unseen, so that a later score tells whether the rules were made for the others."""


@dataclass(frozen=True, slots=True)
class Case:
    """A transcript and the record after which it is cut."""

    id: str
    agent: str
    transcript: Path
    until: int
    gold: Path


def main() -> int:
    options = _parser().parse_args()
    cases = list(_cases(options.material, () if options.with_closed else CLOSED))
    scorer = options.material / "tools" / "score_handoff.py"
    if not cases or not scorer.is_file():
        print(
            f"No transcripts to score in {options.material}; --material DIR or CARRYOVER_MATERIAL names another folder."
        )
        return 0
    with tempfile.TemporaryDirectory(prefix="carryover-quality-") as folder:
        handoffs, gold = Path(folder) / "handoffs", Path(folder) / "gold"
        gold.mkdir()
        handoffs.mkdir()
        for case in cases:
            shutil.copy(case.gold, gold)
            text = _handoff(case, home=Path(folder))
            (handoffs / f"{case.id}.md").write_text(text, encoding="utf-8")
            if options.show:
                print(f"\n----- {case.id}\n{text}", flush=True)
                _score(scorer, handoffs / f"{case.id}.md", case.gold, "--verbose")
        _score(scorer, "--all", handoffs, gold)
        if options.keep is not None:
            shutil.copytree(handoffs, options.keep, dirs_exist_ok=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make quality", description=__doc__, allow_abbrev=False)
    material = Path(os.environ.get("CARRYOVER_MATERIAL", CHECKOUT.parent / "shared"))
    parser.add_argument("--material", type=Path, metavar="DIR", default=material, help="default: %(default)s")
    parser.add_argument("--show", action="store_true", help="also print each handoff and what it was given for what")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="also write the handoffs there")
    parser.add_argument("--with-closed", action="store_true", help=f"also {', '.join(CLOSED)}, which is kept unseen")
    return parser


def _cases(material: Path, closed: tuple[str, ...]) -> Iterator[Case]:
    """Those of the noted transcripts whose agent has an adapter."""
    for gold in sorted((material / "data" / "gold").glob("*.json")):
        notes = json.loads(gold.read_text(encoding="utf-8"))
        transcript = material / "data" / "transcripts" / notes["file"]
        agent = Path(notes["file"]).parts[0]
        if agent in adapters() and notes["id"] not in closed and transcript.is_file():
            yield Case(notes["id"], agent, transcript, notes["cut_line"], gold)


def _handoff(case: Case, home: Path) -> str:
    """What the command prints; empty, with a word, where it finds nothing to hand over."""
    command = ["handoff", "--transcript", str(case.transcript), "--agent", case.agent, "--until", str(case.until)]
    done = subprocess.run(
        [sys.executable, "-m", "carryover.cli.main", *command],
        env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
    )
    if done.returncode != 0:
        print(f"{case.id}: {done.stderr.strip()}", file=sys.stderr)
    return done.stdout


def _score(scorer: Path, *arguments: Path | str) -> None:
    subprocess.run([sys.executable, scorer, *arguments], check=True)


if __name__ == "__main__":
    sys.exit(main())
