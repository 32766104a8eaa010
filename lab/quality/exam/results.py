"""The results of a release: answers, grades and key, without the texts that were given or the conversations."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Final

from carryover.redact import clean
from quality.exam.folder import KEY, answer_of, graders_of, taker_of, who
from quality.exam.paper import Paper

RESULTS: Final = Path(__file__).with_name("results")
_ADDRESS: Final = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


def refusal(paper: Paper, results: Path = RESULTS) -> str:
    """Returns why this exam can't be a release's result; empty if it can."""
    if (results / paper.about.carryover).exists():
        return f"{results / paper.about.carryover} is there already: the exam of a version is kept once."
    return ""


def keep(paper: Paper, folder: Path, page: str, results: Path = RESULTS) -> Path:
    """Copies what may be published of an exam, without secrets and addresses, and returns where it is."""
    target = results / paper.about.carryover
    target.mkdir(parents=True)
    for name in ("exam.json", "cuts.tsv", "sheets.tsv"):
        shutil.copyfile(folder / KEY / name, target / name)
    (target / "README.md").write_text(page, encoding="utf-8")
    for sheet in paper.sheets:
        answer = target / "answers" / sheet.cut / f"{sheet.letter}.md"
        answer.parent.mkdir(parents=True, exist_ok=True)
        answer.write_text(_published(answer_of(folder, sheet)), encoding="utf-8")
    (target / "grades").mkdir()
    for grader in graders_of(folder):
        (target / "grades" / f"{grader.name}.tsv").write_text(_published(grader / "grades.tsv"), encoding="utf-8")
    (target / "who.tsv").write_text(_people(paper, folder), encoding="utf-8")
    return target


def _published(file: Path) -> str:
    return _ADDRESS.sub("(an address)", clean(file.read_text(encoding="utf-8")))


def _people(paper: Paper, folder: Path) -> str:
    takers = sorted({sheet.taker for sheet in paper.sheets})
    lines = [f"taker\t{number}\t{who(taker_of(folder, number))}\n" for number in takers]
    lines += [f"grader\t{path.name}\t{who(path)}\n" for path in graders_of(folder)]
    return "".join(["role\tnumber\twho\n", *lines])
