"""`carryover install` and `refresh`: ask, plan, write, start the daemon, wait and report."""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, get_args
from urllib.parse import urlencode

import msgspec

from carryover.actions.context import project_root, state_dir
from carryover.actions.first_read import active_projects, held_by, watch_first_read
from carryover.cli.arguments import describe, flag, known_agents
from carryover.cli.install_report import Report, as_data, places, planned, print_report, rule
from carryover.config import KEPT, Config, Pointers, ResumeMode, load_config
from carryover.daemon.client import ask_daemon, reload_daemon
from carryover.edits.apply import Applied
from carryover.errors import ExitCode, UserError
from carryover.ingest.scan import roots_in_projects
from carryover.install.agent_settings import plan_mcp_servers
from carryover.install.background import bring_up, service_of_user
from carryover.install.detect import Detection, detect_all, newly_covered
from carryover.install.how_installed import require_mcp_sdk
from carryover.install.machine import Machine
from carryover.install.setup import Option, Setup, carry_out, options, plan_setup
from carryover.paths import StateDir, short_path
from carryover.publish.project_files import withdraw
from carryover.terminal.output import can_ask, print_json, wrapped

if TYPE_CHECKING:
    from prompt_toolkit.application import Application
    from prompt_toolkit.formatted_text import StyleAndTextTuples

DESCRIPTION: Final = {
    "install": """\
Asks which AI agents you use, writes the hooks into their settings, starts
carryoverd in the background and reads what the agents have written so far.
Each file is backed up, then changed as little as possible; `carryover
uninstall` undoes it all. Without a terminal it asks nothing and takes
the agents that it finds on this machine.""",
    "refresh": """\
Detects agents again: new or removed ones, other versions, settings that moved.
Asks as `carryover install` does, with your last selection ticked, and changes
only what differs. Running it twice changes nothing.""",
}

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

ORDER: Final[tuple[Pointers, ...]] = get_args(Pointers)
OFFERED: Final[Pointers] = "shared"
"""The answer offered first, and used if nothing is asked and none is recorded."""

QUESTION: Final = "Which AI agents do you use?"
INSTRUCTION: Final = "(space to tick, then enter)"
PROJECTS: Final = "What may be written into your projects? (← → to choose)"
KEYS: Final = {"left": -1, "right": 1, "p": 1}
"""Keys that change the answer about projects, and how many places they move."""

