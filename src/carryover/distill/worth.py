"""What a name is worth to the next agent: how likely its next calls use it, as learned from real sessions (`make learn`
wrote the numbers in `learned.py`)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import exp, log1p
from operator import mul
from typing import Final, NamedTuple

from carryover.distill.digest import Name
from carryover.distill.learned import NAME
from carryover.distill.view import ProjectView
from carryover.text.pattern import later

_SUFFIX: Final = later(r"\.[a-z]\w{0,4}$")
_DIGIT: Final = later(r"\d")
_WEIGHTS: Final = tuple(NAME.values())


def worth(name: str, seen: Name, now: int) -> float:
    """Returns the chance, from 0 to 1, that the next agent needs a name after `now` events; `name` as `names_in`
    compares it."""
    return 1 / (1 + exp(-sum(map(mul, _WEIGHTS, described(name, seen, now)))))


def suffix_of(name: str) -> str:
    """Returns what a name ends with if it is that of a file, as `.py`; empty: nothing short behind a dot."""
    found = _SUFFIX.search(name)
    return found[0] if found is not None else ""


def described(name: str, seen: Name, now: int) -> tuple[float, ...]:
    """Returns what is known of a name after `now` events, in the order of `NAME`."""
    return (*_told(seen, now), *_formed(name))


def _told(seen: Name, now: int) -> tuple[float, ...]:
    """Returns what a name's mentions say: the first rows of `NAME`. What was never mentioned somewhere is as old there
    as the past."""
    return (
        1.0,
        log1p(seen.mentions),
        log1p(seen.said),
        log1p(seen.called),
        log1p(now - seen.last),
        log1p(now - seen.last_said),
        log1p(now - seen.last_called),
        log1p(now),
        0.0 if seen.said or seen.called else 1.0,
    )


def _formed(name: str) -> tuple[float, ...]:
    """Returns what the form of a name says: the last rows of `NAME`."""
    has_digit = _DIGIT.search(name) is not None
    return float(name.isalpha()), float(has_digit), float("." in name), float(suffix_of(name) != ""), len(name) / 20


class InPlay(NamedTuple):
    """A name as it was last written, the chance that the next agent needs it, whether a call had it, and whether it is
    a file that was deleted last."""

    shown: str
    worth: float
    called: bool = False
    gone: bool = False


def in_play(names: Mapping[str, Name], now: int) -> dict[str, InPlay]:
    """Returns the names that are known after `now` events, each as `names_in` compares it."""
    return {key: InPlay(name.shown, worth(key, name, now), name.called > 0) for key, name in names.items()}


def mentioned(view: ProjectView) -> tuple[dict[str, Name], int]:
    """Returns the names that the project's sessions mentioned, as if one thread had after the other, and how many
    events there were. Sub-agents work at the same time as their session.

    What only the output of a session's tools had is not counted once a newer session has worked: of a long past it is
    four names in five, none of which is ever worth more than a few hundredths. Nor is the id that a client gave a job:
    no other session can use it.
    """
    now = sum(digest.heard for digest in view.digests)
    since = 0
    shown: dict[str, str] = {}
    found: dict[str, list[int]] = {}
    """The numbers of each `Name`, which change as often as a name comes again."""
    for session in sorted(view.sessions, key=lambda session: (-session.newest_ms, session.session)):
        is_newest = since == 0
        for digest in session.digests:
            before = now - since - digest.heard
            for key, name in digest.names.items():
                numbers, said, called = found.get(key), name.said, name.called
                if numbers is None:
                    if not (is_newest or said or called):
                        continue
                    shown[key] = name.shown
                    numbers = found[key] = [0] * 6
                numbers[0] += name.mentions
                if (last := name.last + before) > numbers[3]:
                    numbers[3] = last
                if said:
                    numbers[1] += said
                    if (last := name.last_said + before) > numbers[4]:
                        numbers[4] = last
                if called:
                    numbers[2] += called
                    if (last := name.last_called + before) > numbers[5]:
                        numbers[5] = last
        since += max(digest.heard for digest in session.digests)
    jobs = {job.id for digest in view.digests for job in (*digest.jobs, *digest.ended)}
    return without_jobs({key: Name(shown[key], *numbers) for key, numbers in found.items()}, jobs), now


def without_jobs(names: dict[str, Name], jobs: Collection[str]) -> dict[str, Name]:
    """Returns the names without the ids of jobs and the files named after these, as `bq4kz1x.output`."""
    ids = {job.casefold() for job in jobs}
    return {key: name for key, name in names.items() if key.partition(".")[0] not in ids} if ids else names
