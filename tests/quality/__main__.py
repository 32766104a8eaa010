"""`make quality`: what the notes on real transcripts ask for, and how much of it their handoffs hold.

The transcripts are other people's and not part of this project; where they are absent, this says so and does nothing.
The folder of material holds `data/transcripts/<agent>/*`, `data/gold*/*.json`, `tools/carried.py` and
`tools/score_handoff.py`. Transcripts that its notes name and it does not hold are looked for in
`--transcripts`.
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
from quality.checkout import MATERIAL, product

CLOSED: Final = (
    *("claude-eq-803bd97f", "codex-lms-17-28", "claude-liza-62e12a9c", "claude-thesis-train"),
    *("aider-iot", "opencode-scrape-skill", "copilot-repo-organizer"),
)
"""Kept unseen, so that a later score tells whether the rules were made for the others."""

EXPORTS: Final = {"specstory": Path("project/.specstory/history")}
"""Forms that name the agent in the document, and the place that says which project it is about."""


@dataclass(frozen=True, slots=True)
class Case:
    """A transcript, the record after which it is cut, and the notes on what must be said then."""

    id: str
    agent: str
    transcript: Path
    until: int
    gold: Path

    @property
    def closed(self) -> bool:
        return self.id.startswith(CLOSED)


def main() -> int:
    options = _parser().parse_args()
    tools = options.material / "tools"
    if not (tools / "carried.py").is_file():
        print(
            f"Nothing to score with in {options.material}; --material DIR or CARRYOVER_MATERIAL names another folder."
        )
        return 0
    with tempfile.TemporaryDirectory(prefix="carryover-quality-") as folder:
        command = product(Path(folder))
        for notes in sorted((options.material / "data").glob("gold*")):
            cases = list(_cases(notes, options))
            _score_set(f"{notes.name}, open", [case for case in cases if not case.closed], command, options)
            if options.with_closed:
                _score_set(f"{notes.name}, closed", [case for case in cases if case.closed], command, options)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make quality", description=__doc__, allow_abbrev=False)
    transcripts = os.environ.get("CARRYOVER_TRANSCRIPTS")
    parser.add_argument("--material", type=Path, metavar="DIR", default=MATERIAL, help="default: %(default)s")
    parser.add_argument(
        "--transcripts",
        type=Path,
        metavar="DIR",
        default=Path(transcripts) if transcripts else None,
        help="where the transcripts are that the material only names (CARRYOVER_TRANSCRIPTS)",
    )
    parser.add_argument("--show", action="store_true", help="also print each handoff and what it does not hold")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="also write the handoffs there")
    parser.add_argument("--with-closed", action="store_true", help=f"also {', '.join(CLOSED)}, which are kept unseen")
    return parser


def _cases(folder: Path, options: argparse.Namespace) -> Iterator[Case]:
    """The noted cuts of agents that have an adapter, as far as their transcripts are at hand."""
    for gold in sorted(folder.glob("*.json")):
        notes = json.loads(gold.read_text(encoding="utf-8"))
        agent = (notes.get("tool") or Path(notes["file"]).parts[0]).partition(" ")[0]
        places = [options.material / "data" / "transcripts", *([options.transcripts] if options.transcripts else [])]
        transcript = next((place / notes["file"] for place in places if (place / notes["file"]).is_file()), None)
        if (agent in adapters() or agent in EXPORTS) and transcript is not None:
            yield Case(gold.stem, agent, transcript, notes["cut_line"], gold)


def _score_set(title: str, cases: list[Case], command: Path, options: argparse.Namespace) -> None:
    if not cases:
        print(f"\n{title}: no transcripts at hand")
        return
    tools = options.material / "tools"
    with tempfile.TemporaryDirectory(prefix="carryover-quality-") as folder:
        handoffs, gold = Path(folder) / "handoffs", Path(folder) / "gold"
        gold.mkdir()
        handoffs.mkdir()
        for case in cases:
            shutil.copy(case.gold, gold)
            text = _handoff(case, command, home=Path(folder))
            (handoffs / f"{case.id}.md").write_text(text, encoding="utf-8")
            if options.show:
                print(f"\n----- {case.id}\n{text}", flush=True)
        print(f"\n{title}", flush=True)
        _run(tools / "carried.py", gold, handoffs, VERBOSE="1" if options.show else "")
        print("by heading, for information only", flush=True)
        _run(tools / "score_handoff.py", "--all", handoffs, gold)
        if options.keep is not None:
            shutil.copytree(handoffs, options.keep, dirs_exist_ok=True)


def _handoff(case: Case, command: Path, home: Path) -> str:
    """What the command prints; empty, with a word, where it finds nothing to hand over."""
    transcript, agent = case.transcript, ["--agent", case.agent]
    if case.agent in EXPORTS:
        folder = home / EXPORTS[case.agent]
        folder.mkdir(parents=True, exist_ok=True)
        transcript, agent = Path(shutil.copy(transcript, folder)), []
    done = subprocess.run(
        [command, "handoff", "--transcript", transcript, *agent, "--until", str(case.until)],
        env={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
    )
    if done.returncode != 0:
        print(f"{case.id}: {done.stderr.strip()}", file=sys.stderr)
    return done.stdout


def _run(script: Path, *arguments: Path | str, **environment: str) -> None:
    subprocess.run([sys.executable, script, *arguments], check=True, env=os.environ | environment)


if __name__ == "__main__":
    sys.exit(main())
