"""The session picker on the terminal: draws it, reads keys, and runs the chosen command."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from carryover.errors import ExitCode
from carryover.faces.cli.picker import SPECIAL, Picker, keys_line, list_lines, preview_lines
from carryover.past.context import now_ms
from carryover.past.picking import choice, is_kept, lit, looked_in
from carryover.terminal.output import answer_to, can_ask, print_lines
from carryover.terminal.pager import pager_command
from carryover.terminal.paths import short_path
from carryover.terminal.screen import drawing

if TYPE_CHECKING:
    from prompt_toolkit.application import Application
    from prompt_toolkit.formatted_text import StyleAndTextTuples
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
    from prompt_toolkit.key_binding.key_bindings import NotImplementedOrNone
    from prompt_toolkit.layout.controls import FormattedTextControl
    from prompt_toolkit.mouse_events import MouseEvent

    from carryover.past.picking import Preview

READ_FROM_DISK: Final = "Read from your agents' newest files; nothing is kept. ? shows the keys."
AFTERWARDS: Final = "`carryover install` keeps all of it, and a handoff fresh in each project that you work in."

LIT: Final = "bold underline"
"""The style of the filter's words, which needs no colour."""

RunCommand = Callable[[Sequence[str]], int]
"""Runs `carryover` with these arguments and returns its exit code."""


def can_pick() -> bool:
    """Whether a person is at a terminal that can show the picker."""
    return can_ask() and os.environ.get("TERM") != "dumb"


def pick(run_command: RunCommand) -> int:
    """Lets the user pick until they leave or start an agent; returns the exit code. Says so if there is nothing."""
    with choice() as found:
        if found is None:
            print_lines(nothing_found())
            return ExitCode.OK
        picker = Picker(
            here=found.here,
            everywhere=found.everywhere,
            agents=found.agents,
            names=found.names,
            find=found.find,
            matches=found.matches,
            said="" if is_kept() else READ_FROM_DISK,
        )
        while (command := _ask(picker, found.preview)) is not None and command[0] == "show":
            show(command, run_command)
    if command is not None:  # only now that a temporary ledger is gone: the agent may take the place of this process
        return run_command(command)
    if not is_kept():
        print_lines([AFTERWARDS])
    return ExitCode.OK


def nothing_found() -> Iterator[str]:
    """Yields the lines that say where sessions were looked for, and what to do next."""
    yield "Carryover lists what AI coding agents did on this machine, so that the next one carries on."
    yield from ("No session was found yet. Looked in:", "")
    for agent, folders in looked_in().items():
        others = f" and {len(folders) - 1} more" if len(folders) > 1 else ""
        yield f"  {agent:<11} {short_path(str(folders[0]), Path.home())}{others}"
    yield ""
    yield (
        "Work with one of them, then run `carryover` again. `carryover install` keeps a handoff fresh in each project; "
        "`carryover import FILE` reads a transcript from elsewhere."
    )


def show(command: Sequence[str], run_command: RunCommand) -> None:
    """Shows a conversation until the user leaves the pager; then a screen can take over the terminal again."""
    before = dict(os.environ)
    os.environ["LESS"] = "R"  # otherwise it would exit if everything fits on the screen
    try:
        code = run_command(command)
    finally:
        os.environ.pop("LESS")
        os.environ.update(before)
    if pager_command() is None or code != ExitCode.OK:
        answer_to("Enter goes back to the list. ")


