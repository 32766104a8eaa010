"""The `carryoverd` command as it is installed: the daemon, and `carryoverd install` as another name."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run `carryoverd` with `argv` (default: the process's arguments) and give its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["install"]:
        from carryover.cli.main import main as carryover

        return carryover(arguments)
    from carryover.cli.main import replace_closed_streams
    from carryover.daemon.main import main as daemon

    replace_closed_streams()
    return daemon(arguments)


if __name__ == "__main__":
    sys.exit(main())
