"""Writes an exam into a folder: the texts and sheets for takers first, later the answers and tables for graders."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from carryover.distill.quotes import estimated_tokens
from quality.exam import grades, paper, questions, truth
from quality.exam.arms import Arm
from quality.exam.draw import Drawn
from quality.exam.folder import EMPTY, KEY, answer_of, digest, sheet_of, taker_of, text_of
from quality.exam.paper import About, Paper, Sheet

_FORMS: Final = Path(__file__).with_name("forms")
_WHO: Final = "# Below this line: a name of your choice, or the model with its version and settings. It is published.\n"


class NoText(Exception):
    """An arm failed, so the arms would be compared on different cuts."""


def write_sheets(about: About, cuts: Sequence[Drawn], arms: Mapping[str, Arm], folder: Path) -> Paper:
    """Writes what takers get, what graders compare with, and the key. Raises NoText before it writes anything."""
    texts = _texts(cuts, arms)
    names = [each.cut.name for each in cuts]
    sheets = [_with_text(sheet, texts) for sheet in paper.assigned(names, list(arms), about.seed)]
    exam = Paper(about, [each.cut for each in cuts], sheets)
    folder.mkdir(mode=0o700, parents=True)
    paper.write(exam, folder / KEY)
    for number in range(1, len(arms) + 1):
        _begin(taker_of(folder, number), "taker.md")
    for sheet in sheets:
        _write(text_of(folder, sheet), texts[sheet.cut, sheet.arm])
        _write(sheet_of(folder, sheet), questions.blank(sheet.cut))
    for each in cuts:
        _write(folder / "graders" / "truth" / f"{each.cut.name}-before.md", truth.before(each.before))
        _write(folder / "graders" / "truth" / f"{each.cut.name}-after.md", truth.after(each.after))
    return exam


def write_grading(exam: Paper, folder: Path, graders: int) -> None:
    """Writes the answers under their letters, and an empty table for each grader."""
    for sheet in exam.sheets:
        _write(answer_of(folder, sheet), questions.answered(sheet_of(folder, sheet).read_text(encoding="utf-8")))
    for number in range(1, graders + 1):
        grader = folder / "graders" / str(number)
        _begin(grader, "grader.md")
        _write(grader / "grades.tsv", grades.blank(exam.sheets))


def _texts(cuts: Sequence[Drawn], arms: Mapping[str, Arm]) -> dict[tuple[str, str], str]:
    found = {}
    for each in cuts:
        for name, arm in arms.items():
            try:
                found[each.cut.name, name] = arm(each) or EMPTY
            except Exception as error:
                raise NoText(f"{name} failed at cut {each.cut.name} ({each.cut.session}): {error!r}") from error
    return found


def _with_text(sheet: Sheet, texts: Mapping[tuple[str, str], str]) -> Sheet:
    text = texts[sheet.cut, sheet.arm]
    return replace(sheet, sha256=digest(text), tokens=0 if text == EMPTY else estimated_tokens(text))


def _begin(folder: Path, form: str) -> None:
    folder.mkdir(parents=True)
    shutil.copyfile(_FORMS / form, folder / "README.md")
    _write(folder / "who.md", _WHO)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")
