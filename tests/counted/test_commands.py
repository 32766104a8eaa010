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
DISTILLER: Final = f"git {READER} tree_sitter"
WRITER: Final = f"aiosqlite asyncio {READER}"

WITH_DAEMON: Final = {
    "--help": (47, 9, 0, 0, 0, 0, 0, 0, ""),
    "handoff": (55, 9, 0, 0, 0, 0, 1, 0, ""),
    "handoff --json": (352, 147, 16, 2, 2, 24, 2, 8, DISTILLER),
    "sessions": (58, 12, 0, 0, 0, 0, 1, 0, ""),
    "sessions --json": (169, 71, 3, 1, 1, 9, 0, 0, READER),
    "status": (444, 241, 17, 17, 1, 32, 3, 2, READER),
    f"show {SESSION}": (140, 44, 0, 1, 1, 8, 0, 0, READER),
    "search discount": (149, 52, 3, 1, 1, 11, 0, 0, READER),
    "log": (203, 102, 3, 1, 1, 15, 0, 0, READER),
    "why cart.py": (151, 54, 3, 1, 1, 14, 0, 0, READER),
    f"resume {SESSION}": (391, 221, 2, 8, 1, 5, 0, 0, WRITER),
    "export --for chatgpt": (369, 164, 25, 2, 1, 21, 2, 13, DISTILLER),
    "config": (107, 16, 2, 1, 0, 0, 0, 0, "msgspec tomllib"),
}
"""The daemon has read everything. The last column names the heavy modules that the command may import."""

WITHOUT_DAEMON: Final = {
    "handoff": (495, 244, 31, 8, 9, 76, 0, 12, f"{WRITER} git tree_sitter"),
    "sessions": (185, 87, 3, 1, 1, 9, 0, 0, READER),
    "status": (444, 241, 17, 17, 1, 32, 0, 2, READER),
    f"show {SESSION}": (140, 44, 0, 1, 1, 8, 0, 0, READER),
    "search discount": (149, 52, 3, 1, 1, 11, 0, 0, READER),
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
