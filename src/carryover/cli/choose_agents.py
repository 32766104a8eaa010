"""Which agents `install` and `refresh` set up: those named on the command line, or ticked in a list."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Final

from carryover.install.setup import Option


def agent_ids(text: str) -> tuple[str, ...]:
    """For argparse: ids or other names, such as `claude,codex`. Agents that are not named are deselected, so an unknown
    name is an error."""
    from carryover.agents import agent_id_of, specs
    from carryover.cli.agent_names import listed, meant

    given = dict.fromkeys(part.strip() for part in text.split(",") if part.strip())
    found = {name: agent_id_of(name) for name in given}
    unknown = [name for name, agent in found.items() if agent is None]
    problem = f"unknown: {', '.join(f'{name}{meant(name)}' for name in unknown)}" if unknown else ""
    if not given:
        problem = "no agent is named; `carryover uninstall` takes every agent's hooks out"
    if problem:
        raise argparse.ArgumentTypeError(f"{problem}. Nothing was changed. Supported are: {listed(specs())}.")
    return tuple(dict.fromkeys(agent for agent in found.values() if agent is not None))


def chosen(options: Sequence[Option], named: tuple[str, ...] | None, *, ask: bool) -> tuple[str, ...]:
    """The ids of the agents that are meant. `named`: from the command line. Waits for an answer only with `ask`."""
    if named is not None:
        return named
    if ask and can_ask():
        return pick(options)
    return tuple(option.id for option in options if option.ticked)


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
    rows = [questionary.Choice(_row(option, width), value=option.id, checked=option.ticked) for option in options]
    question = questionary.checkbox(QUESTION, rows, qmark="", instruction=INSTRUCTION)
    return tuple(question.unsafe_ask())


def _row(option: Option, width: int) -> str:
    return f"{option.name:<{width}}  {option.presence}"
