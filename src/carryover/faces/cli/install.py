"""`carryover install` and `refresh`: ask, plan, write, start the daemon, wait and report."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from carryover.actions.installing import RESUME_MODES, InstallAnswer, Survey, install, survey
from carryover.actions.project_rules import POINTERS, present_pointers, short_rule
from carryover.errors import ExitCode, UserError
from carryover.faces.cli.arguments import agents_in_list, describe, flag
from carryover.faces.cli.install_report import as_data, print_report
from carryover.terminal.output import can_ask, print_json, wrapped
from carryover.terminal.paths import short_path
from carryover.terminal.screen import ask_on_screen, drawing, keys_of

if TYPE_CHECKING:
    from prompt_toolkit.application import Application
    from prompt_toolkit.formatted_text import StyleAndTextTuples
    from prompt_toolkit.layout.containers import WindowRenderInfo
    from prompt_toolkit.layout.margins import Margin

DESCRIPTION: Final = {
    "install": """\
Asks which AI agents you use, writes the hooks into their settings, starts
carryoverd in the background and reads what the agents have written so far.
Each file is listed in a journal, then changed as little as possible;
`carryover uninstall` undoes it all. Without a terminal it asks nothing and
takes the agents that it finds on this machine.""",
    "refresh": """\
Detects agents again: new or removed ones, other versions, settings that moved.
Asks as `carryover install` does, with your last selection ticked, and changes
only what differs. Running it twice changes nothing.""",
}

_INTERRUPTED: Final = (
    "Interrupted. What was done before stays: `carryover {command}` does the rest, `carryover uninstall` undoes it."
)
EXAMPLES: Final = {
    "install": """\
  carryover install                            ask, then do it
  carryover install --dry-run                  what would be written, as diffs
  carryover install --yes --resume-mode brief  take the detected agents, ask nothing
  carryover install --agents claude-code       this agent, ask nothing
  carryover install --no-service               start carryoverd yourself""",
    "refresh": """\
  carryover refresh                     ask, then apply what changed
  carryover refresh --yes               keep the selection, ask nothing
  carryover refresh --agents codex      another selection, ask nothing
  carryover refresh --dry-run           what would change, as diffs""",
}

_QUESTION: Final = "Which AI agents do you use?"
_INSTRUCTION: Final = "(space to tick, then enter)"
_PROJECTS: Final = "What may be written into your projects? (← → to choose)"
_LEAVING: Final = "Esc or q leaves everything as it is."
_KEYS: Final = {"left": -1, "right": 1, "p": 1}
"""Keys that change the answer about projects, and how many places they move."""
_FOR_WHOM: Final = "A team: shared. You alone: local. In no project: off."
"""For whom each answer about projects is: short enough for one line of a small terminal."""
_WIDE: Final = 50
"""Columns of a terminal that has room for words beside the list of agents."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    command = parser.get_default("command")
    describe(parser, DESCRIPTION[command], EXAMPLES[command], ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    add = parser.add_argument
    flag(parser, "--yes", "ask nothing: take the detected or last selected agents")
    add(
        "--agents",
        type=agents_in_list,
        metavar="IDS",
        help="ask nothing: these agents, by id or another name, such as claude,codex",
    )
    add("--resume-mode", choices=RESUME_MODES, help="how a new session learns about the last one (default: ask)")
    add(
        "--pointers",
        type=present_pointers,
        choices=POINTERS,
        help="what is written into projects: a pointer for every agent (shared), pointers that git does not show "
        "(local), or nothing (off)",
    )
    add(
        "--mcp",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="also enter the MCP server `carryover mcp` into the agents' settings, or take it out",
    )
    flag(parser, "--no-service", "register and start nothing in the background")
    flag(parser, "--dry-run", "print the diff of every file, without keys; change nothing")
    flag(parser, "--json", "ask nothing, and print what was done as JSON")


def run(args: argparse.Namespace) -> int:
    service = not args.no_service
    surveyed = survey(installing=args.command == "install", dry_run=args.dry_run)
    answer = _answer(args, surveyed, service=service)
    try:
        done = install(surveyed, answer, service=service, mcp=args.mcp, resume_mode=args.resume_mode)
        if args.json:
            print_json(as_data(done))
        else:
            print_report(done)
    except KeyboardInterrupt:
        if args.dry_run:
            raise
        raise UserError(_INTERRUPTED.format(command=args.command), ExitCode.INTERRUPTED) from None
    return ExitCode.FAILED if done.failed else ExitCode.OK


def _answer(args: argparse.Namespace, surveyed: Survey, *, service: bool) -> InstallAnswer:
    """Asks, unless the arguments say everything."""
    first = surveyed.first_answer(args.agents, args.pointers)
    if args.agents is not None or not can_ask() or args.yes or args.json or args.dry_run:
        return first
    return _pick_pointers(surveyed, first, service=service)


def _pick_pointers(surveyed: Survey, first: InstallAnswer, *, service: bool) -> InstallAnswer:
    """Asks the question; `first` is offered. Raises UserError if the user leaves."""
    import questionary  # takes longer to import than everything else, and most calls ask nothing

    offered = surveyed.offered
    width = max(len(agent.spec.name) for agent in offered)
    rows = [
        questionary.Choice(
            f"{agent.spec.name:<{width}}  {'detected' if agent.found else 'not detected'}",
            value=agent.spec.id,
            checked=agent.spec.id in first.agents,
        )
        for agent in offered
    ]
    panel = _Panel(surveyed, first, service=service)
    keys = keys_of(_QUESTION, _INSTRUCTION)
    # `validate` is called with the current selection at each change.
    with drawing():
        question = questionary.checkbox(_QUESTION, rows, validate=panel.ticked, qmark="", instruction=keys)
        panel.add_to(question.application)
        agents = ask_on_screen(question)
    if agents is None:
        raise UserError("Nothing was changed.", ExitCode.INTERRUPTED)
    return InstallAnswer(tuple(agents), panel.answer.pointers)


class _Panel:
    """The part of the screen about projects and Enter, below the list of agents; a key changes the answer.

    panel = _Panel(surveyed, first, service=True)
    question = questionary.checkbox(QUESTION, rows, validate=panel.ticked)
    panel.add_to(question.application)  # panel.answer is what was chosen, in the end
    """

    def __init__(self, surveyed: Survey, answer: InstallAnswer, *, service: bool) -> None:
        self.answer = answer
        self._surveyed = surveyed
        self._service = service

    def ticked(self, agents: list[str]) -> bool:
        self.answer = InstallAnswer(tuple(agents), self.answer.pointers)
        return True

    def add_to(self, screen: Application[Any]) -> None:
        from prompt_toolkit.filters import is_done, to_filter
        from prompt_toolkit.key_binding import KeyBindings
        from prompt_toolkit.layout import ConditionalContainer, Dimension, FormattedTextControl, HSplit, Window
        from questionary.prompts.common import InquirerControl

        window = Window(
            FormattedTextControl(lambda: _as_text(self._rows())),
            height=lambda: Dimension.exact(len(self._rows())),  # on a low screen the list gives way, and scrolls
        )
        assert isinstance(screen.layout.container, HSplit)
        assert isinstance(screen.key_bindings, KeyBindings)
        for above in screen.layout.find_all_windows():  # otherwise the list pushes this to the bottom of the screen
            above.dont_extend_height = to_filter(True)
            if isinstance(above.content, InquirerControl):
                above.right_margins = [_margin()]
        screen.layout.container.children.append(ConditionalContainer(window, filter=~is_done))
        for key, by in _KEYS.items():
            screen.key_bindings.add(key, eager=True)(partial(self._choose, by))

    def _choose(self, by: int, _event: object) -> None:
        place = POINTERS.index(self.answer.pointers) + by
        self.answer = self.answer._replace(pointers=POINTERS[place % len(POINTERS)])

    def _rows(self) -> Sequence[StyleAndTextTuples]:
        from prompt_toolkit.application import get_app

        columns = get_app().output.get_size().columns
        enter = _on_enter(self._surveyed, self.answer, service=self._service)
        lines = (_FOR_WHOM, short_rule(self.answer.pointers), enter, _LEAVING)
        return [*_wrapped((_PROJECTS,), " ", columns), self._choices(), *_wrapped(lines, "   ", columns)]

    def _choices(self) -> StyleAndTextTuples:
        row: StyleAndTextTuples = [("", "  ")]
        for pointers in POINTERS:
            is_chosen = pointers == self.answer.pointers
            row.append(("bold", f" ● {pointers} ") if is_chosen else ("", f" ○ {pointers} "))
        return row


def _on_enter(surveyed: Survey, answer: InstallAnswer, *, service: bool) -> str:
    """Says what Enter does outside of projects: which files get hooks, or an entry, and whether the daemon starts."""
    if surveyed.is_declined_by(answer.agents):
        return "Enter: nothing, as no agent is ticked."
    chosen = [(agent.form, agent.config) for agent in surveyed.with_settings() if agent.spec.id in answer.agents]
    hooks = [short_path(path) for form, path in chosen if path is not None and form != "list"]
    entries = [short_path(path) for form, path in chosen if path is not None and form == "list"]
    steps = [f"{what} into {_first(paths)}" for what, paths in (("hooks", hooks), ("an entry", entries)) if paths]
    steps += ["starts carryoverd", "reads your history"] if service else ["starts nothing (--no-service)"]
    return f"Enter: {', '.join(steps)}."


def _first(paths: Sequence[str]) -> str:
    return paths[0] + (f" and {len(paths) - 1} more" if len(paths) > 1 else "")


def _margin() -> Margin:
    """Says beside a list how many of its rows are above and below those on the screen."""
    from prompt_toolkit.application import get_app
    from prompt_toolkit.layout.margins import Margin

    class Hidden(Margin):
        def get_width(self, _: object) -> int:
            return len("↓ 99 more " if get_app().output.get_size().columns >= _WIDE else "↓ 99 ")

        def create_margin(self, window_render_info: WindowRenderInfo, width: int, height: int) -> StyleAndTextTuples:
            above = window_render_info.first_visible_line()
            below = window_render_info.content_height - window_render_info.last_visible_line() - 1
            rows = [f"↑ {above} more" if above else "", *[""] * (height - 1)]
            if below:  # on a screen with a single row for the list, this is what it says
                rows[-1] = f"↓ {below} more"
            return [("", "\n".join(row[:width] for row in rows))]

    return Hidden()


def _wrapped(lines: Iterable[str], indent: str, columns: int) -> list[StyleAndTextTuples]:
    return [[("", row)] for line in lines for row in wrapped(f"{indent}{line}".rstrip(), columns - 1).split("\n")]


def _as_text(rows: Iterable[StyleAndTextTuples]) -> StyleAndTextTuples:
    return [part for row in rows for part in (*row, ("", "\n"))][:-1]
