"""Lets prompt_toolkit and questionary draw on the terminal, and nothing in their texts act on it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from carryover.text.harmless import harmless

if TYPE_CHECKING:
    from prompt_toolkit.application import Application

LEAVE: Final = ("escape", "q")


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


def let_leave(screen: Application[Any]) -> None:
    """Has a question of questionary's end with None when the user leaves it, which its own keys do by Ctrl-C alone."""
    from prompt_toolkit.key_binding import KeyBindings

    assert isinstance(screen.key_bindings, KeyBindings)
    for key in LEAVE:
        screen.key_bindings.add(key)(lambda event: event.app.exit(result=None))
