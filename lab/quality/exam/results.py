"""The results of a release: grades and key, without what anybody wrote of other people's conversations."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from quality.exam.folder import KEY, graders_of, taker_of, who
from quality.exam.grades import COLUMNS
from quality.exam.paper import Paper

RESULTS: Final = Path(__file__).with_name("results")


def refusal(paper: Paper, results: Path = RESULTS) -> str:
    """Returns why this exam can't be a release's result; empty if it can."""
    if (results / paper.about.carryover).exists():
        return f"{results / paper.about.carryover} is there already: the exam of a version is kept once."
    return ""


def keep(paper: Paper, folder: Path, page: str, results: Path = RESULTS) -> Path:
    """Copies what may be published of an exam, and returns where it is. Answers and graders' notes may not: they tell
    what is in other people's conversations."""
    target = results / paper.about.carryover
    target.mkdir(parents=True)
    for name in ("exam.json", "cuts.tsv", "sheets.tsv"):
        shutil.copyfile(folder / KEY / name, target / name)
    (target / "README.md").write_text(page, encoding="utf-8")
    (target / "grades").mkdir()
    for grader in graders_of(folder):
        (target / "grades" / f"{grader.name}.tsv").write_text(_without_notes(grader / "grades.tsv"), encoding="utf-8")
    (target / "who.tsv").write_text(_people(paper, folder), encoding="utf-8")
    return target


def _without_notes(table: Path) -> str:
    rows = table.read_text(encoding="utf-8").splitlines()
    return "".join("\t".join(row.split("\t")[: len(COLUMNS) - 1]) + "\n" for row in rows)


def _people(paper: Paper, folder: Path) -> str:
    takers = sorted({sheet.taker for sheet in paper.sheets})
    lines = [f"taker\t{number}\t{who(taker_of(folder, number))}\n" for number in takers]
    lines += [f"grader\t{path.name}\t{who(path)}\n" for path in graders_of(folder)]
    return "".join(["role\tnumber\twho\n", *lines])
