"""What takers are asked, and how an answered sheet is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Question:
    id: str
    """The name of its column in a table of grades."""
    title: str
    text: str


QUESTIONS: Final = (
    Question("task", "Task", "What is wanted now, and which larger goal does it serve?"),
    Question("state", "State", "What is done, what is half done, and what was last seen of tests or results?"),
    Question("next", "Next action", "What would you do first, on which file or with which command?"),
    Question("decisions", "Decisions", "What did the user decide, demand or rule out that still holds?"),
    Question("open", "Open questions", "What waits for an answer, fails, or was claimed without a check?"),
    Question("failures", "Failures", "What was tried and did not work, and why?"),
    Question("facts", "Facts", "Which causes, values, names and places does the work depend on?"),
)

_HEAD: Final = """# Cut {cut}

Answer from `texts/{cut}.md` alone and in your own words, with the names, values and reasons that it gives. Write
"none" if the text shows that there is nothing, "unknown" if it doesn't say.
"""


def blank(cut: str) -> str:
    """Returns a sheet to be filled in."""
    return _HEAD.format(cut=cut) + "".join(f"\n## {each.title}\n{each.text}\n\n" for each in QUESTIONS)


def answers(sheet: str) -> Mapping[str, str]:
    """Returns the answers on a sheet by the question's id; empty for one that was not answered or is gone."""
    found: dict[str, list[str]] = {}
    titles = {f"## {each.title}".casefold(): each for each in QUESTIONS}
    texts = {each.text for each in QUESTIONS}
    current: list[str] = []
    for line in sheet.splitlines():
        question = titles.get(line.strip().casefold())
        if question is not None:
            current = found.setdefault(question.id, [])
        elif line.strip() not in texts:
            current.append(line)
    return {each.id: "\n".join(found.get(each.id, [])).strip() for each in QUESTIONS}


def answered(sheet: str) -> str:
    """Returns the answers as graders see them: without what the taker wrote elsewhere on the sheet."""
    given = answers(sheet)
    return "\n".join(f"## {each.title}\n{given[each.id]}\n" for each in QUESTIONS)
