"""Where the files of an exam are, and what must have arrived before anything is graded or counted.

`takers/N/` is handed to taker N and `graders/` to the graders; `key/` says which text is whose and is handed to nobody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from quality.exam.paper import Paper, Sheet
from quality.exam.questions import QUESTIONS, answered, answers

KEY: Final = "key"
EMPTY: Final = "(The text is empty.)\n"
LONGEST_QUOTE: Final = 200
"""Characters of a text that an answer may repeat in one piece: more is a copy of it, which could not be published."""
_UNBLINDING: Final = "carryover"


def taker_of(folder: Path, number: int) -> Path:
    return folder / "takers" / str(number)


def text_of(folder: Path, sheet: Sheet) -> Path:
    return taker_of(folder, sheet.taker) / "texts" / f"{sheet.cut}.md"


def sheet_of(folder: Path, sheet: Sheet) -> Path:
    return taker_of(folder, sheet.taker) / "sheets" / f"{sheet.cut}.md"


def answer_of(folder: Path, sheet: Sheet) -> Path:
    return folder / "graders" / "answers" / sheet.cut / f"{sheet.letter}.md"


def graders_of(folder: Path) -> Sequence[Path]:
    """Returns the folder of each grader, which holds a table of grades."""
    return sorted(path.parent for path in (folder / "graders").glob("*/grades.tsv"))


def who(folder: Path) -> str:
    """Returns who a taker or grader is, in their own words; empty if nobody has said so."""
    file = folder / "who.md"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    said = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return " ".join(said).replace("\t", " ")


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def undelivered(folder: Path, paper: Paper) -> list[str]:
    """Returns what keeps the answers from being graded: texts that did not arrive, sheets that are not answered."""
    wrong = []
    for number in sorted({sheet.taker for sheet in paper.sheets}):
        if not who(taker_of(folder, number)):
            wrong.append(f"takers/{number}/who.md doesn't say who took it")
    for sheet in paper.sheets:
        wrong += [f"takers/{sheet.taker}, cut {sheet.cut}: {each}" for each in _wrong(folder, sheet)]
    return wrong


def ungraded(folder: Path, paper: Paper) -> list[str]:
    """Returns what keeps the grades from being counted: too few graders, answers that were changed since."""
    graders = graders_of(folder)
    wrong = [] if len(graders) > 1 else [f"{len(graders)} graders: it takes two, so that their agreement shows"]
    wrong += [f"graders/{path.name}/who.md doesn't say who graded" for path in graders if not who(path)]
    for sheet in paper.sheets:
        seen = answer_of(folder, sheet)
        if not seen.is_file() or seen.read_text(encoding="utf-8") != answered(_read(sheet_of(folder, sheet))):
            wrong.append(f"takers/{sheet.taker}, cut {sheet.cut}: the answer is not the one that graders were given")
    return wrong


def _wrong(folder: Path, sheet: Sheet) -> list[str]:
    text = _read(text_of(folder, sheet), newline="")  # as written: what a tool printed may hold carriage returns
    if digest(text) != sheet.sha256:
        return ["the text is not the one that was made, so the answer is no result"]
    given = answers(_read(sheet_of(folder, sheet)))
    empty = [each.title for each in QUESTIONS if not given[each.id]]
    if empty:
        return [f"not answered: {', '.join(empty)}"]
    said = "\n".join(given.values())
    wrong = ["it names Carryover, so graders would know whose text it was"] if _UNBLINDING in said.casefold() else []
    if _repeats(said, text):
        wrong.append(f"it repeats more than {LONGEST_QUOTE} characters of the text in one piece")
    return wrong


def _repeats(said: str, text: str) -> bool:
    words = " ".join(said.split())
    source = " ".join(text.split())
    size = LONGEST_QUOTE + 1
    return any(words[start : start + size] in source for start in range(len(words) - size + 1))


def _read(path: Path, *, newline: str | None = None) -> str:
    if not path.is_file():
        return ""
    with path.open(encoding="utf-8", newline=newline) as file:
        return file.read()
