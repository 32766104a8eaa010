"""`python -m support.altered PROGRAM`: runs a few lines that change the program and then start a daemon of it."""

from __future__ import annotations

import sys


def main() -> int:
    """Names are bound already where this was forked: change them in the modules that use them."""
    program = sys.argv.pop(1)
    exec(program, {"__name__": "__main__"})
    return 0


if __name__ == "__main__":
    sys.exit(main())
