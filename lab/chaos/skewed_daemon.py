"""The daemon, with a clock that the file named by `CHAOS_CLOCK` moves: it holds an offset in seconds."""

import os
import sys
import time
from pathlib import Path
from typing import Final

from carryover.faces.cli.carryoverd import main

VARIABLE: Final = "CHAOS_CLOCK"

_true_time = time.time


def skewed() -> float:
    try:
        return _true_time() + float(Path(os.environ[VARIABLE]).read_text() or 0)
    except (OSError, ValueError):
        return _true_time()


def begin() -> None:
    time.time = skewed
    sys.exit(main())


if __name__ == "__main__":
    begin()
