"""The full-screen list of sessions and of what a search finds: opens what is recorded, and runs what was chosen."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from carryover.errors import ExitCode, UserError
from carryover.model import LAST
from carryover.past.live_search import LiveSearch, folders_looked_in, is_kept, live_search
from carryover.terminal.output import answer_to, can_ask, print_lines
from carryover.terminal.pager import pager_command
from carryover.terminal.paths import short_path

if TYPE_CHECKING:
    from carryover.faces.cli.picker_screen import Choice

READ_FROM_DISK: Final = "Read from your agents' newest files; nothing is kept. ? shows the keys."
AFTERWARDS: Final = "`carryover install` keeps all of it, and a handoff fresh in each project that you work in."

RunCommand = Callable[[Sequence[str]], int]
"""Runs `carryover` with these arguments and returns its exit code."""


def can_pick() -> bool:
    """Whether a person is at a terminal that can show the list."""
    return can_ask() and os.environ.get("TERM") != "dumb"


def pick(run_command: RunCommand) -> int:
    """Lets the user choose a session; returns the exit code. Says where it looked if there is none."""
    with live_search() as live:
        if live is None:
            print_lines(nothing_found())
            return ExitCode.OK
        arguments = _chosen(live, run_command, types=False)
    return _finish(arguments, run_command)


def search_live(opened: AbstractContextManager[LiveSearch | None], run_command: RunCommand) -> int:
    """Lets the user search while they type; returns the exit code. Raises UserError if nothing is recorded."""
    with opened as live:
        if live is None:
            nothing = "No session is recorded yet. `carryover` says where they are looked for."
            raise UserError(nothing, ExitCode.NOTHING_FOUND)
        arguments = _chosen(live, run_command, types=True)
    return _finish(arguments, run_command)


def _chosen(live: LiveSearch, run_command: RunCommand, *, types: bool) -> list[str]:
    """Shows the list until the user leaves it; returns the arguments of `carryover` to run then, if any."""
    from carryover.faces.cli.picker_screen import Screen

    screen = Screen(live, types=types, message="" if is_kept() else READ_FROM_DISK)
    while (choice := screen.choice()) is not None:
        arguments = arguments_for(live, choice)
        if choice.does != "show":
            return arguments
        show(arguments, run_command)
    return []


def _finish(arguments: Sequence[str], run_command: RunCommand) -> int:
    """Runs what was chosen, only now that a temporary ledger is gone: an agent may take the place of this process."""
    if arguments:
        return run_command(arguments)
    if not is_kept():
        print_lines([AFTERWARDS])
    return ExitCode.OK


def arguments_for(live: LiveSearch, choice: Choice) -> list[str]:
    """Returns the arguments of `carryover` for what was chosen."""
    item = choice.item
    session = item.session if item.session != LAST else f"{item.agent}:{LAST}"
    root = item.root or ""
    match choice.does:
        case "copy":
            return ["handoff", f"--session={session}", "--copy", "--", root]
        case "continue":
            return ["to", f"--session={session}", "--", choice.agent, root]
        case "resume":
            return ["resume", "--run", "--", session]
    if item.hit is None:
        return ["show", "--", session]
    turn = live.turn(item.hit)
    of_turn = ["--turn", str(turn)] if turn else []
    of_subagent = ["--full"] if item.hit.subagent_id is not None else []
    return ["show", *of_turn, *of_subagent, "--", session]


def nothing_found() -> Iterator[str]:
    """Yields the lines that say where sessions were looked for, and what to do next."""
    yield "Carryover lists what AI coding agents did on this machine, so that the next one carries on."
    yield from ("No session was found yet. Looked in:", "")
    for agent, folders in folders_looked_in().items():
        others = f" and {len(folders) - 1} more" if len(folders) > 1 else ""
        yield f"  {agent:<11} {short_path(str(folders[0]), Path.home())}{others}"
    yield ""
    yield (
        "Work with one of them, then run `carryover` again. `carryover install` keeps a handoff fresh in each project; "
        "`carryover import FILE` reads a transcript from elsewhere."
    )


def show(arguments: Sequence[str], run_command: RunCommand) -> None:
    """Shows a conversation until the user leaves the pager; then a screen can take over the terminal again."""
    before = dict(os.environ)
    os.environ["LESS"] = "R"  # otherwise it would exit if everything fits on the screen
    try:
        code = run_command(arguments)
    finally:
        os.environ.pop("LESS")
        os.environ.update(before)
    if pager_command() is None or code != ExitCode.OK:
        answer_to("Enter goes back to the list. ")
