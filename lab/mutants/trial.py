"""A plugin of pytest: instead of running the tests once, it runs them against one mutant after the other.

Each is tried in a process forked after the tests were collected, so that nothing is imported again. `MUTANTS` holds
what to try, and where the outcomes go.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import pytest
from _pytest.runner import runtestprotocol

from mutants.calls import Calls
from mutants.change import Mutant, changed, mutants_of
from mutants.hollow import Hollow, hollowed, hollows_of
from mutants.process import following, found_in_fork, put_in, use_own_folder
from mutants.rooms import module_of

MOST_S: Final = 60
"""How long the tests of a mutant may take; one for which they do not end is noticed."""
NOT_PUT_IN: Final = "not put in"
"""Instead of an outcome: the function was not loaded, or is one of a kind whose code can't be replaced."""
NOT_CALLED: Final = "not called"
"""Instead of an outcome: no test calls the hollow function."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What to try."""

    source: str
    """The folder of the package."""
    files: tuple[str, ...]
    """Patterns below it."""
    hollow: bool
    seed: int
    seconds: float
    outcomes: str
    """The file to which a line for each mutant is added: its fields or its text, and the test that noticed it."""
    only: tuple[str, ...] | None = None
    """If given: only hollow functions of these names."""


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    asked = Asked(**json.loads(os.environ["MUTANTS"]))
    source = Path(asked.source)
    files = sorted(file for pattern in asked.files for file in source.glob(pattern))
    for file in files:
        import_module(module_of(file, source))
    until = time.monotonic() + asked.seconds
    if asked.hollow:
        _try_hollow_functions(session.items, asked, files, until)
    else:
        _try_changes(session.items, asked, files, until)
    return True


def _try_changes(items: Sequence[pytest.Item], asked: Asked, files: Sequence[Path], until: float) -> None:
    mutants = [each for file in files for each in mutants_of(str(file), file.read_text(encoding="utf-8"))]
    random.Random(asked.seed).shuffle(mutants)
    if failed := found_in_fork(partial(_noticed_by, items, None), MOST_S):
        pytest.exit(f"{failed} fails without a change", returncode=1)
    for mutant in mutants:
        if time.monotonic() > until:
            break
        _note(asked, str(mutant), found_in_fork(partial(_noticed_by, items, mutant), MOST_S))


def _try_hollow_functions(items: Sequence[pytest.Item], asked: Asked, files: Sequence[Path], until: float) -> None:
    """Tries each with the tests that call it, and with the others in their files, which may share what it made."""
    calls = Calls.of(items, [str(file) for file in files], until)
    found = [each for file in files for each in hollows_of(str(file), file.read_text(encoding="utf-8"))]
    names = sorted({each.name for each in found})
    random.Random(asked.seed).shuffle(names)
    for name in names:
        for hollow in sorted(each for each in found if each.name == name):
            if time.monotonic() > until:
                return
            if asked.only is None or name.removeprefix(f"{asked.source}/") in asked.only:
                numbers = calls.tests_of(hollow.path, hollow.line, hollow.functions)
                if numbers or calls.is_whole:
                    _note(asked, [name, hollow.returns], _noticed_by_callers(items, numbers, hollow, calls))


def _noticed_by_callers(items: Sequence[pytest.Item], numbers: Sequence[int], hollow: Hollow, calls: Calls) -> str:
    if not numbers:
        return NOT_CALLED
    work = partial(_noticed_by, [items[number] for number in numbers], hollow)
    return str(found_in_fork(work, MOST_S + 3 * calls.seconds(numbers)))


def _note(asked: Asked, mutant: Any, noticed: str) -> None:
    line = json.dumps([mutant, noticed]).replace(f"{asked.source}/", "")
    with Path(asked.outcomes).open("a", encoding="utf-8") as output:
        print(line, file=output)


def _noticed_by(items: Sequence[pytest.Item], mutant: Mutant | Hollow | None) -> str:
    """Returns the test that fails with the mutant; an empty text if none does."""
    use_own_folder(items[0].config)
    if mutant is not None and not _put_in(mutant):
        return NOT_PUT_IN
    for number, item in enumerate(items):
        if any(report.failed for report in runtestprotocol(item, log=False, nextitem=following(items, number))):
            return item.nodeid
    return ""


def _put_in(mutant: Mutant | Hollow) -> bool:
    source = Path(mutant.path).read_text(encoding="utf-8")
    return put_in(mutant.path, changed(source, mutant) if isinstance(mutant, Mutant) else hollowed(source, mutant))
