"""Draws the cuts of an exam from the public sessions that were fetched: by chance, and from many repositories."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from quality.cuts import chosen
from quality.exam.paper import Cut
from quality.fetch import file_of
from quality.happened import Happening, happenings
from quality.manifest import Session

PLACES: Final = ("answer", "mid-turn", "prompt")
"""The kinds of places, in turn. The gap between two sessions is not among them: takers get the text of one session."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """A cut with what graders compare answers with."""

    cut: Cut
    file: Path
    before: Sequence[Happening]
    after: Sequence[Happening]


def drawn(sessions: Sequence[Session], folder: Path, number: int, seed: int) -> list[Drawn]:
    """Returns `number` cuts, or as many as there are: the repositories in turn, one session at a time."""
    found: list[Drawn] = []
    for session in _in_turn(sessions, seed):
        if len(found) == number:
            break
        place = PLACES[len(found) % len(PLACES)]
        file = file_of(session, folder)
        past = happenings(file)[1]
        until = _until(past, place, f"{seed} {session.sha256}")
        if until:
            found.append(_drawn(f"{len(found) + 1:02}", session, place, file, past, until))
    return found


def _drawn(name: str, session: Session, place: str, file: Path, past: Sequence[Happening], until: int) -> Drawn:
    cut = Cut(name, session.id, session.repository, session.agent, session.language, place, until)
    before = [each for each in past if each.record <= until]
    return Drawn(cut, file, before, past[len(before) :])


def _until(past: Sequence[Happening], place: str, seed: str) -> int:
    """Returns the last record before a cut of that kind at which enough is needed later; 0 if there is none."""
    return next((until for found, until, _ in chosen(past, 1, seed, frozenset()) if found == place), 0)


def _in_turn(sessions: Iterable[Session], seed: int) -> Iterator[Session]:
    """Yields one session of each repository, then a second one of those that have two, and so on."""
    order = random.Random(f"{seed} sessions")
    by_repository: Mapping[str, list[Session]] = defaultdict(list)
    for session in sorted(sessions, key=_sha256):
        by_repository[session.repository].append(session)
    queues = [order.sample(own, len(own)) for _, own in sorted(by_repository.items())]
    order.shuffle(queues)
    while queues:
        for queue in queues:
            yield queue.pop()
        queues = [queue for queue in queues if queue]


def _sha256(session: Session) -> str:
    return session.sha256
