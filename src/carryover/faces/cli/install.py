"""`carryover install` and `refresh`: ask, plan, write, start the daemon, wait and report."""

from __future__ import annotations

import argparse
from typing import Final

from carryover.actions.installing import RESUME_MODES, InstallAnswer, Survey, install, survey
from carryover.actions.project_rules import POINTERS, present_pointers
from carryover.errors import ExitCode, UserError
from carryover.faces.cli.arguments import agents_in_list, describe, flag
from carryover.faces.cli.install_report import as_data, print_report
from carryover.faces.cli.install_screen import pick_pointers
from carryover.terminal.output import can_ask, print_json

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
    return pick_pointers(surveyed, first, service=service)
