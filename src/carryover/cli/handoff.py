"""`carryover handoff`: the handoff of a project, or of one transcript alone."""

from __future__ import annotations

import argparse
import shlex
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from carryover.cli.arguments import exit_code_help, positive
from carryover.cli.output import print_json
from carryover.cli.where import project_root, state_dir
from carryover.config import Config, load_config, project_settings
from carryover.errors import ExitCode, UserError
from carryover.model import AGENT_IDS
from carryover.paths import StateDir

if TYPE_CHECKING:
    from carryover.cli.made import Made

SETTLE_LIMIT_S: Final = 3.0
"""How long a running daemon may take to read what is new; after that its ledger is used as it is."""

DESCRIPTION: Final = """\
Prints the handoff of a project: what was being done, what was tried, what comes
next. Works without the daemon too, straight from what the agents left on disk;
then nothing is stored where Carryover has no ledger yet."""

EXAMPLES: Final = """\
examples:
  carryover handoff                      the project you are in
  carryover handoff ~/code/shop --json   another one, as data
  carryover handoff --transcript session.jsonl --until 120
                                         from the first 120 lines of one file
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = DESCRIPTION
    parser.epilog = (
        EXAMPLES
        + "\n"
        + exit_code_help(
            ExitCode.OK, ExitCode.FAILED, ExitCode.USAGE, ExitCode.NOTHING_FOUND, ExitCode.REFUSED, ExitCode.INTERRUPTED
        )
    )
    parser.add_argument("project", metavar="PROJECT", nargs="?", help="a folder of the project (default: this one)")
    parser.add_argument("--json", action="store_true", help="print the sections as JSON")
    parser.add_argument(
        "--transcript", metavar="FILE", help="make it from this file alone: no ledger, no git, no file of the project"
    )
    parser.add_argument(
        "--agent",
        metavar="NAME",
        choices=AGENT_IDS,
        help="who wrote FILE (default: told from its content): %(choices)s",
    )
    parser.add_argument(
        "--until", metavar="N", type=positive, help="read FILE up to its line N (message N, where it is one document)"
    )


def run(args: argparse.Namespace) -> int:
    made = _from_transcript(args) if args.transcript is not None else _from_history(args)
    if args.json:
        from carryover.cli.made import as_data

        print_json(as_data(made))
    else:
        sys.stdout.write(made.text)
    return ExitCode.OK


def handoff_of_project(root: str) -> Made:
    """The handoff of the project at `root` as things are now.

    Raises UserError: NOTHING_FOUND where no agent worked there or nothing it did is worth handing over, REFUSED where
    the project is excluded.
    """
    state = state_dir()
    config = load_config(state.config)
    excluded = project_settings(Path(root), config).excluded
    if excluded:
        raise UserError(f"{root} is left out of Carryover: excluded by {excluded}.", ExitCode.REFUSED)
    if state.ledger.exists():
        complete = _bring_up_to_date(state, root)
        made = _from_ledger(state, root, config)
        if made is not None or complete:
            return made or _nothing_found(root)
    return _from_disk(root, config) or _nothing_found(root)


def _from_transcript(args: argparse.Namespace) -> Made:
    if args.project is not None:
        raise UserError("Give a PROJECT or --transcript FILE, not both.", ExitCode.USAGE)
    from carryover.cli.transcript import handoff_of_transcript

    return handoff_of_transcript(Path(args.transcript), args.agent, args.until)


def _from_history(args: argparse.Namespace) -> Made:
    if args.agent is not None or args.until is not None:
        raise UserError("--agent and --until go with --transcript FILE.", ExitCode.USAGE)
    return handoff_of_project(project_root(args.project))


def _bring_up_to_date(state: StateDir, root: str) -> bool:
    """The running daemon reads what is new; where none runs, we do, for this project. False where that is not all."""
    from carryover.cli.control import ask_daemon

    try:
        settled = ask_daemon(state.socket, "POST", "/settle", timeout_s=SETTLE_LIMIT_S)
    except TimeoutError:
        settled = {"caught_up": False}
    if settled is not None:
        if not settled["caught_up"]:
            print("carryoverd is still reading; this is what it knows so far.", file=sys.stderr)
        return bool(settled["caught_up"])
    from carryover.cli.from_disk import catch_up

    if catch_up(state, root):
        return True
    print("Another process is at work on the ledger; this is what it holds so far.", file=sys.stderr)
    return False


def _from_ledger(state: StateDir, root: str, config: Config) -> Made | None:
    from carryover.ledger.queries import connect_read_only

    with closing(connect_read_only(state.ledger)) as ledger:
        return _made(ledger, root, config)


def _from_disk(root: str, config: Config) -> Made | None:
    from carryover.agents import adapters
    from carryover.cli.from_disk import of_project, sources_on_disk, temporary_ledger

    with temporary_ledger(of_project(sources_on_disk(), root), adapters()) as ledger:
        return _made(ledger, root, config)


def _made(ledger: sqlite3.Connection, root: str, config: Config) -> Made | None:
    """None where the ledger does not know the project."""
    from carryover.cli.made import Made
    from carryover.ledger.queries import project_by_root
    from carryover.publish.refresh import made_handoff

    project = project_by_root(ledger, root)
    if project is None:
        return None
    found = made_handoff(ledger, project.id, config, now_ms=int(time.time() * 1000))
    if found.handoff is None or found.text is None:
        raise UserError(
            f"Agents have worked in {root}, but no session there has a task to hand over yet. "
            f"`carryover sessions {shlex.quote(root)}` lists them.",
            ExitCode.NOTHING_FOUND,
        )
    return Made(root=root, handoff=found.handoff, text=found.text)


def _nothing_found(root: str) -> NoReturn:
    raise UserError(
        f"No agent's work is recorded for {root}. `carryover sessions --all` lists the projects that are known; "
        "`carryover status` says which agents are watched, and where.",
        ExitCode.NOTHING_FOUND,
    )
