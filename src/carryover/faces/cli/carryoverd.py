"""The installed `carryoverd` command: runs the daemon; some commands of `carryover` start by this name as well."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

from carryover.daemon.main import main as daemon
from carryover.faces.page import page_for
from carryover.terminal import streams

_ALIASES: Final = ("install", "mcp")
"""What `carryoverd` passes on to `carryover`: clients of MCP's registry start a package by its own name."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `carryoverd` with `argv` (default: the process's arguments) and returns its exit code."""
    if argv is None:
        streams.in_utf8()
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments and arguments[0] in _ALIASES:
        from carryover.faces.cli.main import main as carryover

        return carryover(arguments)
    streams.guard()
    return daemon(arguments, page_for)


if __name__ == "__main__":
    sys.exit(main())
