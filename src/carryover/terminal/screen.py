"""Lets prompt_toolkit and questionary draw on the terminal, and nothing in their texts act on it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from carryover.text.harmless import harmless


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
