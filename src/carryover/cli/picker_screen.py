"""The session picker on the terminal: draws it, reads keys, and runs the chosen command."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from carryover.actions.context import now_ms, project_root, settings_to_print, state_dir
from carryover.actions.recorded import follow_if_unknown, recorded_ledger
from carryover.agents import agent_names
from carryover.cli.picker import Choice, Does, Picker, keys_line, list_lines, preview_lines
from carryover.distill.digest import Digest
from carryover.errors import ExitCode, UserError
from carryover.install.machine import Machine, startable_here
from carryover.ledger.queries import by_last_use, project_by_root, session_ids, sessions
from carryover.ledger.rows import SessionRow
from carryover.ledger.short_ids import shortest_unique
from carryover.paths import StateDir
from carryover.publish.project_view import session_digest
from carryover.terminal.output import can_ask
from carryover.terminal.pager import pager_command
from carryover.views.session_list import session_entry

if TYPE_CHECKING:
    from prompt_toolkit.formatted_text import StyleAndTextTuples
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

MOST: Final = 200
"""Maximum number of sessions on each list: this project's, and all."""
_PAGE: Final = 10

RunCommand = Callable[[Sequence[str]], int]
"""Runs `carryover` with these arguments and returns its exit code."""


def can_pick() -> bool:
    """Whether a person is at a terminal and there is a ledger to pick from."""
    try:
        return can_ask() and os.environ.get("TERM") != "dumb" and state_dir().ledger.exists()
    except UserError:
        return False


def pick(run_command: RunCommand) -> int | None:
    """Lets the user pick until they leave or start an agent; returns the exit code, or None if nothing is recorded."""
    state, root = state_dir(), project_root(None)
    follow_if_unknown(state, root)
    with recorded_ledger(state) as ledger:
        project = project_by_root(ledger, root)
        here = sessions(ledger, project.id, limit=MOST) if project is not None else []
        everywhere = sessions(ledger, limit=MOST)
        if not everywhere:
            return None
        picker = _opened(ledger, state, here, everywhere)
        rows = {row.native_id: row for row in (*everywhere, *here)}
        while (choice := _ask(picker, lambda session: session_digest(ledger, rows[session]))) is not None:
            if choice.does != "show":
                return run_command(_arguments(choice))
            _show(choice.session, run_command)
    return ExitCode.OK


def _opened(
    ledger: sqlite3.Connection, state: StateDir, here: Sequence[SessionRow], everywhere: Sequence[SessionRow]
) -> Picker:
    short, names = shortest_unique(session_ids(ledger)), dict(agent_names())
    agents = settings_to_print(state).agents
    able = startable_here(agents.selected, Machine.here(agents.recorded_env()))
    project_id = here[0].project_id if here else None
    return Picker(
        here=[session_entry(ledger, row, short[row.native_id]) for row in here],
        everywhere=[session_entry(ledger, row, short[row.native_id]) for row in everywhere],
        agents=[(agent, names[agent]) for agent in by_last_use(ledger, able, project_id)],
        names=names,
    )


def _arguments(choice: Choice) -> list[str]:
    if choice.does == "resume":
        return ["resume", "--run", "--", choice.session]
    session = f"--session={choice.session}"
    if choice.does == "copy":
        return ["handoff", session, "--copy", "--", choice.project]
    return ["to", session, "--", choice.agent, choice.project]


def _show(session: str, run_command: RunCommand) -> None:
    """Shows the conversation until the user leaves the pager; then the picker takes over the screen again."""
    before = os.environ.get("LESS")
    os.environ["LESS"] = "R"  # otherwise it would exit if everything fits on the screen
    try:
        code = run_command(["show", "--", session])
    finally:
        del os.environ["LESS"]
        if before is not None:
            os.environ["LESS"] = before
    if pager_command() is None or code != ExitCode.OK:
        with suppress(EOFError):
            input("Enter goes back to the list. ")


def _ask(picker: Picker, digest_of: Callable[[str], Digest]) -> Choice | None:
    """Shows the picker full-screen until a key chooses an action; returns None if the user leaves."""
    from prompt_toolkit.application import Application, get_app
    from prompt_toolkit.layout import HSplit, Layout, Window
    from prompt_toolkit.layout.controls import FormattedTextControl
    from prompt_toolkit.layout.dimension import Dimension

    home = Path.home()

    def width() -> int:
        return get_app().output.get_size().columns - 1

    def lines() -> list[str]:
        return list_lines(picker, now_ms=now_ms(), home=home, width=width())

    def listed() -> StyleAndTextTuples:
        rows = [("reverse" if at == picker.at else "", f"{line}\n") for at, line in enumerate(lines()[1:])]
        return [*rows[: picker.at], ("[SetCursorPosition]", ""), *rows[picker.at :]]

    def preview() -> str:
        return "\n".join(preview_lines(picker, digest_of, now_ms=now_ms(), width=width()))

    def keys() -> StyleAndTextTuples:
        return [("bold" if picker.said else "", keys_line(picker, width()))]

    half = Dimension(min=3, weight=1)
    choices = Window(FormattedTextControl(listed, focusable=True, show_cursor=False), height=half)
    rows = [
        Window(FormattedTextControl(lambda: [("bold", lines()[0])]), height=1),
        choices,
        Window(height=1, char="─", style="class:line"),
        Window(FormattedTextControl(preview), height=half),
        Window(FormattedTextControl(keys), height=1),
    ]
    layout = Layout(HSplit(rows), focused_element=choices)
    screen = Application[Choice | None](layout=layout, key_bindings=_bindings(picker), full_screen=True)
    return screen.run()


def _bindings(picker: Picker) -> KeyBindings:
    from prompt_toolkit.key_binding import KeyBindings

    bindings = KeyBindings()

    def on(*keys: str, does: Callable[[KeyPressEvent], Any]) -> None:
        def pressed(event: KeyPressEvent) -> None:
            picker.said = ""
            does(event)

        for key in keys:
            bindings.add(key, eager=key == "escape")(pressed)

    def end(event: KeyPressEvent, does: Does) -> None:
        if (choice := picker.choice(does)) is not None:
            event.app.exit(result=choice)

    def leave(event: KeyPressEvent) -> None:
        if not picker.back():
            event.app.exit(result=None)

    on("up", "k", "c-p", does=lambda _: picker.move(-1))
    on("down", "j", "c-n", does=lambda _: picker.move(1))
    on("pageup", does=lambda _: picker.move(-_PAGE))
    on("pagedown", does=lambda _: picker.move(_PAGE))
    on("home", "g", does=lambda _: picker.move(-MOST))
    on("end", "G", does=lambda _: picker.move(MOST))
    on("enter", does=lambda event: end(event, "continue" if picker.choosing else "show"))
    on("c", does=lambda _: picker.choose_agent())
    on("y", does=lambda event: end(event, "copy"))
    on("r", does=lambda event: end(event, "resume"))
    on("a", does=lambda _: picker.toggle_all())
    on("q", "escape", does=leave)
    on("c-c", does=lambda event: event.app.exit(exception=KeyboardInterrupt()))
    return bindings
