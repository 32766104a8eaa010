"""The product inside a box: its own Python and source, read-only, at the same paths as outside; its daemon."""

import compileall
import sys
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Final

from carryover.daemon.client import ask_daemon
from carryover.paths import StateDir
from real_agents.lab.box import HOME, Box, Started, wait_until
from real_agents.lab.packages import CHECKOUT

PYTHON: Final = sys.executable
CARRYOVER: Final = str(Path(sys.prefix) / "bin" / "carryover")
SHOWN: Final = (
    CHECKOUT / "src",
    CHECKOUT / "lab" / "real_agents",
    Path(sys.prefix).resolve(),
    Path(sys.base_prefix).resolve(),
)

ENVIRONMENT: Final = {"PYTHONPATH": f"{CHECKOUT / 'src'}:{CHECKOUT / 'lab'}", "PYTHONDONTWRITEBYTECODE": "1"}

ANSWER_S: Final = 20


@cache
def compile_source() -> None:
    """Compiles the code once for all boxes, as an installer does: a hook whose process has to compile first answers too
    late."""
    compileall.compile_dir(CHECKOUT / "src", quiet=1)


def start_daemon(box: Box, *, unset: Sequence[str] = ()) -> Started:
    """The real `carryoverd`, started as the user in the box; it listens when this returns. Raises RuntimeError.

    `unset`: variables of the box that a service would not have. Without an install it may write pointers all the same.
    """
    settings = HOME / ".carryover" / "config.toml"
    if not box.here(settings).exists():
        box.write(settings, '[publish]\npointers = "shared"\n')
    without = (word for name in unset for word in ("-u", name))
    daemon = box.start("env", *without, str(Path(sys.prefix) / "bin" / "carryoverd"))
    wait_until(lambda: daemon.ended() or _ask(box, "GET", "/health") is not None)
    if daemon.ended():
        raise RuntimeError(f"carryoverd did not start: {daemon.said()}")
    return daemon


def settle(box: Box) -> None:
    if _ask(box, "POST", "/settle") is None:
        raise RuntimeError("no daemon runs in the box")


def hook_calls(box: Box) -> Counter[str]:
    """Calls of hooks that the daemon has had since its start, by what became of them."""
    health = _ask(box, "GET", "/health")
    assert isinstance(health, dict)
    return Counter(health["hook_calls"])


def carryover(box: Box, *command: str, cwd: Path = HOME) -> str:
    return box.must(CARRYOVER, *command, cwd=cwd)


def _ask(box: Box, method: str, target: str) -> object:
    socket = StateDir(box.here(HOME / ".carryover")).socket
    return ask_daemon(socket, method, target, timeout_s=ANSWER_S)
