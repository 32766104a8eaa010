"""The one question of `install` and `refresh`: which agents, and, on the same screen, what is written into projects."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, get_args

from carryover.config import Pointers
from carryover.install.setup import Option
from carryover.terminal.output import USUAL_WIDTH, can_ask, terminal_width, wrapped

if TYPE_CHECKING:
    from prompt_toolkit.application import Application
    from prompt_toolkit.formatted_text import StyleAndTextTuples
    from prompt_toolkit.key_binding import KeyPressEvent


def agent_ids(text: str) -> tuple[str, ...]:
    """Parses ids or other names, such as `claude,codex`; an argparse type.

    Agents that are not named are deselected, so an unknown name is an error.
    """
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


@dataclass(frozen=True, slots=True)
class Answer:
    agents: tuple[str, ...]
    """Ids of the chosen agents."""
    pointers: Pointers


Explain = Callable[[Pointers, Collection[str]], Sequence[str]]
"""Returns the lines that explain an answer, shown below the list of agents."""


def chosen(
    options: Sequence[Option], named: tuple[str, ...] | None, *, pointers: Pointers, explain: Explain, ask: bool
) -> Answer:
    """Returns the answer to the question; waits for the user only with `ask`.

    `named` holds the agents from the command line. `pointers` is offered first, and used if nothing is asked.
    """
    if named is not None:
        return Answer(named, pointers)
    if ask and can_ask():
        return pick(options, pointers, explain)
    return Answer(tuple(option.id for option in options if option.ticked), pointers)


QUESTION: Final = "Which AI agents do you use?"
INSTRUCTION: Final = "(space to toggle, enter to confirm)"
NARROW: Final = "(space, then enter)"
"""Shorter instruction for narrow terminals."""
PROJECTS: Final = "What may be written into your projects? (← → to choose)"
KEYS: Final = {"left": -1, "right": 1, "p": 1}
"""Keys that change the answer about projects, and how many places they move."""
ORDER: Final[tuple[Pointers, ...]] = get_args(Pointers)


def pick(options: Sequence[Option], pointers: Pointers, explain: Explain) -> Answer:
    """Asks the question. Raises KeyboardInterrupt on Ctrl-C."""
    import questionary  # takes longer to import than everything else, and most calls ask nothing

    width = max(len(option.name) for option in options)
    rows = [
        questionary.Choice(f"{option.name:<{width}}  {option.presence}", value=option.id, checked=option.ticked)
        for option in options
    ]
    panel = _Panel(pointers, tuple(option.id for option in options if option.ticked), explain)
    # `validate` is called with the current selection at each change.
    fits = (terminal_width() or USUAL_WIDTH) > len(f" {QUESTION} {INSTRUCTION}")
    instruction = INSTRUCTION if fits else NARROW
    question = questionary.checkbox(QUESTION, rows, validate=panel.ticked, qmark="", instruction=instruction)
    panel.add_to(question.application)
    return Answer(tuple(question.unsafe_ask()), panel.pointers)


class _Panel:
    """The part of the screen about projects, below the list of agents; a key changes the answer."""

    def __init__(self, pointers: Pointers, agents: tuple[str, ...], explain: Explain) -> None:
        self.pointers = pointers
        self._agents = agents
        self._explain = explain

    def ticked(self, agents: list[str]) -> bool:
        self._agents = tuple(agents)
        return True

    def add_to(self, screen: Application[Any]) -> None:
        from prompt_toolkit.filters import is_done, to_filter
        from prompt_toolkit.key_binding import KeyBindings
        from prompt_toolkit.layout import ConditionalContainer, FormattedTextControl, HSplit, Window

        window = Window(FormattedTextControl(self._text), dont_extend_height=True)
        assert isinstance(screen.layout.container, HSplit)
        assert isinstance(screen.key_bindings, KeyBindings)
        for above in screen.layout.find_all_windows():  # otherwise the list pushes this to the bottom of the screen
            above.dont_extend_height = to_filter(True)
        screen.layout.container.children.append(ConditionalContainer(window, filter=~is_done))
        for key, by in KEYS.items():
            screen.key_bindings.add(key, eager=True)(partial(self._choose, by))

    def _choose(self, by: int, _event: KeyPressEvent) -> None:
        self.pointers = ORDER[(ORDER.index(self.pointers) + by) % len(ORDER)]

    def _text(self) -> StyleAndTextTuples:
        from prompt_toolkit.application import get_app

        width = get_app().output.get_size().columns - 1
        explained = (wrapped(f"   {line}", width) for line in self._explain(self.pointers, self._agents))
        return [
            ("", f"\n {PROJECTS}\n  "),
            *((("bold", f" ● {each} ") if each == self.pointers else ("", f" ○ {each} ")) for each in ORDER),
            *(("", f"\n{line}") for line in explained),
        ]
