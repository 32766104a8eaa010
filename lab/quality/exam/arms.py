"""The texts that are compared: what a successor is given of a session up to a cut."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Final

from carryover.distill.handoff import MAX_TOKENS
from quality.arms import carryover, tail
from quality.exam.draw import Drawn
from quality.peers import CONTINUES, FOLDER

DIAL_TOKENS: Final = 8000

Arm = Callable[[Drawn], str]


def _handoff(tokens: int, drawn: Drawn) -> str:
    """Returns the handoff's sections: its head and its last line name Carryover, and tell an agent what to do."""
    text = carryover(drawn.file, drawn.cut.until, tokens)
    return text[max(0, text.find("## ")) :].partition("\nFull history: ")[0]


def _tail(tokens: int, drawn: Drawn) -> str:
    return tail(drawn.before, tokens)


def _continues(preset: str, drawn: Drawn) -> str:
    return CONTINUES.text(FOLDER, drawn.file, drawn.cut.until, drawn.cut.agent, preset)


ARMS: Final[Mapping[str, Arm]] = {
    "handoff": partial(_handoff, MAX_TOKENS),
    "handoff-8000": partial(_handoff, DIAL_TOKENS),
    "tail": partial(_tail, MAX_TOKENS),
    "tail-8000": partial(_tail, DIAL_TOKENS),
    "continues": partial(_continues, "standard"),
    "continues-full": partial(_continues, "full"),
}
READS: Final[Mapping[str, Collection[str]]] = {
    "continues": CONTINUES.places,
    "continues-full": CONTINUES.places,
}
"""The agents whose sessions an arm can be made of, where it is not each."""
