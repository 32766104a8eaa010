from __future__ import annotations

import doctest
from types import ModuleType

import pytest

from carryover.past import search, types


@pytest.mark.parametrize("module", [search, types])
def test_examples_in_docstrings_hold(module: ModuleType) -> None:
    result = doctest.testmod(module)

    assert result.attempted > 0
    assert result.failed == 0