NAMED_WITHIN_S: Final = 3.0
"""How long to wait for the daemon to accept a project; it may still be reading everything else."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    command = parser.get_default("command")
    describe(parser, DESCRIPTION[command], EXAMPLES[command], ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    add = parser.add_argument
    flag(parser, "--yes", "ask nothing: take the detected or last selected agents")
    add(
        "--agents",
        type=known_agents,
        metavar="IDS",
        help="ask nothing: these agents, by id or another name, such as claude,codex",
    )
    add("--tools", dest="agents", type=known_agents, help=argparse.SUPPRESS)  # its former name
    add(
        "--resume-mode", choices=get_args(ResumeMode), help="how a new session learns about the last one (default: ask)"
    )
    add(
        "--pointers",
        choices=ORDER,
        help="what is written into projects: a pointer for every agent (shared), pointers that git does not show "
        "(local), only the handoff, which git does not show (private), or nothing (off)",
    )
    add(
        "--mcp",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="also enter the MCP server `carryover mcp` into the agents' settings, or take it out",
    )
    flag(parser, "--no-service", "register and start nothing in the background")
    flag(parser, "--dry-run", "print the exact diff of every file; change nothing")
    flag(parser, "--json", "ask nothing, and print what was done as JSON")


Explain = Callable[[Pointers, Collection[str]], Sequence[str]]
"""Returns the lines that explain an answer, shown below the list of agents."""


class Answer(NamedTuple):
    """The answer to the question: which agents, and what is written into projects."""

    agents: tuple[str, ...]
    pointers: Pointers


def run(args: argparse.Namespace) -> int:
    from carryover.agents import specs

    if args.mcp:
        require_mcp_sdk()
    state, home = state_dir(), Path.home()
    config = load_config(state.config)
    machine = Machine.here(config.agents.recorded_env())
    detections = detect_all(specs(), machine, config.agents.recorded_versions())
    projects = active_projects(state, config, tuple(found.spec.id for found in detections if found.found))
    explain = partial(
        rule, where=places(projects, home), kept_in=short_path(state.root / KEPT, home), folder=config.publish.folder
    )
    first = Answer(args.agents or (), args.pointers or config.publish.pointers or OFFERED)
    if args.agents is None:
        new, installing = newly_covered(detections, config.agents), args.command == "install"
        offered = options(detections, config.agents.selected, installing=installing, new=new)
        asks = can_ask() and not (args.yes or args.json or args.dry_run)
        first = first._replace(agents=tuple(option.id for option in offered if option.ticked))
        first = pick(offered, first, explain) if asks else first
    setup = _planned(args, state, first, config, detections)
    report = Report(
        setup=setup,
        installing=args.command == "install",
        asked=first.agents,
        rule=tuple(explain(first.pointers, setup.selected)),
        projects=planned(projects, _decided(config, setup)),
        into_projects=first.pointers != "off" and config.publish.folder is None,
        changed_rule=first.pointers != config.publish.pointers,
        applied=tuple(Applied(edit, "changed" if edit.changes else "unchanged", edit.problem) for edit in setup.shown),
    )
    if not args.dry_run:
        if not setup.selected and not setup.hooks and config.agents.selected is None:
            raise UserError(
                "No agent was chosen, so nothing was changed. Run `carryover install` again once you use one.",
                ExitCode.NOTHING_FOUND,
            )
        report = _carry_out(state, report, service=not args.no_service)
    if args.json:
        print_json(as_data(report))
    else:
        print_report(report, home)
    return ExitCode.FAILED if report.failed else ExitCode.OK


def _planned(
    args: argparse.Namespace, state: StateDir, answer: Answer, config: Config, detections: Sequence[Detection]
) -> Setup:
    manager, program = service_of_user()
    service = (manager, program) if not args.no_service and manager.available() is None else None
    mode, pointers = args.resume_mode, answer.pointers
    setup = plan_setup(
        state, detections, answer.agents, config=config, resume_mode=mode, pointers=pointers, service=service
    )
    return replace(setup, servers=plan_mcp_servers(setup.detections, setup.selected, state, wanted=args.mcp))


def _decided(config: Config, setup: Setup) -> Config:
    after = tomllib.loads((setup.config.after or b"").decode("utf-8-sig", "replace"))
    since = after.get("publish", {}).get("shared_since")
    publish = msgspec.structs.replace(config.publish, pointers=setup.pointers, shared_since=since)
    agents = msgspec.structs.replace(config.agents, selected=setup.selected)
    return msgspec.structs.replace(config, publish=publish, agents=agents)


def _carry_out(state: StateDir, report: Report, *, service: bool) -> Report:
    applied = carry_out(report.setup, state)
    # The daemon does this too when it reads the settings; this way it is done before the command ends.
    withdrawn = withdraw(state.root, load_config(state.config))
    if applied[-1].outcome not in ("unchanged", "left alone"):
        reload_daemon(state)
    background = bring_up(state, service=service)
    read = held = None
    if background.pid is not None:
        _name_this_project(state, report.setup)
        read, held = watch_first_read(state), held_by(state)
    return replace(report, applied=applied, background=background, read=read, held=held, withdrawn=withdrawn)


def _name_this_project(state: StateDir, setup: Setup) -> None:
    """Tells the daemon about the current project if that holds sources that nothing else leads to."""
    from carryover.agents import adapters

    with suppress(UserError, TimeoutError):
        root = project_root(None)
        if roots_in_projects([adapters()[agent] for agent in setup.selected], [Path(root)]):
            ask_daemon(state.socket, "POST", f"/settle?{urlencode({'root': root})}", timeout_s=NAMED_WITHIN_S)


def pick(offered: Sequence[Option], first: Answer, explain: Explain) -> Answer:
    """Asks the question; `first` is offered. Raises KeyboardInterrupt on Ctrl-C."""
    import questionary  # takes longer to import than everything else, and most calls ask nothing

    width = max(len(option.name) for option in offered)
    rows = [
        questionary.Choice(f"{option.name:<{width}}  {option.presence}", value=option.id, checked=option.ticked)
        for option in offered
    ]
    panel = _Panel(first, explain)
    # `validate` is called with the current selection at each change.
    question = questionary.checkbox(QUESTION, rows, validate=panel.ticked, qmark="", instruction=INSTRUCTION)
    panel.add_to(question.application)
    return Answer(tuple(question.unsafe_ask()), panel.answer.pointers)


class _Panel:
    """The part of the screen about projects, below the list of agents; a key changes the answer."""

    def __init__(self, answer: Answer, explain: Explain) -> None:
        self.answer = answer
        self._explain = explain

    def ticked(self, agents: list[str]) -> bool:
        self.answer = Answer(tuple(agents), self.answer.pointers)
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

    def _choose(self, by: int, _event: object) -> None:
        at = ORDER.index(self.answer.pointers) + by
        self.answer = self.answer._replace(pointers=ORDER[at % len(ORDER)])

    def _text(self) -> StyleAndTextTuples:
        from prompt_toolkit.application import get_app

        width, (agents, pointers) = get_app().output.get_size().columns - 1, self.answer
        return [
            ("", f"\n {PROJECTS}\n  "),
            *((("bold", f" ● {each} ") if each == pointers else ("", f" ○ {each} ")) for each in ORDER),
            *(("", f"\n{wrapped(f'   {line}', width)}") for line in self._explain(pointers, agents)),
        ]
