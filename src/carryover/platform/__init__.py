"""What differs between operating systems. Nothing else asks which one this is, or calls the system itself."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from carryover.platform.contract import Platform

LINUX: Final = "linux"
MACOS: Final = "darwin"

_here: Platform | None = None


def here() -> Platform:
    """Returns this machine's operating system, or what was chosen instead."""
    return choose(None) if _here is None else _here


def choose(platform: Platform | None) -> Platform:
    """Has `here` return `platform` from now on; None is this machine's own. For tests. Returns what `here` does."""
    global _here
    if platform is not None:
        _here = platform
    elif sys.platform == MACOS:
        from carryover.platform.darwin import Darwin

        _here = Darwin()
    else:
        from carryover.platform.linux import Linux

        _here = Linux()
    return _here
