"""A throw-away home and none of the user's settings, for the agent and for the commands of a task.

This keeps the user's settings, keys and sessions out of the run. It is not a sandbox: a command can read and write
whatever the user may, and reach the network.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path


def environment(home: Path, passed: Sequence[str]) -> Mapping[str, str]:
    """Returns a fresh environment, with those variables of this one that the user named."""
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = home / "tmp"
    temporary.mkdir(exist_ok=True)
    ours = {"HOME": str(home), "TMPDIR": str(temporary), "LANG": "C.UTF-8", "TERM": "dumb", "CI": "1"}
    named = {name: os.environ[name] for name in passed if name in os.environ}
    return {"PATH": os.environ["PATH"], **ours, **named}
