"""What the user brought in from outside, such as a web chat's answer: named, and where it can be read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from carryover.distill.clip import clip
from carryover.distill.language.prose import one_line
from carryover.distill.relative_time import before
from carryover.distill.sections.entry import Entry
from carryover.distill.view import Opinion

_MOST: Final = 2
_LASTS_MS: Final = 7 * 86_400_000
_TITLE_CHARS: Final = 120


def opinion_entries(opinions: Iterable[Opinion], at_ms: int) -> list[Entry]:
    """A line for each of the newest two, for a week: its text is neither the user's word nor checked by anyone."""
    newest = sorted(opinions, key=lambda opinion: (-opinion.at_ms, opinion.session))
    return [
        Entry(
            text=f"{clip(one_line(opinion.title), chars=_TITLE_CHARS)} ({before(opinion.at_ms, at_ms)}; not checked, "
            f"not the user's word: `carryover show {opinion.session}`)",
            rule="text from outside that the user brought in",
            session=opinion.session,
            at_ms=opinion.at_ms,
        )
        for opinion in newest[:_MOST]
        if opinion.at_ms > at_ms - _LASTS_MS
    ]
