"""Lets prompt_toolkit and questionary draw on the terminal, and nothing in their texts act on it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from carryover.terminal.output import USUAL_WIDTH, terminal_width
from carryover.text.harmless import harmless

if TYPE_CHECKING:
    from questionary import Question

LEAVE: Final = ("escape", "q")
ESCAPE_S: Final = 0.05
"""How long after Esc another key may come, as it does with Alt."""


@contextmanager
def drawing() -> Iterator[None]:
    """Has the applications that the block makes leave out what a terminal would hide or reorder."""
    # prompt_toolkit (3.0) shows control characters as `^[` and `<9b>`, and passes on all that has no width.
    from prompt_toolkit.application import create_app_session
    from prompt_toolkit.output.vt100 import Vt100_Output

    class Drawn(Vt100_Output):
        def write(self, data: str) -> None:
            super().write(data if data.isascii() else harmless(data))

    with create_app_session(output=Drawn.from_pty(sys.stdout)):
        yield


def keys_of(question: str, keys: str) -> str:
    """Returns what to show of the `keys` behind a question: in a line of its own if there is no room beside it."""
    has_room = len(f" {question} {keys} ") <= (terminal_width() or USUAL_WIDTH)
    return keys if has_room else f"\n {keys}"


def ask_on_screen(question: Question) -> Any:
    """Asks a question of questionary's; returns None if the user leaves it. Nothing of it is left on the screen."""
    from prompt_toolkit.key_binding import KeyBindings

    screen = question.application
    screen.timeoutlen = screen.ttimeoutlen = ESCAPE_S
    screen.erase_when_done = True  # questionary would leave the answer there with all blanks of its row
    assert isinstance(screen.key_bindings, KeyBindings)
    for key in LEAVE:
        screen.key_bindings.add(key)(lambda event: event.app.exit(result=None))
    try:
        return question.unsafe_ask()
    except KeyboardInterrupt:
        return None
