"""Says which version of Carryover this is."""

from __future__ import annotations

from pathlib import Path

import carryover
from carryover.install.how_installed import how_installed


def version_line(program: str) -> str:
    """`program`, its version, how it was installed and where; the answer to `--version`."""
    return f"{program} {carryover.__version__} ({how_installed().by}, {Path(carryover.__file__).parent})"
