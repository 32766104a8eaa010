"""No regular expression relies on what Python 3.11.0 to 3.11.4 get wrong, which `requires-python` includes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import carryover

RISKY = re.compile(r"\)(?:[*+?]|\{\d*,?\d*\})\+|\(\?>")
"""A group that is repeated possessively, or an atomic group."""


def test_no_pattern_repeats_a_group_possessively() -> None:
    """Such a group keeps what its last, failed round has read (CPython gh-100061, gh-106052)."""
    sources = Path(carryover.__file__).parent.rglob("*.py")

    assert [path.name for path in sources if RISKY.search(path.read_text("utf-8"))] == []


@pytest.mark.parametrize("pattern", ["(?:ab?c)++", "x(?:y(?:ab){1,3}+)?", "(?>ab?)c", "(?=(?:ab)*+)"])
def test_a_group_repeated_possessively_is_found(pattern: str) -> None:
    assert RISKY.search(pattern)