def _ask(picker: Picker, preview_of: Callable[[str], Preview]) -> list[str] | None:
    """Shows the picker full-screen until a key chooses an action; returns None if the user leaves."""
    from prompt_toolkit.application import Application
    from prompt_toolkit.layout import HSplit, Layout, Window
    from prompt_toolkit.layout.controls import FormattedTextControl
    from prompt_toolkit.layout.dimension import Dimension

    home = Path.home()

    def move(event: MouseEvent) -> None:
        picker.move(turned(event))

    def lines() -> list[str]:
        return list_lines(picker, now_ms=now_ms(), home=home, width=screen_width())

    def listed() -> StyleAndTextTuples:
        pieces: StyleAndTextTuples = []
        for at, line in enumerate(lines()[1:]):
            if at == picker.at:
                pieces.append(("[SetCursorPosition]", ""))
            pieces += highlighted(f"{line}\n", picker.typed, "reverse" if at == picker.at else "")
        return pieces

    def preview() -> StyleAndTextTuples:
        pieces: StyleAndTextTuples = []
        typed = picker.typed if picker.mode in ("list", "typing") else ""
        for line in preview_lines(picker, preview_of, now_ms=now_ms(), width=screen_width()):
            pieces += highlighted(f"{line}\n", typed, "")
        return pieces

    half = Dimension(min=1, weight=1)
    choices = Window(with_mouse(listed, move, focusable=True), height=half)
    keys = FormattedTextControl(lambda: [("bold" if picker.said else "", keys_line(picker, screen_width()))])
    rows = [
        Window(FormattedTextControl(lambda: [("bold", lines()[0])]), height=1),
        choices,
        Window(height=1, char="─", style="class:line"),
        Window(with_mouse(preview, move), height=half),
        Window(keys, height=1),
    ]
    layout = Layout(HSplit(rows), focused_element=choices)
    with drawing():
        application = Application[list[str] | None](
            layout=layout, key_bindings=_bindings(picker), full_screen=True, mouse_support=True
        )
        return application.run(pre_run=partial(end_at_sigterm, application))


def screen_width() -> int:
    """Returns the columns that a row may take."""
    from prompt_toolkit.application import get_app

    return get_app().output.get_size().columns - 1


def with_mouse(
    text: Callable[[], StyleAndTextTuples], use: Callable[[MouseEvent], None], *, focusable: bool = False
) -> FormattedTextControl:
    """Returns a text that is drawn again each time, and what the mouse does over it is given to `use`."""
    from prompt_toolkit.layout.controls import FormattedTextControl

    class Control(FormattedTextControl):
        def mouse_handler(self, mouse_event: MouseEvent) -> NotImplementedOrNone:
            use(mouse_event)
            return None

    return Control(text, focusable=focusable, show_cursor=False)


def turned(event: MouseEvent) -> int:
    """Returns how far the mouse wheel was turned, down being positive; 0 if it wasn't."""
    from prompt_toolkit.mouse_events import MouseEventType

    return {MouseEventType.SCROLL_UP: -1, MouseEventType.SCROLL_DOWN: 1}.get(event.event_type, 0)


def end_at_sigterm(application: Application[Any]) -> None:
    """Has SIGTERM end the application, which gives the terminal back as it was; prompt_toolkit (3.0) does not."""
    ends = SystemExit(128 + signal.SIGTERM)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, partial(application.exit, exception=ends))


def highlighted(line: str, typed: str, style: str) -> StyleAndTextTuples:
    """Returns `line` in `style`, with the words of the filter lit."""
    pieces: StyleAndTextTuples = []
    at = 0
    for start, end in lit(line, typed) if typed else ():
        pieces += [(style, line[at:start]), (f"{style} {LIT}".strip(), line[start:end])]
        at = end
    return [*pieces, (style, line[at:])]


def _bindings(picker: Picker) -> KeyBindings:
    from prompt_toolkit.key_binding import KeyBindings
    from prompt_toolkit.keys import Keys

    bindings = KeyBindings()

    def pressed(key: str | None, event: KeyPressEvent) -> None:
        command = picker.press(event.data if key is None else key)
        if command is not None:
            event.app.exit(result=command or None)

    for key in SPECIAL:
        bindings.add(key, eager=key == "escape")(partial(pressed, key))
    bindings.add(Keys.Any)(partial(pressed, None))
    bindings.add(Keys.BracketedPaste)(lambda event: picker.type(event.data))
    bindings.add("c-c")(lambda event: event.app.exit(exception=KeyboardInterrupt()))
    return bindings
