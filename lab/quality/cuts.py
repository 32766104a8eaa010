"""Where a session is cut, and what its agent went on to need there."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final, Literal

from quality.facts import facts, needed
from quality.happened import Happening
from quality.manifest import Session

Place = Literal["answer", "mid-turn", "prompt", "between"]
PLACES: Final[tuple[Place, ...]] = ("answer", "mid-turn", "prompt", "between")

_PROMPTS_AHEAD: Final = 2
_LEAST_BEFORE: Final = 6
_LEAST_NEEDED: Final = 5
_TRIED: Final = 6
"""Places tried for one cut: at many, nothing is needed later."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A session up to record `until` (0: all of it), and the facts that were needed after it."""

    session: str
    repository: str
    agent: str
    place: Place
    until: int
    needed: frozenset[str]


def places(past: Sequence[Happening]) -> Iterator[tuple[Place, int]]:
    """Yields each index before which a session can be cut, and what stands there; a record is never cut in two."""
    for index in range(_LEAST_BEFORE, len(past)):
        last, following = past[index - 1], past[index]
        if following.record <= last.record:
            continue
        if last.kind == "prompt":
            yield "prompt", index
        elif following.kind == "prompt" and last.kind == "answer":
            yield "answer", index
        elif following.kind != "prompt" and last.kind == "result":
            yield "mid-turn", index


def next_turns(ahead: Sequence[Happening]) -> Sequence[Happening]:
    """Returns what comes next, up to the prompt that follows the next two."""
    prompts = [number for number, each in enumerate(ahead) if each.kind == "prompt"]
    return ahead[: prompts[_PROMPTS_AHEAD]] if len(prompts) > _PROMPTS_AHEAD else ahead


def wanted_after(past: Sequence[Happening], ahead: Sequence[Happening], common: frozenset[str]) -> frozenset[str]:
    """Returns what the calls ahead need of the past, up to the prompt that follows the next two."""
    near = next_turns(ahead)
    before = _facts_of(past)
    calls = _facts_of([each for each in near if each.kind == "call"])
    given = _facts_of([each for each in near if each.kind == "prompt"])
    return needed(before, calls, given, common)


def chosen(
    past: Sequence[Happening], per: int, seed: str, common: frozenset[str]
) -> Iterator[tuple[Place, int, frozenset[str]]]:
    """Yields up to `per` cuts for each place of a session: place, last record and what was needed."""
    by_place: dict[Place, list[int]] = {}
    for place, index in places(past):
        by_place.setdefault(place, []).append(index)
    for place, indexes in by_place.items():
        found = 0
        for index in random.Random(f"{seed} {place}").sample(indexes, min(len(indexes), _TRIED * per)):
            wanted = wanted_after(past[:index], past[index:], common)
            if enough(wanted) and found < per:
                found += 1
                yield place, past[index - 1].record, wanted


def cuts_of(
    read_ones: Mapping[Session, Sequence[Happening]], per: int, seed: int, common: frozenset[str]
) -> Iterator[tuple[Session, Cut]]:
    """Yields the cuts of a repository's sessions: up to `per` for each place within one, and those between two."""
    for session, past in read_ones.items():
        for place, until, wanted in chosen(past, per, f"{seed} {session.sha256}", common):
            yield session, Cut(session.id, session.repository, session.agent, place, until, wanted)
    for session, following in _neighbours(read_ones):
        wanted = wanted_after(read_ones[session], read_ones[following], common)
        if enough(wanted):
            yield session, Cut(session.id, session.repository, session.agent, "between", 0, wanted)


def _neighbours(read_ones: Mapping[Session, Sequence[Happening]]) -> Iterable[tuple[Session, Session]]:
    """Yields each session with the next one in the same folder, if it began after the first one's end."""
    timed = [session for session, past in read_ones.items() if past and past[0].at_ms and past[0].cwd]
    timed.sort(key=lambda session: (read_ones[session][0].cwd or "", read_ones[session][0].at_ms))
    for one, other in pairwise(timed):
        first, second = read_ones[one], read_ones[other]
        if first[0].cwd == second[0].cwd and first[-1].at_ms <= second[0].at_ms:
            yield one, other


def enough(wanted: frozenset[str]) -> bool:
    """Whether so much is needed at a cut that texts can be compared there."""
    return len(wanted) >= _LEAST_NEEDED


def _facts_of(happenings: Iterable[Happening]) -> set[str]:
    return set().union(*(_facts(each.text) for each in happenings))


_facts: Final = lru_cache(maxsize=50_000)(facts)
"""The same texts are in many cuts of one session."""
