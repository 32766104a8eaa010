"""`carryover status`: what Carryover sees and does. Changes nothing and creates nothing, whatever the state."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from carryover import __version__
from carryover.cli.arguments import exit_code_help
from carryover.cli.control import ask_daemon
from carryover.cli.output import print_json
from carryover.cli.where import state_dir
from carryover.errors import ExitCode, UserError
from carryover.paths import StateDir

if TYPE_CHECKING:
    import sqlite3

    from carryover.config import Config

HEALTH_LIMIT_S: Final = 2.0
WATCH_EVERY_S: Final = 2.0
_CLEAR: Final = "\x1b[2J\x1b[H"

DESCRIPTION: Final = """\
Says what Carryover sees and does: the daemon and its service, the agents it
covers and their hooks, usage limits, projects and their handoffs, what was
redacted, what was not understood, what is broken; `carryover doctor` says what
to do about it.
Changes nothing and creates nothing. Works without the daemon."""

EXAMPLES: Final = """\
examples:
  carryover status          what a person wants to know
  carryover status --watch  the same, again and again until Ctrl-C
  carryover status --json   everything, as data
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES + "\n" + exit_code_help(ExitCode.OK, ExitCode.FAILED, ExitCode.USAGE, ExitCode.INTERRUPTED)
    parser.add_argument("--json", action="store_true", help="print everything as JSON; times are UTC milliseconds")
    parser.add_argument("--watch", action="store_true", help="look again every two seconds, until Ctrl-C")


def run(args: argparse.Namespace) -> int:
    while True:
        found = gather(state_dir())
        if args.watch and not args.json and sys.stdout.isatty():
            print(_CLEAR, end="")
        _print(found, as_json=args.json)
        if not args.watch:
            return ExitCode.OK
        sys.stdout.flush()
        time.sleep(WATCH_EVERY_S)


def _print(found: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    from carryover.cli.status_text import status_lines

    for line in status_lines(found, home=Path.home(), now_ms=int(time.time() * 1000)):
        print(line)


def gather(state: StateDir) -> dict[str, Any]:
    """Everything `status` tells. What cannot be found out is None, with the reason in `problems`."""
    problems: list[str] = []
    config = _config(state, problems)
    ledger = _ledger(state, config, problems)
    return {
        "version": __version__,
        "state_folder": str(state.root),
        "paused": state.paused.exists(),
        "daemon": _daemon(state, problems),
        "service": _service(),
        "agents": _agents(state, config, ledger),
        "ledger": ledger,
        "corrupt_ledgers": _corrupt_ledgers(state),
        "config": None if config is None else {"path": str(state.config), "unknown_keys": config.unknown_keys},
        "problems": problems,
    }


def _daemon(state: StateDir, problems: list[str]) -> dict[str, Any] | None:
    """What the running daemon says of itself, None where none runs."""
    try:
        return ask_daemon(state.socket, "GET", "/health", timeout_s=HEALTH_LIMIT_S)
    except TimeoutError:
        problems.append(f"A daemon runs, but did not answer within {HEALTH_LIMIT_S:g} s. Look into {state.log}.")
    except (UserError, OSError) as error:
        problems.append(str(error))
    return None


def _service() -> dict[str, Any]:
    """The service that starts the daemon, as the service manager sees it."""
    import msgspec

    from carryover.cli.background import service_of_user

    status: dict[str, Any] = msgspec.to_builtins(service_of_user()[0].status())
    return status


def _agents(state: StateDir, config: Config | None, ledger: dict[str, Any] | None) -> list[dict[str, Any]]:
    from carryover.cli.coverage import covered_agents
    from carryover.config import ToolsConfig

    tools = config.tools if config is not None else ToolsConfig()
    return covered_agents(state, tools, ledger["agents"] if ledger is not None else ())


def _ledger(state: StateDir, config: Config | None, problems: list[str]) -> dict[str, Any] | None:
    if not state.ledger.exists():
        return None
    import msgspec

    from carryover.config import Config
    from carryover.ledger.queries import agents_seen, connect_read_only, projects, totals

    try:
        connection = connect_read_only(state.ledger, keep_index=True)
    except UserError as error:
        problems.append(str(error))
        return None
    try:
        counts: dict[str, Any] = msgspec.to_builtins(totals(connection))
        listed = [_project(row, config or Config()) for row in msgspec.to_builtins(projects(connection))]
        agents = msgspec.to_builtins(agents_seen(connection))
        limits = [] if state.paused.exists() else _limits(connection, config or Config())
    finally:
        connection.close()
    return {
        "path": str(state.ledger),
        **counts,
        "projects": listed,
        "project_count": counts["projects"],
        "agents": agents,
        "limits": limits,
    }


def _project(row: dict[str, Any], config: Config) -> dict[str, Any]:
    """A project of the ledger, with what leaves it out by the settings of now; the daemon may not have met it yet."""
    from carryover.config import project_settings

    excluded = project_settings(Path(row["root"]), config).excluded
    return {**row, "refusal": f"excluded by {excluded}"} if excluded else row


def _limits(ledger: sqlite3.Connection, config: Config) -> list[dict[str, Any]]:
    """Projects whose newest work ended at a usage limit a short while ago, with the commands that go on elsewhere.

    A plan's limit holds in every project, so no agent is offered that stopped at one in any of them.
    """
    from carryover.agents import agent_names, startable_agents
    from carryover.config import project_settings
    from carryover.distill.sections.limit import LASTS_MS, command
    from carryover.publish.limits import limited_projects

    since_ms = int(time.time() * 1000) - LASTS_MS
    found = limited_projects(ledger, startable_agents(config.tools.selected), since_ms=since_ms)
    limited = {project.limit.agent for project in found}
    names = agent_names()
    return [
        {
            "root": project.root,
            "agent": project.limit.agent,
            "name": names.get(project.limit.agent, project.limit.agent),
            "at_ms": project.limit.at_ms,
            "resets": project.limit.resets,
            "commands": [
                f"{command(agent)} {shlex.quote(project.root)}"
                for agent in project.limit.others
                if agent not in limited
            ],
        }
        for project in found
        if project_settings(Path(project.root), config).excluded is None
    ]


def _corrupt_ledgers(state: StateDir) -> list[dict[str, Any]]:
    """Damaged ledgers that were moved aside; what could be read of them is in the present one."""
    return [
        {"path": str(path), "bytes": path.stat().st_size}
        for path in sorted(state.root.glob(f"{state.ledger.stem}.corrupt-*{state.ledger.suffix}"))
    ]


def _config(state: StateDir, problems: list[str]) -> Config | None:
    """The settings; None where there is no file. Those of one that cannot be used are the defaults."""
    if not state.config.exists():
        return None
    from carryover.config import Config, load_config

    try:
        return load_config(state.config)
    except UserError as error:
        problems.append(str(error))
        return Config()
