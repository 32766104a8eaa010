"""The examples in docstrings give what they say."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path
from typing import Final

import pytest

import carryover

SOURCE: Final = Path(carryover.__file__).parent
ROOMS: Final = ("adapter", "past", "actions", "export", "faces", "daemon")
EXAMPLES: Final = {
    ".".join(file.relative_to(SOURCE.parent).with_suffix("").parts): examples
    for room in ROOMS
    for file in sorted((SOURCE / room).rglob("*.py"))
    if (examples := file.read_text(encoding="utf-8").count(">>> "))
}
"""How many lines of examples each module has."""


@pytest.mark.parametrize("module", EXAMPLES)
def test_every_example_is_run_and_holds(module: str) -> None:
    result = doctest.testmod(import_module(module), optionflags=doctest.ELLIPSIS)

    assert result == (0, EXAMPLES[module])
