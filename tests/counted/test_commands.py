"""Which heavy modules a command may import at a prompt, and how many processes it starts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from counted.conftest import World
from support.daemon_process import DaemonProcess

SESSION: Final = "c0de0000-0000-4000-8000-000000000001"
READER: Final = "msgspec sqlite3 tomllib"
DISTILLER: Final = f"{READER} tree_sitter"
WRITER: Final = f"aiosqlite asyncio {READER}"

WITH_DAEMON: Final = {
    "--help": (0, ""),
    "handoff": (6, DISTILLER),
    "sessions": (0, READER),
    "status": (2, READER),
    f"show {SESSION}": (0, READER),
    "search discount": (0, READER),
    "log": (0, READER),
    "why cart.py": (0, READER),
    f"resume {SESSION}": (0, WRITER),
    "export --for chatgpt": (11, DISTILLER),
    "config": (0, "msgspec tomllib"),
}
"""The daemon has read everything."""

WITHOUT_DAEMON: Final = {
    "handoff": (10, f"{WRITER} tree_sitter"),
    "sessions": (0, READER),
    "status": (2, READER),
}
"""The ledger holds everything, and no daemon runs."""

HEAVY: Final = frozenset(
    {"aiohttp", "aiosqlite", "asyncio", "git", "msgspec", "multiprocessing", "prompt_toolkit", "questionary", "rich"}
    | {"sqlite3", "tomllib", "tree_sitter", "watchfiles"}
)
"""What costs a good part of a start of Python to import, or would lead to such."""


def test_with_a_daemon_a_command_loads_no_more_than_it_needs(world: World, with_daemon: DaemonProcess) -> None:
    assert too_much(world, WITH_DAEMON) == {}


def test_without_a_daemon_a_command_loads_no_more_than_it_needs(world: World) -> None:
    world.run("-P", "-m", "carryover.daemon.main", "--once")

    assert too_much(world, WITHOUT_DAEMON) == {}


def too_much(world: World, most: Mapping[str, tuple[int, str]]) -> dict[str, object]:
    """The commands that start more processes or import other heavy modules than they may."""
    found: dict[str, object] = {}
    for command, (processes, heavy) in most.items():
        costs = world.carryover(*command.split())
        others = HEAVY.intersection(costs.modules) - set(heavy.split())
        if others or len(costs.processes) > processes:
            found[command] = (len(costs.processes), others)
    return found
