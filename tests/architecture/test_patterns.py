"""No pattern of the program takes time exponential in the length of a text, which would stop all else for hours; nor
one of those that read a repository's files time that grows with its square."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import signal
import sys
import timeit
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from types import FrameType
from typing import Any, Final, NoReturn

import pytest

import carryover
import carryover_windsurf
from carryover.agents.aider.adapter import read_answer
from carryover.agents.claude_code import prompts as claude_code
from carryover.agents.cline import tasks as cline
from carryover.agents.copilot.calls import after_sql
from carryover.agents.opencode import adapter as opencode
from carryover.importing import specstory_tools
from carryover.importing.specstory_blocks import blocks
from carryover.redact import redact
from carryover.text.pattern import later
from carryover.transcript.refusals import Endings
from support.costs import costing_little

REPEATS: Final = 40
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
                text += 'a -"'[number % 4]
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                text += sample(value[2], number) * min(max(value[0], number % 2), 8)
            case "SUBPATTERN":
                text += sample(value[3], number)
            case "BRANCH":
                text += sample(value[1][number % len(value[1])], number)
    return text


def pumped(parsed: Sequence[tuple[Any, Any]], before: str = "", number_before: int = 0) -> Iterator[tuple[str, str]]:
    """For each repetition in the pattern: what stands before it, one of several by a number, and what is repeated."""
    for at, (sort, value) in enumerate(parsed):
        here = before + sample(parsed[:at], number_before)
        match str(sort):
            case "MAX_REPEAT" | "MIN_REPEAT":
                for number in range(3):
                    once = sample(value[2], number)
                    yield from ((here, once), (here, once + sample(value[2], number + 1)))
                    yield from ((here, once + sign) for sign in "-_,. ")
                    yield from ((here, f"{word} ") for word in once.split())  # an option as its own value
                yield from pumped(value[2], here)
            case "SUBPATTERN":
                yield from pumped(value[3], here)
            case "BRANCH":
                for branch in value[1]:
                    yield from pumped(branch, here)


def give_up(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise TimeoutError


def is_slow(ask: Callable[[Any], object], text: str | bytes, limit_s: float = GIVEN_UP_S) -> bool:
    signal.setitimer(signal.ITIMER_VIRTUAL, limit_s)
    try:
        ask(text)
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
        if any(is_slow(compiled.fullmatch, text if isinstance(source, str) else text.encode()) for text in texts):
            slow.add(name)
    signal.signal(signal.SIGVTALRM, former)

    assert slow == TAKES_WHAT_IT_FINDS


READ_WHAT_A_REPOSITORY_BRINGS: Final = (
    *("carryover.probe.", "carryover.projects.", "carryover.publish.", "carryover.outside.", "carryover.project_file."),
    *(f"carryover.text.{name}." for name in ("boxes", "jsonc", "markdown", "user_text", "yaml_list")),
    *("carryover.agents.aider.history.", "carryover.agents.aider.inputs."),
)
LONG: Final = 12_000
LINEAR: Final = 3000
"""So many times as long as reading each sign once: what tries all places anew takes far longer."""
OF_BOUNDED_TEXTS: Final = {
    r"carryover.probe.source_code: (\w+)(?:\[[^\]]*\])?\s*\)$",  # the last 400 bytes
    "carryover.text.markdown._CLOSER",  # the beginning of a line, as in the next
    "carryover.text.markdown._OPENER",
}


def readers() -> Iterator[tuple[str, re.Pattern[Any], str]]:
    """The patterns that a repository's files meet, constants or not, each with how it is asked."""
    for name, source, flags in patterns():
        module, _, constant = name.rpartition(".")
        if name.startswith(READ_WHAT_A_REPOSITORY_BRINGS):
            asked = {*re.findall(rf"\b{constant}\.(\w+)", inspect.getsource(sys.modules[module]))}
            yield name, re.compile(source, flags), asked.pop() if len(asked) == 1 else "search"
    for module in filter(lambda name: f"{name}.".startswith(READ_WHAT_A_REPOSITORY_BRINGS), [*sys.modules]):
        code = inspect.getsource(sys.modules[module])
        for node in ast.walk(ast.parse(code)) if re.search(r"\bre\.\w+\(r?b?[\"']", code) else ():
            match node:
                case ast.Call(func=ast.Attribute(ast.Name("re"), how), args=[ast.Constant(str() | bytes() as one), *_]):
                    flags = re.DOTALL if "DOTALL" in ast.unparse(node) else 0
                    yield f"{module}: {one!s}", re.compile(one, flags), how


def long_texts(pattern: re.Pattern[Any]) -> Iterator[str | bytes]:
    parsed = PARSER.parse(pattern.pattern, pattern.flags & ~re.UNICODE)
    for before, unit in {each for number in range(3) for each in pumped(parsed, number_before=number)}:
        if len(unit) == 1 or unit[-1:] not in "-_,. ":
            for end in ENDS[:2]:
                text = before + unit * (LONG // len(unit)) + end
                yield text if isinstance(pattern.pattern, str) else text.encode()


def test_what_a_repository_brings_is_read_in_linear_time() -> None:
    """A cloned file of 250 KB would else keep the daemon for an hour."""
    plain_s = min(timeit.repeat(lambda: re.fullmatch("[^b]*", "a" * LONG), number=10, repeat=20)) / 10
    slow = set()
    former = signal.signal(signal.SIGVTALRM, give_up)
    for name, pattern, how in readers():
        ask = pattern.fullmatch if how == "fullmatch" else pattern.match if how == "match" else pattern.findall
        if any(is_slow(ask, text, LINEAR * plain_s) for text in long_texts(pattern)):
            slow.add(name)
    signal.signal(signal.SIGVTALRM, former)

    assert slow == OF_BOUNDED_TEXTS


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (partial(after_sql, {}), f"UPDATE todos SET {' ' * 100_000}WHERE x"),
        (partial(after_sql, {}), f"UPDATE todos SET a{' ' * 100_000}WHERE x"),
        (partial(after_sql, {}), f"DELETE FROM todos WHERE id = 'a'{' ' * 100_000}x"),
        (claude_code.is_clients, "/a" + "\n" * 100_000 + "x"),
        (opencode._QUOTED.search, '"' + "a " * 50_000),
        (cline._REMINDER.search, "\n" * 100_000),
        (specstory_tools._PRIORITY.search, "\n" * 100_000),
        (lambda text: [*blocks(text)], "\n" * 20_000 + "words\n" + "Tool use: **view** it\n" * 20_000),
        (redact, "user,password,host\\na,b,c\\n" + "\\" * 100_000),
        (redact, f"kind: Secret\ndata:{' ' * 100_000}x"),
        (partial(read_answer, place=str, whole_files=True), "<<<<<<< SEARCH\na\n" * 20_000),
        (partial(read_answer, place=str, whole_files=True), "<<<<<<< SEARCH\na\n=======\nb\n" * 20_000),
        (partial(read_answer, place=str, whole_files=True), "```python\na\n" * 20_000),
        (partial(read_answer, place=str, whole_files=True), "```\na\n```\n" * 20_000),
    ],
)
def test_a_text_that_nearly_fits_costs_no_time(read: Callable[[str], object], text: str) -> None:
    with costing_little():
        read(text)
