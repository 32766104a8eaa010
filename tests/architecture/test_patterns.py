"""No pattern of the program takes time exponential in the length of a text, which would stop all else for hours."""

from __future__ import annotations

import importlib
import pkgutil
import re
import signal
from collections.abc import Callable, Iterator, Sequence
from types import FrameType
from typing import Any, Final, NoReturn

import pytest

import carryover
import carryover_windsurf
from carryover.text.pattern import later
from carryover.transcript.refusals import Endings

REPEATS: Final = 28
SIGNS: Final = "a1A_- \t\n.,:;/\\'\"`()<>[]{}|*#=+&@~$%!?Zf0"
ENDS: Final = ("", "!", " x", ")")
GIVEN_UP_S: Final = 0.5
PARSER: Final[Any] = importlib.import_module("re._parser")
TAKES_WHAT_IT_FINDS: Final = {
    "carryover.agents.claude_code.prompts._GLUED_BEFORE",
    "carryover.edits.json_text._GAP",
    "carryover.terminal.output._WORD",
    "carryover.text.unread._DRAWN",
}
"""Patterns that the program does not match to the end of a text: they take what they find, and never fail."""
CATEGORIES: Final[dict[str, Callable[[str], bool]]] = {
    "DIGIT": str.isdigit,
    "SPACE": str.isspace,
    "WORD": lambda sign: sign.isalnum() or sign == "_",
}


def patterns() -> Iterator[tuple[str, str | bytes, int]]:
    for package in (carryover, carryover_windsurf):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if found.name.endswith("__main__"):
                continue
            for name, value in vars(importlib.import_module(found.name)).items():
                for one in patterns_in(value):
                    yield f"{found.name}.{name}", one._source, one._flags


def patterns_in(value: object) -> Iterator[Any]:
    """The patterns that a constant is, or has in its tables."""
    if isinstance(value, type(later(""))):
        yield value
    elif isinstance(value, Endings):
        yield from patterns_in((value.exited, value.interrupted, value.never_ran))
    elif isinstance(value, dict | tuple):
        for one in (*value, *value.values()) if isinstance(value, dict) else value:
            yield from patterns_in(one)


def is_in(sign: str, members: Sequence[tuple[Any, Any]]) -> bool:
    found = negated = False
    for sort, value in members:
        match str(sort):
            case "NEGATE":
                negated = True
            case "LITERAL":
                found = found or ord(sign) == value
            case "RANGE":
                found = found or value[0] <= ord(sign) <= value[1]
            case "CATEGORY":
                kind = str(value).removeprefix("CATEGORY_")
                found = found or CATEGORIES[kind.removeprefix("NOT_")](sign) is not kind.startswith("NOT_")
    return found is not negated


def sample(parsed: Sequence[tuple[Any, Any]], number: int) -> str:
    """A text that the parsed pattern may take; others by other numbers."""
    text = ""
    for sort, value in parsed:
        match str(sort):
            case "LITERAL":
                text += chr(value)
            case "IN":
                taken = [sign for sign in SIGNS if is_in(sign, value)] or ["a"]
                text += taken[number % len(taken)]
            case "ANY" | "NOT_LITERAL":
                text += "a -"[number % 3]
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                text += sample(value[2], number) * min(max(value[0], number % 2), 8)
            case "SUBPATTERN":
                text += sample(value[3], number)
            case "BRANCH":
                text += sample(value[1][number % len(value[1])], number)
    return text


def pumped(parsed: Sequence[tuple[Any, Any]], before: str = "") -> Iterator[tuple[str, str]]:
    """For each repetition in the pattern: what stands before it, and what is repeated."""
    for at, (sort, value) in enumerate(parsed):
        here = before + sample(parsed[:at], 0)
        match str(sort):
            case "MAX_REPEAT" | "MIN_REPEAT":
                for number in range(3):
                    once = sample(value[2], number)
                    yield from ((here, once), (here, once + sample(value[2], number + 1)))
                    yield from ((here, once + sign) for sign in "-_,. ")
                yield from pumped(value[2], here)
            case "SUBPATTERN":
                yield from pumped(value[3], here)
            case "BRANCH":
                for branch in value[1]:
                    yield from pumped(branch, here)


def give_up(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise TimeoutError


def is_slow(compiled: re.Pattern[Any], text: str | bytes) -> bool:
    signal.setitimer(signal.ITIMER_VIRTUAL, GIVEN_UP_S)
    try:
        compiled.fullmatch(text)
    except TimeoutError:
        return True
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return False


@pytest.mark.night
def test_no_pattern_takes_exponential_time() -> None:
    """Each repetition of a part costs as much as the one before, not twice as much."""
    slow = set()
    former = signal.signal(signal.SIGVTALRM, give_up)
    for name, source, flags in patterns():
        compiled = re.compile(source, flags)
        texts = (
            before + unit * REPEATS + end for before, unit in {*pumped(PARSER.parse(source, flags))} for end in ENDS
        )
        if any(is_slow(compiled, text if isinstance(source, str) else text.encode()) for text in texts):
            slow.add(name)
    signal.signal(signal.SIGVTALRM, former)

    assert slow == TAKES_WHAT_IT_FINDS
