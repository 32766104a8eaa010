"""The texts that are compared: what a successor is given of a session up to a cut."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Final

from carryover.distill.handoff import MAX_TOKENS
from quality.arms import carryover, tail
from quality.exam.draw import Drawn
from quality.peers import CONTINUES, DEJA_VU, DIGEST, FOLDER, Program

DIAL_TOKENS: Final = 8000

Arm = Callable[[Drawn], str]


def _handoff(tokens: int, drawn: Drawn) -> str:
    return _sections(carryover(drawn.file, drawn.cut.until, tokens), "\nFull history: ")


def _sections(text: str, last: str) -> str:
    """Returns a text without its head and its last line, which name the program and tell an agent what to do."""
    return text[max(0, text.find("## ")) :].partition(last)[0]


def _tail(tokens: int, drawn: Drawn) -> str:
    return tail(drawn.before, tokens)


def _program(program: Program, asked: str, drawn: Drawn) -> str:
    return program.text(FOLDER, drawn.file, drawn.cut.until, drawn.cut.agent, asked)


def _deja_vu(drawn: Drawn) -> str:
    return _sections(_program(DEJA_VU, "handoff", drawn), "\nThis is a compact slice of session ")


ARMS: Final[Mapping[str, Arm]] = {
    "handoff": partial(_handoff, MAX_TOKENS),
    "handoff-8000": partial(_handoff, DIAL_TOKENS),
    "tail": partial(_tail, MAX_TOKENS),
    "tail-8000": partial(_tail, DIAL_TOKENS),
    "continues": partial(_program, CONTINUES, "standard"),
    "continues-full": partial(_program, CONTINUES, "full"),
    "claude-handoff": partial(_program, DIGEST, f"{MAX_TOKENS:,}"),
    "deja-vu": _deja_vu,
}
READS: Final[Mapping[str, Collection[str]]] = {
    "continues": CONTINUES.places,
    "continues-full": CONTINUES.places,
    "claude-handoff": DIGEST.places,
    "deja-vu": DEJA_VU.places,
}
"""The agents whose sessions an arm can be made of, where it is not each."""
