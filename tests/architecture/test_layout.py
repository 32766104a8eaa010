"""Files stay short enough to read."""

from __future__ import annotations

from pathlib import Path

import carryover


def test_no_file_is_too_long_to_read() -> None:
    files = [*Path(carryover.__file__).parent.rglob("*.py"), *Path(__file__).parents[1].rglob("*.py")]

    assert [str(path) for path in files if len(path.read_text().splitlines()) > 450] == []
