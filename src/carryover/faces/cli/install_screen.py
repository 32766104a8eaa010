"""The screen of `carryover install`: asks which agents, shows what may be written into projects and what Enter does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from carryover.actions.installing import AgentFile, Answer, Option
from carryover.actions.project_rules import POINTERS
from carryover.errors import ExitCode, UserError
from carryover.terminal.output import wrapped
from carryover.terminal.paths import short_path
from carryover.terminal.screen import drawing

if TYPE_CHECKING:
    from prompt_toolkit.application import Application
    from prompt_toolkit.formatted_text import StyleAndTextTuples

QUESTION: Final = "Which AI agents do you use?"
INSTRUCTION: Final = "(space to tick, then enter)"
PROJECTS: Final = "What may be written into your projects? (← → to choose)"
PROJECTS_IN_SHORT: Final = "Into projects (← →):"
LEAVING: Final = "Esc or q leaves everything as it is."
LEAVE: Final = ("escape", "q")
KEYS: Final = {"left": -1, "right": 1, "p": 1}
"""Keys that change the answer about projects, and how many places they move."""


class Texts(NamedTuple):
    """Lines that explain an answer, below the list of agents: at length, and for a low screen."""

    full: tuple[str, ...]
    short: tuple[str, ...]


Explain = Callable[[Answer], Texts]


def on_enter(files: Sequence[AgentFile], home: Path, *, starts: bool) -> Texts:
    """Says what Enter does outside of projects. `files`: those of the selected agents. `starts`: the daemon too."""
    hooked = [short_path(file.path, home) for file in files if file.has_hooks]
    listed = [short_path(file.path, home) for file in files if not file.has_hooks]
    full, short = [], []
    if hooked:
        full.append(f"writes hooks into {_joined(hooked)}")
        short.append(f"hooks into {_first(hooked)}")
    if listed:
        full.append(f"an entry into {_joined(listed)}")
        short.append(f"an entry into {_first(listed)}")
    if starts:
        full += ["starts carryoverd in the background", "reads what your agents have written so far"]
        short += ["starts carryoverd", "reads your history"]
    else:
        full.append("starts nothing (--no-service)")
        short.append("starts nothing (--no-service)")
    return Texts((f"Enter {_joined(full)}.", LEAVING), (f"Enter: {', '.join(short)}. {LEAVING}",))


def _joined(items: Sequence[str]) -> str:
    return f"{', '.join(items[:-1])} and {items[-1]}" if len(items) > 1 else items[0]


def _first(paths: Sequence[str]) -> str:
    return paths[0] + (f" and {len(paths) - 1} more" if len(paths) > 1 else "")


def pick(offered: Sequence[Option], first: Answer, explain: Explain) -> Answer:
    """Asks the question; `first` is offered. Raises KeyboardInterrupt on Ctrl-C, and UserError if the user leaves."""
    import questionary  # takes longer to import than everything else, and most calls ask nothing

    width = max(len(option.name) for option in offered)
    rows = [
        questionary.Choice(f"{option.name:<{width}}  {option.presence}", value=option.id, checked=option.ticked)
        for option in offered
    ]
    panel = _Panel(first, explain, len(rows))
    # `validate` is called with the current selection at each change.
    with drawing():
        question = questionary.checkbox(QUESTION, rows, validate=panel.ticked, qmark="", instruction=INSTRUCTION)
        panel.add_to(question.application)
        agents = question.unsafe_ask()
    if agents is None:
        raise UserError("Nothing was changed.", ExitCode.INTERRUPTED)
    return Answer(tuple(agents), panel.answer.pointers)


class _Panel:
    """The part of the screen about projects and Enter, below the list of agents; a key changes the answer."""

    def __init__(self, answer: Answer, explain: Explain, agents: int) -> None:
        self.answer = answer
        self._explain = explain
        self._listed = agents

    def ticked(self, agents: list[str]) -> bool:
        self.answer = Answer(tuple(agents), self.answer.pointers)
        return True

    def add_to(self, screen: Application[Any]) -> None:
        from prompt_toolkit.filters import is_done, to_filter
        from prompt_toolkit.key_binding import KeyBindings
        from prompt_toolkit.layout import ConditionalContainer, Dimension, FormattedTextControl, HSplit, Window

        window = Window(
            FormattedTextControl(lambda: _as_text(self._rows())),
            height=lambda: Dimension.exact(len(self._rows())),  # on a low screen the list gives way, and scrolls
        )
        assert isinstance(screen.layout.container, HSplit)
        assert isinstance(screen.key_bindings, KeyBindings)
        for above in screen.layout.find_all_windows():  # otherwise the list pushes this to the bottom of the screen
            above.dont_extend_height = to_filter(True)
        screen.layout.container.children.append(ConditionalContainer(window, filter=~is_done))
        for key, by in KEYS.items():
            screen.key_bindings.add(key, eager=True)(partial(self._choose, by))
        for key in LEAVE:
            screen.key_bindings.add(key)(lambda event: event.app.exit(result=None))

    def _choose(self, by: int, _event: object) -> None:
        at = POINTERS.index(self.answer.pointers) + by
        self.answer = self.answer._replace(pointers=POINTERS[at % len(POINTERS)])

    def _rows(self) -> Sequence[StyleAndTextTuples]:
        """Returns what is shown, as long as the whole list has room beside it."""
        from prompt_toolkit.application import get_app

        size = get_app().output.get_size()
        full, short = self._explain(self.answer)
        rows = [*_wrapped(("", PROJECTS), " ", size.columns), self._choices("  "), *_wrapped(full, "   ", size.columns)]
        if len(rows) + self._listed < size.rows:
            return rows
        return [self._choices(f" {PROJECTS_IN_SHORT}"), *_wrapped(short, " ", size.columns)]

    def _choices(self, before: str) -> StyleAndTextTuples:
        return [
            ("", before),
            *((("bold", f" ● {each} ") if each == self.answer.pointers else ("", f" ○ {each} ")) for each in POINTERS),
        ]


def _wrapped(lines: Iterable[str], indent: str, columns: int) -> list[StyleAndTextTuples]:
    return [[("", row)] for line in lines for row in wrapped(f"{indent}{line}".rstrip(), columns - 1).split("\n")]


def _as_text(rows: Iterable[StyleAndTextTuples]) -> StyleAndTextTuples:
    return [part for row in rows for part in (*row, ("", "\n"))][:-1]
