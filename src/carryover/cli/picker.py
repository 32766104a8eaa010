"""The one question of the installer: a list of agents to tick, in the terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

from carryover.install.setup import Option

QUESTION: Final = "Which AI agents do you use?"
INSTRUCTION: Final = "(space to toggle, enter to confirm)"


def can_ask() -> bool:
    """Whether a person sits at a terminal: only then is anything asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def pick(options: Sequence[Option]) -> tuple[str, ...]:
    """The ids of what was ticked. Waits for the answer; raises KeyboardInterrupt on Ctrl-C."""
    import questionary  # takes longer to import than all the rest, and most calls ask nothing
    from questionary.prompts import common

    # It has no setting for the boxes.
    vars(common).update(INDICATOR_SELECTED="[x]", INDICATOR_UNSELECTED="[ ]")
    width = max(len(option.name) for option in options)
    rows = [
        questionary.Choice(_row(option, width), value=option.id, checked=option.ticked)
        if option.supported
        else questionary.Separator(f"[ ] {_row(option, width)}")
        for option in options
    ]
    question = questionary.checkbox(QUESTION, rows, qmark="", instruction=INSTRUCTION)
    return tuple(question.unsafe_ask())


def _row(option: Option, width: int) -> str:
    return f"{option.name:<{width}}  {option.presence}"
