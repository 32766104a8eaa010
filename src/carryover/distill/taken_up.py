"""Finds the prompts that the newest work took up: names they introduced recur in what was done and said since.

This works in any script and without a list of words. A name counts for the prompt that mentioned it first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from carryover.distill.pastes import typed_words
from carryover.distill.trail import Step, is_talk

_NEWEST: Final = 6
"""How many of the newest working turns have their answers and files searched."""
_LEAST: Final = 2
"""In how many of these turns a prompt's names must recur."""
_NAME: Final = re.compile(r"[A-Za-z_]\w{3,}", re.ASCII)
_WIDE: Final = re.compile(
    r"[\u30a0-\u30ff]{2,}|[\u4e00-\u9fff]{2,}|[\uac00-\ud7af]{2,}|[^\W\da-zA-Z_\u2e80-\ud7af]{4,}"
)
_STEM: Final = 6
_STEM_OF_SYLLABLES: Final = 3
"""How many letters of a non-ASCII word its inflected forms share."""


def taken_up(steps: Sequence[Step]) -> list[Step]:
    """Returns the newest prompt that the work took up, and the one it took up most. `steps` are in order of time."""
    worked = [step for step in steps if not is_talk(step.turn)][-_NEWEST:]
    after = [(step.turn.at_ms, _names(_done_in(step))) for step in worked]
    known: set[str] = set()
    found: list[tuple[int, Step]] = []
    for step in steps:
        own = _names(typed_words(step.turn.prompt)) - known if step.turn.prompt else frozenset()
        count = sum(at_ms >= step.turn.at_ms and not own.isdisjoint(names) for at_ms, names in after) if own else 0
        if count >= _LEAST:
            found.append((count, step))
        known |= own
        known |= _names(step.turn.answer)
    if not found:
        return []
    newest, most = found[-1][1], max(found, key=lambda counted: counted[0])[1]
    return [newest] if newest is most else [newest, most]


def _done_in(step: Step) -> str:
    paths = (file.path for file in step.digest.touched if file.turn == step.turn.number)
    return " ".join((step.turn.answer, *paths))


@lru_cache(maxsize=512)  # every handoff examines the same turns again
def _names(text: str) -> frozenset[str]:
    plain = text.casefold()
    names = {part for part in _NAME.findall(plain) if len(part) > 3}
    if plain.isascii():
        return frozenset(names)
    for run in _WIDE.findall(plain):
        if "\u4e00" <= run[0] <= "\u9fff":
            names.update(run[at : at + 2] for at in range(len(run) - 1))
        else:
            names.add(run[: _STEM_OF_SYLLABLES if run[0] >= "\uac00" else _STEM])
    return frozenset(names)
