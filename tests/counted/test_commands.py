"""What each command costs at a prompt, with a daemon and without: modules, files, statements, processes.

The tables hold today's numbers. `pytest tests/counted/test_commands.py -rP` prints them; a smaller one goes into the
table, so that what was gained stays. Raise one only for something that its command needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from counted.bounds import exceeding
from counted.conftest import World
from counted.journal import Costs
from support.daemon_process import DaemonProcess

COLUMNS: Final = ("modules", "own modules", "files", "folders", "connections", "statements", "questions", "processes")
"""Modules beyond a bare interpreter's, and how many of them are ours; files and folders that were opened, without code;
connections to a ledger and statements on them; questions asked of the daemon; processes started."""

SESSION: Final = "c0de0000-0000-4000-8000-000000000001"
READER: Final = "msgspec sqlite3 tomllib"
DISTILLER: Final = f"{READER} tree_sitter"
WRITER: Final = f"aiosqlite asyncio {READER}"

WITH_DAEMON: Final = {
    "--help": (50, 10, 0, 0, 0, 0, 0, 0, ""),
    "handoff": (58, 10, 0, 0, 0, 0, 1, 0, ""),
    "handoff --json": (289, 153, 16, 2, 2, 22, 2, 6, DISTILLER),
    "sessions": (61, 13, 0, 0, 0, 0, 1, 0, ""),
    "sessions --json": (174, 74, 3, 1, 1, 9, 0, 0, READER),
    "status": (59, 11, 0, 0, 0, 0, 2, 0, ""),
    f"show {SESSION}": (143, 45, 0, 1, 1, 8, 0, 0, READER),
    "search discount": (152, 53, 3, 1, 1, 11, 0, 0, READER),
    "log": (208, 105, 3, 1, 1, 13, 0, 0, READER),
    "why cart.py": (154, 55, 3, 1, 1, 14, 0, 0, READER),
    f"resume {SESSION}": (395, 225, 2, 5, 1, 5, 0, 0, WRITER),
    "export --for chatgpt": (306, 170, 25, 2, 1, 19, 2, 11, DISTILLER),
    "config": (110, 17, 2, 1, 0, 0, 0, 0, "msgspec tomllib"),
}
"""The daemon has read everything. The last column names the heavy modules that the command may import."""

WITHOUT_DAEMON: Final = {
    "handoff": (435, 250, 31, 5, 9, 67, 0, 10, f"{WRITER} tree_sitter"),
    "sessions": (190, 90, 3, 1, 1, 9, 0, 0, READER),
    "status": (451, 246, 17, 17, 1, 30, 0, 2, READER),
    f"show {SESSION}": (143, 45, 0, 1, 1, 8, 0, 0, READER),
    "search discount": (152, 53, 3, 1, 1, 11, 0, 0, READER),
}
"""The ledger holds everything, and no daemon runs."""

HEAVY: Final = frozenset(
    {"aiohttp", "aiosqlite", "asyncio", "git", "msgspec", "multiprocessing", "prompt_toolkit", "questionary", "rich"}
    | {"sqlite3", "tomllib", "tree_sitter", "watchfiles"}
)
"""What costs a good part of a start of Python to import, or would lead to such."""

SLACK: Final = 1.1
"""For modules: which of its own the standard library imports differs between versions of Python, and a module that is
split in two costs little."""


def test_with_a_daemon_a_command_costs_no_more_than_it_did(world: World, with_daemon: DaemonProcess) -> None:
    costs = {command: world.carryover(*command.split()) for command in WITH_DAEMON}

    assert exceeding(counted(costs), limits(WITH_DAEMON)) == []
    assert unexpected(costs, WITH_DAEMON) == {}


def test_without_a_daemon_a_command_costs_no_more_than_it_did(world: World) -> None:
    world.run("-P", "-m", "carryover.daemon.main", "--once")

    costs = {command: world.carryover(*command.split()) for command in WITHOUT_DAEMON}

    assert exceeding(counted(costs), limits(WITHOUT_DAEMON)) == []
    assert unexpected(costs, WITHOUT_DAEMON) == {}


Table = Mapping[str, tuple[int, int, int, int, int, int, int, int, str]]


def counted(costs: Mapping[str, Costs]) -> dict[str, dict[str, int]]:
    """The numbers of `COLUMNS`, by command."""
    kinds = {
        command: (of.opened, of.listed, of.databases, of.statements, of.asked, of.processes)
        for command, of in costs.items()
    }
    return {
        command: dict(zip(COLUMNS, (len(of.modules), of.own_modules, *map(len, kinds[command])), strict=True))
        for command, of in costs.items()
    }


def limits(table: Table) -> dict[str, dict[str, int]]:
    return {
        command: dict(zip(COLUMNS, (int(modules * SLACK), int(own * SLACK) + 1, *others), strict=True))
        for command, (modules, own, *others, _heavy) in table.items()
    }


def unexpected(costs: Mapping[str, Costs], table: Table) -> dict[str, set[str]]:
    """The heavy modules that a command imports and its row does not name."""
    found = {command: HEAVY.intersection(of.modules) - set(table[command][-1].split()) for command, of in costs.items()}
    return {command: set(names) for command, names in found.items() if names}
