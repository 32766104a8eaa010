"""What a name is worth to the next agent: how likely its next calls use it, as learned from real sessions (`make learn`
wrote the numbers in `learned.py`)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from carryover.distill.learned import NAME
from carryover.distill.names import Name
from carryover.distill.view import ProjectView
from carryover.text.pattern import later

_SUFFIX: Final = later(r"\.[a-z]\w{0,4}$")
_DIGIT: Final = later(r"\d")


class Mentions(NamedTuple):
    """How often a name was mentioned, and how many events ago: at all, in words, in a call. `length`, the number of all
    events, is also the age of what never was."""

    mentions: int
    said: int
    called: int
    age: int
    said_age: int
    called_age: int
    length: int


def worth(name: str, seen: Mentions) -> float:
    """Returns the chance, from 0 to 1, that the next agent needs a name; `name` as `names_in` compares it."""
    chance = sum(NAME[what] * value for what, value in described(name, seen))
    return 1 / (1 + math.exp(-chance))


def suffix_of(name: str) -> str:
    """Returns what a name ends with if it is that of a file, as `.py`; empty: nothing short behind a dot."""
    found = _SUFFIX.search(name)
    return found[0] if found is not None else ""


def described(name: str, seen: Mentions) -> Iterator[tuple[str, float]]:
    """Yields what is known of a name, by the rows of `NAME`."""
    yield "any name", 1.0
    yield "mentions", math.log1p(seen.mentions)
    yield "in words", math.log1p(seen.said)
    yield "in calls", math.log1p(seen.called)
    yield "age", math.log1p(seen.age)
    yield "age in words", math.log1p(seen.said_age)
    yield "age in calls", math.log1p(seen.called_age)
    yield "length of the past", math.log1p(seen.length)
    yield "only printed", float(not (seen.said or seen.called))
    yield "plain word", float(name.isalpha())
    yield "digit", float(_DIGIT.search(name) is not None)
    yield "dot", float("." in name)
    yield "suffix", float(suffix_of(name) != "")
    yield "length", len(name) / 20


class InPlay(NamedTuple):
    """A name as it was last written, and the chance that the next agent needs it."""

    shown: str
    worth: float


Thread = tuple[Mapping[str, Name], int]
"""The names that a thread mentioned, and how many of its events were read for them."""


def names_in_play(view: ProjectView) -> dict[str, InPlay]:
    """Returns the names that the project's sessions mentioned, each as `names_in` compares it."""
    return in_play(threads_of(view))


def in_play(sessions: Sequence[Sequence[Thread]]) -> dict[str, InPlay]:
    """Returns the names of sessions, the newest first, each with its threads."""
    return {key: InPlay(shown, worth(key, seen)) for key, (shown, seen) in mentioned(sessions).items()}


def threads_of(view: ProjectView) -> list[list[Thread]]:
    """Returns the threads of each of the project's sessions, the newest first."""
    sessions = sorted(view.sessions, key=lambda session: (-session.newest_ms, session.session))
    return [[(digest.names, digest.heard) for digest in session.digests] for session in sessions]


def mentioned(sessions: Sequence[Sequence[Thread]]) -> dict[str, tuple[str, Mentions]]:
    """Returns the names of sessions, the newest first: each as it was last written, and how it was mentioned."""
    length = sum(heard for threads in sessions for _, heard in threads)
    found: dict[str, tuple[str, Mentions]] = {}
    since = 0
    for threads in sessions:
        for names, heard in threads:
            for key, name in names.items():
                own = _mentions(name, heard + since, length)
                shown, seen = found.get(key, (name.shown, None))
                found[key] = shown, own if seen is None else _both(seen, own)
        since += max(heard for _, heard in threads)
    return found


def _both(one: Mentions, other: Mentions) -> Mentions:
    """Returns the mentions of a name in two threads."""
    return Mentions(
        mentions=one.mentions + other.mentions,
        said=one.said + other.said,
        called=one.called + other.called,
        age=min(one.age, other.age),
        said_age=min(one.said_age, other.said_age),
        called_age=min(one.called_age, other.called_age),
        length=one.length,
    )


def _mentions(name: Name, now: int, length: int) -> Mentions:
    return Mentions(
        mentions=name.mentions,
        said=name.said,
        called=name.called,
        age=now - name.last,
        said_age=now - name.last_said if name.said else length,
        called_age=now - name.last_called if name.called else length,
        length=length,
    )
