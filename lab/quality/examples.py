"""What `make learn` learns from: the names in play at a cut, and which of them were needed."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import Final, Literal
from zlib import crc32

from carryover.distill.learned import NAME
from carryover.distill.quotes import estimated_tokens
from carryover.distill.view import ProjectView
from carryover.distill.worth import described, mentioned
from carryover.past.transcript import view_of_transcript
from quality.cuts import cuts_of
from quality.fetch import file_of
from quality.happened import happenings
from quality.logistic import fitted
from quality.manifest import Session
from quality.notes import Noted

Target = Literal["later calls", "readers' notes"]
TARGETS: Final[tuple[Target, ...]] = ("later calls", "readers' notes")
FOLDS: Final = 5
SEED: Final = 1


@dataclass(frozen=True, slots=True)
class Example:
    """The names in play at a cut, with what is known of them, and the facts that were needed. `view` makes its
    handoff."""

    id: str
    repository: str
    target: Target
    names: Mapping[str, Mapping[str, float]]
    needed: frozenset[str]
    view: ProjectView


def of_sessions(sessions: Sequence[Session], folder: Path, common: frozenset[str]) -> list[Example]:
    """Returns the examples of one repository's sessions, one cut for each place."""
    read_ones = {session: happenings(file_of(session, folder))[1] for session in sessions}
    found = []
    for session, cut in cuts_of(read_ones, 1, SEED, common):
        name = f"{cut.session} {cut.place} {cut.until}"
        found += _example(name, cut.repository, "later calls", file_of(session, folder), cut.until, cut.needed)
    return found


def of_notes(noted: Noted) -> list[Example]:
    """Returns the example of a conversation with notes."""
    return _example(noted.id, noted.repository, "readers' notes", noted.file, noted.until, noted.needed)


def _example(
    name: str, repository: str, target: Target, file: Path, until: int, needed: frozenset[str]
) -> list[Example]:
    _, view, _ = view_of_transcript(file, None, until or None)
    if view is None or not needed:
        return []
    known, now = mentioned(view)
    names = {key: by_row(described(key, name, now)) for key, name in known.items()}
    return [Example(name, repository, target, names, needed, view)]


def by_row(described: Iterable[float]) -> dict[str, float]:
    """Returns what is known of a name by the rows of `NAME`."""
    return dict(zip(NAME, described, strict=True))


def learned(examples: Iterable[Example], share: float) -> dict[str, float]:
    """Returns the weight of each row of `described`, rounded so that it is the same on each machine. The order of
    examples makes no difference; `share` is how much the readers' notes count, if there are any."""
    ordered = sorted(examples, key=attrgetter("target", "id"))
    sizes = {target: sum(len(each.names) for each in ordered if each.target == target) for target in TARGETS}
    shares: dict[Target, float] = {"later calls": 1 - share, "readers' notes": share}
    whole = sum(shares[target] for target in TARGETS if sizes[target])
    rows: list[dict[str, float]] = []
    right: list[bool] = []
    counts: list[float] = []
    for each in ordered:
        for name, seen in sorted(each.names.items()):
            rows.append(dict(seen))
            right.append(name in each.needed)
            counts.append(shares[each.target] / whole / sizes[each.target])
    weights = fitted([list(row.values()) for row in rows], right, counts)
    # Where there is a minus sign before a zero may depend on the machine.
    return {row: round(weight, 2) + 0.0 for row, weight in zip(rows[0], weights, strict=True)}


def fold_of(repository: str) -> int:
    """Returns the fold in which a repository is tested, always the same."""
    return hashlib.sha256(repository.lower().encode()).digest()[0] % FOLDS


Scorer = Callable[[Mapping[str, float]], float]


def by_weights(weights: Mapping[str, float]) -> Scorer:
    """Returns what says how much a name is worth by these weights."""
    return lambda seen: sum(weights[row] * value for row, value in seen.items())


def by_age(seen: Mapping[str, float]) -> float:
    """Says how much a name is worth by when it was last mentioned."""
    return -seen["age"]


def all_the_same(_: Mapping[str, float]) -> float:
    """Says that each name is worth as much as another."""
    return 0.0


def held_by_best(example: Example, score: Scorer, tokens: int) -> float:
    """Returns the share of the needed facts that the best names hold in so many tokens."""
    held = 0
    for name in sorted(example.names, key=lambda name: (-score(example.names[name]), crc32(name.encode()), name)):
        tokens -= estimated_tokens(f"{name}, ")
        if tokens < 0:
            break
        held += name in example.needed
    return held / len(example.needed)


def out_of_fold(examples: Sequence[Example], share: float) -> dict[int, Scorer]:
    """Returns, for each fold, what was learned from the others."""
    rest = defaultdict[int, list[Example]](list)
    for fold in range(FOLDS):
        rest[fold] = [each for each in examples if fold_of(each.repository) != fold]
    return {fold: by_weights(learned(own, share)) for fold, own in rest.items() if own}
