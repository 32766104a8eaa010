"""The examples in docstrings give what they say."""

from __future__ import annotations

import doctest
import re
from importlib import import_module
from pathlib import Path
from typing import Final

import pytest

import carryover

SOURCE: Final = Path(carryover.__file__).parent
EXAMPLES: Final = {
    ".".join(file.relative_to(SOURCE.parent).with_suffix("").parts): examples
    for file in sorted(SOURCE.rglob("*.py"))
    if (examples := len(re.findall(r"^ *>>> ", file.read_text(encoding="utf-8"), re.MULTILINE)))
}
"""How many lines of examples each module has."""


@pytest.mark.parametrize("module", EXAMPLES)
def test_every_example_is_run_and_holds(module: str) -> None:
    result = doctest.testmod(import_module(module), optionflags=doctest.ELLIPSIS)

    assert result == (0, EXAMPLES[module])
