"""Where things lie: tests mirror the source, files stay short enough to read."""

from __future__ import annotations

from pathlib import Path

import carryover

SOURCE = Path(carryover.__file__).parent
UNIT_TESTS = Path(__file__).parents[1] / "unit"
LONGEST_FILE_LINES = 450


def test_each_unit_test_lies_where_its_module_does() -> None:
    tests = [path.relative_to(UNIT_TESTS) for path in UNIT_TESTS.rglob("test_*.py")]
    astray = [
        str(test)
        for test in tests
        if not (SOURCE / test.with_name(test.name.removeprefix("test_"))).exists()
        and test.stem != f"test_{test.parent.name}"
    ]

    assert astray == []


def test_no_file_is_too_long_to_read() -> None:
    files = [*SOURCE.rglob("*.py"), *Path(__file__).parents[1].rglob("*.py")]

    assert [str(path) for path in files if len(path.read_text().splitlines()) > LONGEST_FILE_LINES] == []
