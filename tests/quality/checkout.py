"""Where the material is, and a command that runs this checkout."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

_CHECKOUT: Final = Path(__file__).parents[2]

MATERIAL: Final = Path(os.environ.get("CARRYOVER_MATERIAL", _CHECKOUT.parent / "shared"))
"""Other people's transcripts, the notes on them and the programs that score; not part of this project."""


def product(folder: Path) -> Path:
    """A `carryover` command in `folder` that runs the sources of this checkout, whatever is installed."""
    command = folder / "carryover"
    source = _CHECKOUT / "src"
    command.write_text(f'#!/bin/sh\nPYTHONPATH="{source}" exec "{sys.executable}" -m carryover.cli.main "$@"\n')
    command.chmod(0o700)
    return command
