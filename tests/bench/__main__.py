"""`python -m tests.bench`: see `command.py`."""

import sys
from pathlib import Path


def run() -> int:
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from bench.command import main

    return main()


if __name__ == "__main__":
    sys.exit(run())
