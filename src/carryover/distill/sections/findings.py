"""What the agent found out that cost work: root causes, what works, where things really are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from carryover.distill.language.names import weighty_words
from carryover.distill.sections.entry import Entry, entry_of
from carryover.distill.work.state import Item, Line

_MOST: Final = 6
_WEIGHTY: Final = 1.25


def finding_entries(line: Line, others: Iterable[Line], taken: str, reported: str) -> list[Entry]:
    """The best six, newest of equals first; none that shares half its words with a better one, none that `taken` says,
    and of what `reported` says only what weighs more than a mere report of work."""
    ranked = [item for _, item in sorted(enumerate(line.findings), key=lambda pair: -_score(pair[1], pair[0], line))]
    for other in others:  # of lines that are not at work only what weighs most, where there is room
        ranked += sorted((item for item in other.findings if item.weight >= _WEIGHTY), key=lambda item: -item.weight)
    chosen: list[Item] = []
    for item in ranked:
        if len(chosen) == _MOST:
            break
        words = weighty_words(item.text)
        if item.weight < _WEIGHTY and item.text in reported:
            continue
        if item.text in taken or any(_alike(words, weighty_words(other.text)) for other in chosen):
            continue
        chosen.append(item)
    return [entry_of(item) for item in chosen]


def _score(item: Item, place: int, line: Line) -> float:
    """Its weight, and how late it was said."""
    return item.weight + 0.8 * (place + 1) / max(1, len(line.findings))


def _alike(words: frozenset[str], others: frozenset[str]) -> bool:
    return bool(words) and len(words & others) >= 0.5 * min(len(words), len(others) or 1)
