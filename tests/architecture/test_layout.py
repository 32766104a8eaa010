"""Files stay short enough to read."""

from __future__ import annotations

from pathlib import Path

import carryover

SOURCE = Path(carryover.__file__).parent
LONGEST_FILE_LINES = 450


def test_no_file_is_too_long_to_read() -> None:
    files = [*SOURCE.rglob("*.py"), *Path(__file__).parents[1].rglob("*.py")]

    assert [str(path) for path in files if len(path.read_text().splitlines()) > LONGEST_FILE_LINES] == []
