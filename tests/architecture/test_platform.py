"""Only `carryover.platform` asks which system this is, and calls the system itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import carryover

SOURCE: Final = Path(carryover.__file__).parent
OWN: Final = SOURCE / "platform"
_MODULES: Final = {"ctypes", "platform"}
_OF_PROC: Final = re.compile(r"/proc/\w")
_HINTS: Final = re.compile(r"\bplatform\b|ctypes|/proc/")
"""A module without any of these is not parsed."""


def asked(text: str) -> Iterator[tuple[int, str]]:
    """Yields the line of each place that asks for the system, and what it uses."""
    for node in ast.walk(ast.parse(text)) if _HINTS.search(text) else ():
        match node:
            case ast.Attribute(value=ast.Name("sys"), attr="platform") | ast.Name("ctypes"):
                yield node.lineno, ast.unparse(node)
            case ast.ImportFrom(module="sys", names=names) if any(name.name == "platform" for name in names):
                yield node.lineno, "sys.platform"
            case ast.Import(names=names) if found := {name.name.split(".")[0] for name in names} & _MODULES:
                yield node.lineno, ", ".join(found)
            case ast.ImportFrom(module=str(module)) if (named := module.split(".")[0]) in _MODULES:
                yield node.lineno, named
            case ast.Constant(value=str(value)) if _OF_PROC.search(value):
                yield node.lineno, value


def test_nothing_else_asks_for_the_system() -> None:
    files = [file for file in SOURCE.rglob("*.py") if not file.is_relative_to(OWN)]
    found = {f"{file.relative_to(SOURCE)}:{line}": what for file in files for line, what in asked(file.read_text())}

    assert found == {}
    assert any([*asked(file.read_text())] for file in OWN.rglob("*.py"))
