"""The tables that graders fill in, a row for each answer, and what must be right in them."""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from quality.exam.paper import Sheet
from quality.exam.questions import QUESTIONS

MOST: Final = 2
NOTHING: Final = "-"
"""Grade of a question that had no answer at this cut, whoever is asked."""
COLUMNS: Final = ("cut", "answer", *(each.id for each in QUESTIONS), "harmful", "minor", "verdict", "note")
_GRADES: Final = (NOTHING, *map(str, range(MOST + 1)))
_VERDICTS: Final = ("1", "2", "3", "4", "5")

Key = tuple[str, str]
"""A cut and the letter of an answer to it."""


@dataclass(frozen=True, slots=True)
class Grade:
    """What one grader gave one answer. A question that had no answer at this cut is not in `points`."""

    points: Mapping[str, int]
    harmful: int
    minor: int
    verdict: int

    @property
    def known(self) -> float:
        """The share of what could be known that the answer has, from 0 to 1."""
        return sum(self.points.values()) / (MOST * len(self.points))


def blank(sheets: Iterable[Sheet]) -> str:
    """Returns a table to be filled in."""
    keys = sorted((sheet.cut, sheet.letter) for sheet in sheets)
    empty = [""] * (len(COLUMNS) - 2)
    return "".join("\t".join(line) + "\n" for line in [COLUMNS, *([*key, *empty] for key in keys)])


def read(table: str, sheets: Sequence[Sheet]) -> tuple[Mapping[Key, Grade], list[str]]:
    """Returns the grades by answer, and what is wrong with the table: if anything is, there is no tally."""
    rows = list(csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE))
    wrong = [] if rows and set(COLUMNS) <= set(rows[0]) else ["it has not the columns that it was made with"]
    if wrong:
        return {}, wrong
    found: dict[Key, Grade] = {}
    for row in rows:
        key = (row["cut"], row["answer"])
        named = f"{key[0]} {key[1]}"
        if key in found:
            wrong.append(f"{named} is graded twice")
        bad = _wrong(row)
        wrong += [f"{named}: {each}" for each in bad]
        if not bad:
            found[key] = _grade(row)
    expected = {(sheet.cut, sheet.letter) for sheet in sheets}
    graded = {(row["cut"], row["answer"]) for row in rows}
    wrong += [f"{cut} {letter} is missing" for cut, letter in sorted(expected - graded)]
    wrong += [f"{cut} {letter} is no answer of this exam" for cut, letter in sorted(graded - expected)]
    return found, wrong + _uneven(found)


def _wrong(row: Mapping[str, str | None]) -> list[str]:
    said = {name: (row[name] or "").strip() for name in COLUMNS}
    wrong = [f"{each.id} is {said[each.id]!r}" for each in QUESTIONS if said[each.id] not in _GRADES]
    wrong += [f"{name} is {said[name]!r}" for name in ("harmful", "minor") if not said[name].isdecimal()]
    wrong += [] if said["verdict"] in _VERDICTS else [f"verdict is {said['verdict']!r}"]
    if all(said[each.id] == NOTHING for each in QUESTIONS):
        wrong.append("no question is graded")
    return wrong


def _grade(row: Mapping[str, str]) -> Grade:
    said = {each.id: row[each.id].strip() for each in QUESTIONS}
    points = {name: int(grade) for name, grade in said.items() if grade != NOTHING}
    return Grade(points, int(row["harmful"]), int(row["minor"]), int(row["verdict"]))


def _uneven(grades: Mapping[Key, Grade]) -> list[str]:
    """Returns the questions that had an answer for one text of a cut and none for another."""
    by_cut = defaultdict[str, list[Grade]](list)
    for (cut, _), grade in sorted(grades.items()):
        by_cut[cut].append(grade)
    wrong = []
    for cut, given in by_cut.items():
        times = Counter(name for grade in given for name in grade.points)
        for name in sorted(name for name, number in times.items() if number < len(given)):
            wrong.append(f"{cut}: {name} is {NOTHING!r} for some answers and not for others")
    return wrong
