"""What a name is worth to the next agent: how likely its next calls use it, as learned from real sessions (`make learn`
wrote the numbers in `learned.py`)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

from carryover.distill.learned import NAME
from carryover.distill.names import Name
from carryover.distill.view import ProjectView
from carryover.text.pattern import later

_SUFFIX: Final = later(r"\.[a-z]\w{0,4}$")
_DIGIT: Final = later(r"\d")


def worth(name: str, seen: Name, now: int) -> float:
    """Returns the chance, from 0 to 1, that the next agent needs a name after `now` events; `name` as `names_in`
    compares it."""
    chance = sum(NAME[what] * value for what, value in described(name, seen, now).items())
    return 1 / (1 + math.exp(-chance))


def suffix_of(name: str) -> str:
    """Returns what a name ends with if it is that of a file, as `.py`; empty: nothing short behind a dot."""
    found = _SUFFIX.search(name)
    return found[0] if found is not None else ""


def described(name: str, seen: Name, now: int) -> dict[str, float]:
    """Returns what is known of a name after `now` events, by the rows of `NAME`. What was never mentioned somewhere is
    as old there as the past."""
    return {
        "any name": 1.0,
        "mentions": math.log1p(seen.mentions),
        "in words": math.log1p(seen.said),
        "in calls": math.log1p(seen.called),
        "age": math.log1p(now - seen.last),
        "age in words": math.log1p(now - seen.last_said),
        "age in calls": math.log1p(now - seen.last_called),
        "length of the past": math.log1p(now),
        "only printed": float(not (seen.said or seen.called)),
        "plain word": float(name.isalpha()),
        "digit": float(_DIGIT.search(name) is not None),
        "dot": float("." in name),
        "suffix": float(suffix_of(name) != ""),
        "length": len(name) / 20,
    }


class InPlay(NamedTuple):
    """A name as it was last written, and the chance that the next agent needs it."""

    shown: str
    worth: float


def in_play(names: Mapping[str, Name], now: int) -> dict[str, InPlay]:
    """Returns the names that are known after `now` events, each as `names_in` compares it."""
    return {key: InPlay(name.shown, worth(key, name, now)) for key, name in names.items()}


def mentioned(view: ProjectView) -> tuple[dict[str, Name], int]:
    """Returns the names that the project's sessions mentioned, as if one thread had after the other, and how many
    events there were. Sub-agents work at the same time as their session."""
    now = sum(digest.heard for session in view.sessions for digest in session.digests)
    since = 0
    found: dict[str, Name] = {}
    for session in sorted(view.sessions, key=lambda session: (-session.newest_ms, session.session)):
        for digest in session.digests:
            before = now - since - digest.heard
            for key, name in digest.names.items():
                found[key] = _both(found.get(key), name, before)
        since += max(digest.heard for digest in session.digests)
    return found, now


def _both(known: Name | None, name: Name, before: int) -> Name:
    """Returns a name that was mentioned in two threads, of which the second began after `before` events."""
    known = known or Name(name.shown, 0, 0, 0, 0, 0, 0)
    return Name(
        shown=known.shown,
        mentions=known.mentions + name.mentions,
        said=known.said + name.said,
        called=known.called + name.called,
        last=max(known.last, name.last + before),
        last_said=max(known.last_said, name.last_said + before if name.said else 0),
        last_called=max(known.last_called, name.last_called + before if name.called else 0),
    )
