"""The rooms of which `make mutants` makes mutants, and the tests that it runs for them."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import carryover

TESTS: Final = Path(__file__).parents[2] / "tests"
SOURCE: Final = Path(carryover.__file__).parent
_ELSEWHERE: Final = ("unit", "contract", "agents", "dialogue", "life", "architecture", "counted")
"""Folders of tests that run what they test in their own process."""

LOADING: Final = (str(TESTS / "contract" / "test_reading.py"), str(TESTS / "e2e" / "test_daemon.py"))
"""They load all agents and the daemon: functions that are called while modules load, or in other processes."""


@dataclass(frozen=True, slots=True)
class Room:
    """`files`: a pattern below the package; `tests`: one below `tests/unit`.

    `least`: the share of changed places that the room's own tests notice at least. `least_hollow`: the share of hollow
    functions that any test notices.
    """

    files: str
    tests: str
    least: float
    least_hollow: float = 0.95

    def own_tests(self) -> list[str]:
        """Returns the files of the room's own tests."""
        return sorted(str(path) for path in (TESTS / "unit").glob(self.tests))

    def holds(self, function: str) -> bool:
        """Whether a function, by its name as outcomes have it, is in the room."""
        path = SOURCE / function.partition(":")[0]
        return path in SOURCE.glob(self.files)


ROOMS: Final = {
    "distill": Room("distill/**/*.py", "distill/**/test_*.py", 0.6),
    "edits": Room("edits/*.py", "edits/test_*.py", 0.75),
    "past": Room("past/*.py", "past/test_*.py", 0.5),
    "records": Room("records/*.py", "records/test_*.py", 0.6),
    "redact": Room("redact/*.py", "redact/test_*.py", 0.75),
    "search": Room("ledger/search*.py", "ledger/test_search*.py", 0.5),
    "text": Room("text/*.py", "text/test_*.py", 0.35),
}


def other_tests(rooms: Sequence[Room]) -> list[str]:
    """Returns the files of tests that run what they test in their own process; first those that import a room.

    Agents and commands are imported by their names, so the others may reach it too.
    """
    modules = {module_of(path, SOURCE) for room in rooms for path in SOURCE.glob(room.files)}
    found = sorted(path for folder in _ELSEWHERE for path in (TESTS / folder).rglob("test_*.py"))
    return [str(path) for path in sorted(found, key=lambda path: modules.isdisjoint(_imported(path)))]


def _imported(path: Path) -> set[str]:
    names = set[str]()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names.update(each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.update((node.module, *(f"{node.module}.{each.name}" for each in node.names)))
    return names


def module_of(file: Path, package: Path) -> str:
    """Returns the name by which a file below the folder of a package is imported."""
    parts = file.relative_to(package.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
