"""Which tests call which functions, counted in a run of the tests that notes each call."""

from __future__ import annotations

import ast
import builtins
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest
from _pytest.runner import runtestprotocol

from mutants.hollow import counted
from mutants.process import clear_caches, following, found_in_fork, put_in, use_own_folder

_NAME: Final = "_noted_by_mutants"
_LIMIT_S: Final = 180.0
"""How long a test may take beyond the time, as pytest-timeout allows it."""

_Place = tuple[str, int, tuple[str, ...]]
"""Path, line, and names of a function."""


@dataclass(frozen=True, slots=True)
class Calls:
    """The tests that call each function, by their number, and how long each test took. Tests that fail are left out."""

    callers: dict[_Place, list[int]]
    by_file: dict[int, list[int]]
    """The tests in the file of each test."""
    took_s: dict[int, float]
    is_whole: bool
    """Whether there was time for all tests."""

    @classmethod
    def of(cls, items: Sequence[pytest.Item], paths: Sequence[str], until: float) -> Calls:
        """Runs the tests once, in half of the time until `until`. Exits if that could not be done."""
        places: list[list[_Place]] = []
        programs: dict[str, ast.Module] = {}
        for path in paths:
            source = Path(path).read_text(encoding="utf-8")
            programs[path], found = counted(source, f"{_NAME}_{len(programs)}")
            places.append([(path, line, names) for line, names in found])
        half = (time.monotonic() + until) / 2
        answer = found_in_fork(partial(_noted, items, programs, half), half - time.monotonic() + _LIMIT_S)
        if isinstance(answer, str):
            pytest.exit(f"the tests could not be run once without a change: {answer}", returncode=1)
        is_whole, noted = answer
        callers: dict[_Place, list[int]] = {}
        for number, called, _ in noted:
            for file, function in called:
                callers.setdefault(places[file][function], []).append(number)
        in_file = defaultdict[Path, list[int]](list)
        for number, _, _ in noted:
            in_file[items[number].path].append(number)
        by_file = {number: in_file[items[number].path] for number, _, _ in noted}
        return cls(callers, by_file, {number: took for number, _, took in noted}, is_whole)

    def tests_of(self, path: str, line: int, names: tuple[str, ...]) -> list[int]:
        """Returns the tests that call a function, in quick files first, and then those beside them in their files."""
        own = self.callers.get((path, line, names), [])
        in_file: dict[int, list[int]] = {}
        for each in own:
            in_file.setdefault(self.by_file[each][0], []).append(each)
        quick_first = sorted(in_file.values(), key=self.seconds)
        callers = [each for some in quick_first for each in some]
        return list(dict.fromkeys([*callers, *(beside for each in callers for beside in self.by_file[each])]))

    def seconds(self, numbers: Sequence[int]) -> float:
        """Returns how long these tests took."""
        return sum(self.took_s[number] for number in numbers)


def _noted(items: Sequence[pytest.Item], programs: dict[str, ast.Module], until: float) -> tuple[bool, list[Any]]:
    """Runs each test; returns whether there was time for all, and number, calls and seconds of those that pass."""
    use_own_folder(items[0].config)
    called = set[tuple[int, int]]()
    for file, (path, program) in enumerate(programs.items()):
        setattr(builtins, f"{_NAME}_{file}", partial(_note, called, file))
        put_in(path, program)
    noted: list[Any] = []
    for number, item in enumerate(items):
        if time.monotonic() > until:
            return False, noted
        if not number or items[number - 1].path != item.path:
            clear_caches()
        called.clear()
        began = time.monotonic()
        reports = runtestprotocol(item, log=False, nextitem=following(items, number))
        if not any(report.failed for report in reports):
            noted.append((number, sorted(called), time.monotonic() - began))
    return True, noted


def _note(called: set[tuple[int, int]], file: int, function: int) -> None:
    called.add((file, function))
