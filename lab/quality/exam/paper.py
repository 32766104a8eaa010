"""The plan of an exam: which taker sees the text of which arm at which cut, and under which letter graders see it.

All of it follows from the seed. It is kept in `key/`, which neither takers nor graders see before the tally.
"""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final, TypeVar, get_type_hints

LETTERS: Final = "abcdefghijklmnop"
_Row = TypeVar("_Row", bound="Cut | Sheet")


@dataclass(frozen=True, slots=True)
class Cut:
    """A public session up to record `until`, named for takers and graders by a number alone."""

    name: str
    session: str
    repository: str
    agent: str
    language: str
    place: str
    until: int


@dataclass(frozen=True, slots=True)
class Sheet:
    """One text for one taker. `sha256` is of the text as it was written; `tokens` are 0 if it is empty."""

    cut: str
    taker: int
    arm: str
    letter: str
    sha256: str = ""
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class About:
    """What an exam was made with."""

    seed: int
    half: str
    carryover: str
    commit: str
    manifest: str
    python: str
    date: str
    arms: Sequence[str]


@dataclass(frozen=True, slots=True)
class Paper:
    about: About
    cuts: Sequence[Cut]
    sheets: Sequence[Sheet]


def assigned(cuts: Sequence[str], arms: Sequence[str], seed: int) -> list[Sheet]:
    """Returns a sheet for each cut and arm, for as many takers as there are arms.

    No taker sees a cut twice, and each gets every arm equally often, or nearly: so no arm has the better taker.
    """
    drawn = random.Random(f"{seed} sheets")
    shuffled = drawn.sample(arms, len(arms))
    turns = {cut: turn for turn, cut in enumerate(drawn.sample(cuts, len(cuts)))}
    found = []
    for cut in cuts:
        letters = drawn.sample(LETTERS[: len(arms)], len(arms))
        for number, letter in enumerate(letters):
            arm = shuffled[(turns[cut] + number) % len(arms)]
            found.append(Sheet(cut, number + 1, arm, letter))
    return found


def write(paper: Paper, folder: Path) -> None:
    """Writes the key of an exam."""
    folder.mkdir(mode=0o700)
    (folder / "exam.json").write_text(json.dumps(asdict(paper.about), indent=2) + "\n", encoding="utf-8")
    (folder / "cuts.tsv").write_text(_table(Cut, paper.cuts), encoding="utf-8")
    (folder / "sheets.tsv").write_text(_table(Sheet, paper.sheets), encoding="utf-8")


def read(folder: Path) -> Paper:
    """Returns the exam whose key is in the folder."""
    about = About(**json.loads((folder / "exam.json").read_text(encoding="utf-8")))
    return Paper(about, _rows(Cut, folder / "cuts.tsv"), _rows(Sheet, folder / "sheets.tsv"))


def _table(row: type[Any], rows: Iterable[Any]) -> str:
    names = [field.name for field in fields(row)]
    lines = [[str(getattr(each, name)) for name in names] for each in rows]
    return "".join("\t".join(line) + "\n" for line in [names, *lines])


def _rows(row: type[_Row], path: Path) -> list[_Row]:
    types = get_type_hints(row)
    with path.open(encoding="utf-8", newline="") as file:
        read_ones = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return [row(**{name: types[name](value) for name, value in each.items()}) for each in read_ones]
