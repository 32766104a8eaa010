"""The page of an exam: what the successors of each arm knew, with intervals, and how far the graders agree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import fmean, median
from typing import Final

from quality.exam.agreement import alpha
from quality.exam.grades import MOST, Grade, Key
from quality.exam.paper import Paper, Sheet
from quality.exam.questions import QUESTIONS
from quality.intervals import interval

LEAST_AGREEMENT: Final = 0.667
"""Below it, Krippendorff advises against conclusions."""

Table = Mapping[Key, Grade]


@dataclass(frozen=True, slots=True)
class Marked:
    """A sheet with its grades, one by each grader."""

    sheet: Sheet
    repository: str
    grades: Sequence[Grade]

    @property
    def known(self) -> float:
        return fmean([grade.known for grade in self.grades])

    def points(self, question: str) -> list[float]:
        """Returns the grades of one question as shares; none if it had no answer at this cut."""
        return [grade.points[question] / MOST for grade in self.grades if question in grade.points]


def marked(paper: Paper, tables: Sequence[Table]) -> list[Marked]:
    """Returns each sheet with its grades: here the arms get their names back."""
    repositories = {cut.name: cut.repository for cut in paper.cuts}
    return [
        Marked(sheet, repositories[sheet.cut], [table[sheet.cut, sheet.letter] for table in tables])
        for sheet in paper.sheets
    ]


def page(paper: Paper, tables: Sequence[Table]) -> str:
    """Returns the page, as Markdown."""
    by_arm = defaultdict[str, list[Marked]](list)
    for each in marked(paper, tables):
        by_arm[each.sheet.arm].append(each)
    ordered = {arm: by_arm[arm] for arm in paper.about.arms}
    parts = [_head(paper), _known(ordered, paper.about.seed), _questions(ordered), _pairs(ordered, paper.about.seed)]
    return "\n\n".join([*parts, _agreement(tables)]) + "\n"


def _head(paper: Paper) -> str:
    about = paper.about
    repositories = len({cut.repository for cut in paper.cuts})
    takers = len({sheet.taker for sheet in paper.sheets})
    lines = [
        f"{len(paper.cuts)} cuts of {repositories} repositories, the {about.half} half; {takers} takers.",
        f"Carryover {about.carryover} at {about.commit}; Python {about.python}; sessions.tsv {about.manifest[:12]};",
        f"seed {about.seed}; {about.date}.",
    ]
    return "\n".join(lines)


def _known(by_arm: Mapping[str, Sequence[Marked]], seed: int) -> str:
    lines = ["| arm | known, 95 % | verdict | harmful | minor | texts | empty | tokens |", "|---" * 8 + "|"]
    for arm, own in by_arm.items():
        low, high = interval(_by_repository(own, _known_of), seed)
        verdict = fmean([grade.verdict for each in own for grade in each.grades])
        harmful = fmean([grade.harmful for each in own for grade in each.grades])
        minor = fmean([grade.minor for each in own for grade in each.grades])
        empty = sum(not each.sheet.tokens for each in own)
        tokens = median(each.sheet.tokens for each in own)
        lines.append(
            f"| {arm} | {fmean([each.known for each in own]):.3f} [{low:.2f}, {high:.2f}] | {verdict:.2f} "
            f"| {harmful:.2f} | {minor:.2f} | {len(own)} | {empty} | {tokens:,.0f} |"
        )
    return "\n".join(lines)


def _questions(by_arm: Mapping[str, Sequence[Marked]]) -> str:
    titles = [each.title.lower() for each in QUESTIONS]
    lines = [f"| arm | {' | '.join(titles)} |", "|---" * (len(titles) + 1) + "|"]
    for arm, own in by_arm.items():
        points = {each.id: [point for sheet in own for point in sheet.points(each.id)] for each in QUESTIONS}
        cells = [f"{fmean(found):.2f}" if found else "" for found in points.values()]
        lines.append(f"| {arm} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _pairs(by_arm: Mapping[str, Sequence[Marked]], seed: int) -> str:
    """Compares arms cut by cut, which takes out that some cuts are easier than others."""
    lines = ["| at the same cuts | difference, 95 % | more | same | less |", "|---" * 5 + "|"]
    for one, other in combinations(by_arm, 2):
        others = {each.sheet.cut: each.known for each in by_arm[other]}
        gained = _by_repository(by_arm[one], _gain_over(others))
        values = [value for own in gained.values() for value in own]
        low, high = interval(gained, seed)
        more = sum(value > 0 for value in values)
        less = sum(value < 0 for value in values)
        cells = f"{fmean(values):+.3f} [{low:+.2f}, {high:+.2f}] | {more} | {len(values) - more - less} | {less}"
        lines.append(f"| {one} over {other} | {cells} |")
    return "\n".join(lines)


def _agreement(tables: Sequence[Table]) -> str:
    graded = [[table[key] for table in tables] for key in sorted(tables[0])]
    by_question = {each.id: _units(graded, each.id) for each in QUESTIONS}
    verdict = alpha([[grade.verdict for grade in grades] for grades in graded])
    overall = alpha([unit for units in by_question.values() for unit in units])
    said = [f"{each.title.lower()} {_figure(alpha(by_question[each.id]))}" for each in QUESTIONS]
    one_sided = sum(0 < len(unit) < len(tables) for units in by_question.values() for unit in units)
    lines = [
        f"{len(tables)} graders. Krippendorff's alpha for ordered grades: {_figure(overall)} for all questions,",
        f"{_figure(verdict)} for the verdict; {', '.join(said)}.",
        f"{one_sided} questions were graded by one and had no answer at that cut for another.",
    ]
    if overall is None or overall < LEAST_AGREEMENT:
        lines.append(f"Below {LEAST_AGREEMENT}: the graders agree too little to conclude anything.")
    return "\n".join(lines)


def _units(graded: Sequence[Sequence[Grade]], question: str) -> list[list[int]]:
    return [[grade.points[question] for grade in grades if question in grade.points] for grades in graded]


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _known_of(each: Marked) -> float:
    return each.known


def _gain_over(others: Mapping[str, float]) -> Callable[[Marked], float]:
    def gain(each: Marked) -> float:
        return each.known - others[each.sheet.cut]

    return gain


def _by_repository(own: Sequence[Marked], value: Callable[[Marked], float]) -> Mapping[str, list[float]]:
    found = defaultdict[str, list[float]](list)
    for each in own:
        found[each.repository].append(value(each))
    return found
