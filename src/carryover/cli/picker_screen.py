"""The picker of sessions on the terminal: draws it, reads keys, and runs the command that is chosen."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from carryover.agents import agent_names
from carryover.cli.choose_agents import can_ask
from carryover.cli.context import project_root, state_dir
from carryover.cli.picker import Choice, Does, Picker, keys_line, list_lines, preview_lines
from carryover.config import load_config
from carryover.distill.digest import Digest
from carryover.errors import ExitCode, UserError
from carryover.install.machine import Machine
from carryover.install.startable import startable_here
from carryover.ledger.queries import connect_read_only, project_by_root, session_ids, sessions
from carryover.ledger.rows import SessionRow
from carryover.ledger.short_ids import shortest_unique
from carryover.paths import StateDir
from carryover.publish.project_view import session_digest
from carryover.views.session_list import session_entry

if TYPE_CHECKING:
    from prompt_toolkit.application import Application
    from prompt_toolkit.formatted_text import StyleAndTextTuples

MOST: Final = 200
"""Sessions of this project, and of all."""
_PAGE: Final = 10


def can_pick() -> bool:
    """Whether there are a person at a terminal and a ledger to pick from."""
    try:
        return can_ask() and os.environ.get("TERM") != "dumb" and state_dir().ledger.exists()
    except UserError:
        return False


def run() -> int | None:
    """Lets the user pick until they leave, or start an agent; the exit code. None where nothing is recorded."""
    state = state_dir()
    with closing(connect_read_only(state.ledger)) as ledger:
        project = project_by_root(ledger, project_root(None))
        here = sessions(ledger, project.id, limit=MOST) if project is not None else []
        everywhere = sessions(ledger, limit=MOST)
        if not everywhere:
            return None
        picker = _opened(ledger, state, here, everywhere)
        rows = {row.native_id: row for row in (*everywhere, *here)}

        def digest_of(session: str) -> Digest | None:
            return session_digest(ledger, rows[session]) if session in rows else None

        while (choice := Screen(picker, digest_of).ask()) is not None:
            code = _do(choice)
            if choice.does != "show":
                return code
    return ExitCode.OK


def _opened(
    ledger: sqlite3.Connection, state: StateDir, here: Sequence[SessionRow], everywhere: Sequence[SessionRow]
) -> Picker:
    short = shortest_unique(session_ids(ledger))
    config = load_config(state.config)

    def entries(rows: Sequence[SessionRow]) -> list[dict[str, Any]]:
        return [session_entry(ledger, row, short[row.native_id]) for row in rows]

    names = dict(agent_names())
    able = startable_here(config.agents.selected, Machine.here(config.agents.recorded_env()))
    return Picker(
        here=entries(here),
        everywhere=entries(everywhere),
        agents=[(agent_id, names[agent_id]) for agent_id in able],
        names=names,
    )


def _do(choice: Choice) -> int:
    """Runs the command that does it, as if it had been typed."""
    from carryover.cli.main import main

    if choice.does == "show":
        return _show(choice.session)
    arguments = {
        "resume": ["resume", choice.session, "--run"],
        "copy": ["handoff", choice.project, "--session", choice.session, "--copy"],
        "continue": ["handoff", choice.project, "--to", choice.agent, "--session", choice.session, "--exec"],
    }
    return main(arguments[choice.does])


def _show(session: str) -> int:
    """Shows the conversation until the user has left the pager; then the picker takes the screen again."""
    from carryover.cli.main import main
    from carryover.cli.pager import pager_command

    before = os.environ.get("LESS")
    os.environ["LESS"] = "R"  # else it would not wait where all fits on the screen
    try:
        code = main(["show", session])
    finally:
        if before is None:
            del os.environ["LESS"]
        else:
            os.environ["LESS"] = before
    if pager_command() is None or code != ExitCode.OK:
        with suppress(EOFError):
            input("Enter goes back to the list. ")
    return code


class Screen:
    """Shows a picker on the whole terminal until a key says what to do."""

    def __init__(self, picker: Picker, digest_of: Callable[[str], Digest | None]) -> None:
        self._picker = picker
        self._digest_of = digest_of
        self._home = Path.home()

    def ask(self) -> Choice | None:
        """What the user wants done; None to leave."""
        return self._application().run()

    def _application(self) -> Application[Choice | None]:
        from prompt_toolkit.application import Application
        from prompt_toolkit.layout import HSplit, Layout, Window
        from prompt_toolkit.layout.controls import FormattedTextControl
        from prompt_toolkit.layout.dimension import Dimension

        listed = FormattedTextControl(self._list, focusable=True, show_cursor=False)
        rows = HSplit(
            [
                Window(FormattedTextControl(self._header), height=1),
                Window(listed, height=Dimension(min=3, weight=1)),
                Window(height=1, char="─", style="class:line"),
                Window(FormattedTextControl(self._preview), height=Dimension(min=3, weight=1)),
                Window(FormattedTextControl(self._keys), height=1),
            ]
        )
        return Application(layout=Layout(rows, focused_element=listed), key_bindings=self._bindings(), full_screen=True)

    def _bindings(self) -> Any:
        from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent

        picker, bindings = self._picker, KeyBindings()

        def on(*keys: str, does: Any) -> None:
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

    def _width(self) -> int:
        from prompt_toolkit.application import get_app

        return get_app().output.get_size().columns

    def _lines(self) -> list[str]:
        return list_lines(self._picker, now_ms=_now_ms(), home=self._home, width=self._width() - 1)

    def _header(self) -> StyleAndTextTuples:
        return [("bold", self._lines()[0])]

    def _list(self) -> StyleAndTextTuples:
        shown: StyleAndTextTuples = []
        for at, line in enumerate(self._lines()[1:]):
            chosen = at == self._picker.at
            shown += [("[SetCursorPosition]", "")] if chosen else []
            shown.append(("reverse" if chosen else "", f"{line}\n"))
        return shown

    def _preview(self) -> StyleAndTextTuples:
        lines = preview_lines(self._picker, self._digest_of, now_ms=_now_ms(), width=self._width() - 1)
        return [("", "\n".join(lines))]

    def _keys(self) -> StyleAndTextTuples:
        return [("bold" if self._picker.said else "", keys_line(self._picker, self._width() - 1))]


def _now_ms() -> int:
    return int(time.time() * 1000)
