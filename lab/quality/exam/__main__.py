"""The exam: what does a successor believe who got nothing but a handoff? Taken and graded by whoever wants to.

`sheets` draws cuts and writes texts and sheets for takers, `grading` mixes their answers for graders, `tally` counts.
All are plain files in a folder outside the checkout; nothing here calls a model. docs/exam.md says how to take part.
"""

from __future__ import annotations

import argparse
import hashlib
import platform
import secrets
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from carryover import __version__
from quality.exam import grades, paper, results
from quality.exam.arms import ARMS, READS
from quality.exam.draw import drawn
from quality.exam.folder import KEY, graders_of, undelivered, ungraded
from quality.exam.making import NoText, write_grading, write_sheets
from quality.exam.paper import About, Paper
from quality.exam.tally import Table, page
from quality.fetch import is_there, sessions_folder
from quality.manifest import SESSIONS, read

_CHECKOUT: Final = Path(__file__).resolve().parents[3]
_ARMS: Final = "handoff,handoff-8000,tail"
_LARGEST_SEED: Final = 1 << 32


class Refused(Exception):
    """Why a step can't be done now. Nothing was written."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        print(options.run(options))
    except Refused as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _sheets(options: argparse.Namespace) -> str:
    folder = options.folder.absolute()
    if folder.exists():
        raise Refused(f"{folder} is there already. Name a new folder.")
    if folder.resolve().is_relative_to(_CHECKOUT):
        raise Refused(f"{folder} is in the checkout. Texts of other people's sessions belong outside of it.")
    about = _about(options)
    sessions = [each for each in read(options.manifest) if each.half == options.half]
    can = [READS[arm] for arm in about.arms if arm in READS]
    there = [each for each in sessions if is_there(each, options.sessions) and all(each.agent in read for read in can)]
    cuts = drawn(there, options.sessions, options.cuts, about.seed)
    if len(cuts) < options.cuts:
        raise Refused(f"{len(cuts)} of {options.cuts} cuts in {len(there)} sessions: `make takeover-fetch` gets more.")
    try:
        exam = write_sheets(about, cuts, {name: ARMS[name] for name in about.arms}, folder)
    except NoText as error:
        raise Refused(f"{error}. Nothing was written: arms are compared on the same cuts.") from error
    return _deliveries(exam) + f"\nHand out one folder of {folder / 'takers'} per taker, and never {folder / KEY}."


def _grading(options: argparse.Namespace) -> str:
    exam = _exam(options.folder)
    if graders_of(options.folder):
        raise Refused(f"{options.folder / 'graders'} has tables of grades already.")
    _refuse(undelivered(options.folder, exam), "Nothing was mixed")
    write_grading(exam, options.folder, options.graders)
    return f"{len(exam.sheets)} answers are in {options.folder / 'graders'}: hand that folder to each grader."


def _tally(options: argparse.Namespace) -> str:
    exam = _exam(options.folder)
    _refuse(undelivered(options.folder, exam) + ungraded(options.folder, exam), "Nothing was counted")
    tables = _tables(options.folder, exam)
    closed = exam.about.half == "closed"
    if closed and (refusal := results.refusal(exam, options.results)):
        raise Refused(refusal)
    text = page(exam, tables)
    return text + (f"\nKept in {results.keep(exam, options.folder, text, options.results)}." if closed else "")


def _tables(folder: Path, exam: Paper) -> list[Table]:
    tables = []
    wrong = []
    for grader in graders_of(folder):
        table, bad = grades.read((grader / "grades.tsv").read_text(encoding="utf-8"), exam.sheets)
        tables.append(table)
        wrong += [f"graders/{grader.name}/grades.tsv: {each}" for each in bad]
    _refuse(wrong, "Nothing was counted")
    return tables


def _refuse(wrong: Sequence[str], so: str) -> None:
    if wrong:
        raise Refused("\n".join([*wrong, f"{so}: {len(wrong)} to put right."]))


def _exam(folder: Path) -> Paper:
    if not (folder / KEY / "exam.json").is_file():
        raise Refused(f"{folder} holds no exam: `make exam-sheets OUT=DIR` makes one.")
    return paper.read(folder / KEY)


def _about(options: argparse.Namespace) -> About:
    return About(
        seed=secrets.randbelow(_LARGEST_SEED) if options.seed is None else options.seed,
        half=options.half,
        carryover=__version__,
        commit=_commit(),
        manifest=hashlib.sha256(options.manifest.read_bytes()).hexdigest(),
        python=platform.python_version(),
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        arms=options.arms,
    )


def _commit() -> str:
    command = ["git", "-C", str(_CHECKOUT), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    ran = subprocess.run(command, capture_output=True, text=True)
    return ran.stdout.strip() or "unknown"


def _deliveries(exam: Paper) -> str:
    lines = [f"{len(exam.cuts)} cuts, seed {exam.about.seed}"]
    for arm in exam.about.arms:
        own = [sheet for sheet in exam.sheets if sheet.arm == arm]
        lines.append(f"{arm}: {len(own)} texts delivered, {sum(not sheet.tokens for sheet in own)} empty")
    return "\n".join(lines)


def _arms(said: str) -> list[str]:
    names = said.split(",")
    unknown = [name for name in names if name not in ARMS]
    if unknown or len(names) < 2 or len(set(names)) < len(names):
        raise argparse.ArgumentTypeError(f"two or more of {', '.join(ARMS)}, each once")
    return names


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m quality.exam", description=__doc__, allow_abbrev=False)
    steps = parser.add_subparsers(required=True, metavar="STEP")
    sheets = steps.add_parser("sheets", help="draw cuts, and write the texts and sheets for takers")
    sheets.add_argument("--cuts", type=int, metavar="N", default=24, help="default: %(default)s")
    sheets.add_argument("--seed", type=int, metavar="N", help="repeat an exam; default: one that nobody knows")
    halves = "the closed one is for releases, and kept by its tally (default: %(default)s)"
    sheets.add_argument("--half", choices=("open", "closed"), default="open", help=halves)
    sheets.add_argument("--arms", type=_arms, metavar="NAME,NAME", default=_arms(_ARMS), help=f"default: {_ARMS}")
    sheets.add_argument("--sessions", type=Path, metavar="DIR", default=sessions_folder(), help="default: %(default)s")
    sheets.add_argument("--manifest", type=Path, metavar="FILE", default=SESSIONS, help=argparse.SUPPRESS)
    sheets.set_defaults(run=_sheets)
    grading = steps.add_parser("grading", help="check the answers, and mix them for graders")
    grading.add_argument("--graders", type=int, metavar="N", default=2, help="default: %(default)s")
    grading.set_defaults(run=_grading)
    tally = steps.add_parser("tally", help="check the grades, and count them by arm")
    tally.add_argument("--results", type=Path, metavar="DIR", default=results.RESULTS, help=argparse.SUPPRESS)
    tally.set_defaults(run=_tally)
    for step in (sheets, grading, tally):
        step.add_argument("folder", type=Path, metavar="DIR", help="the folder of the exam, outside the checkout")
    return parser


if __name__ == "__main__":
    sys.exit(main())
