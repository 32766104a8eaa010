"""`carryover status`: what Carryover sees and does. Changes nothing and creates nothing, whatever the state."""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any, Final

from carryover import __version__
from carryover.cli.arguments import exit_code_help
from carryover.cli.control import ask_daemon
from carryover.cli.output import print_json
from carryover.cli.where import state_dir
from carryover.errors import ExitCode, UserError
from carryover.paths import StateDir

HEALTH_LIMIT_S: Final = 2.0

DESCRIPTION: Final = """\
Says what Carryover sees and does: the daemon, the agents it covers, projects
and their handoffs, what was redacted, what was not understood, what is broken.
Changes nothing and creates nothing. Works without the daemon."""

EXAMPLES: Final = """\
examples:
  carryover status          what a person wants to know
  carryover status --json   everything, as data
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = DESCRIPTION
    parser.epilog = EXAMPLES + "\n" + exit_code_help(ExitCode.OK, ExitCode.FAILED, ExitCode.USAGE, ExitCode.INTERRUPTED)
    parser.add_argument("--json", action="store_true", help="print everything as JSON; times are UTC milliseconds")


def run(args: argparse.Namespace) -> int:
    found = gather(state_dir())
    if args.json:
        print_json(found)
    else:
        from carryover.cli.status_text import status_lines

        for line in status_lines(found, home=Path.home(), now_ms=int(time.time() * 1000)):
            print(line)
    return ExitCode.OK


def gather(state: StateDir) -> dict[str, Any]:
    """Everything `status` tells. What cannot be found out is None, with the reason in `problems`."""
    problems: list[str] = []
    return {
        "version": __version__,
        "state_folder": str(state.root),
        "daemon": _daemon(state, problems),
        "agents": _agents(),
        "ledger": _ledger(state, problems),
        "corrupt_ledgers": _corrupt_ledgers(state),
        "config": _config(state, problems),
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


def _agents() -> list[dict[str, Any]]:
    from carryover.agents import adapters
    from carryover.model import AGENT_NAMES

    known = adapters()
    return [
        {
            "id": agent_id,
            "name": name,
            "covered": agent_id in known,
            "roots": [
                {"path": str(root), "exists": root.is_dir()}
                for root in (known[agent_id].roots(Path.home(), os.environ) if agent_id in known else ())
            ],
        }
        for agent_id, name in AGENT_NAMES.items()
    ]


def _ledger(state: StateDir, problems: list[str]) -> dict[str, Any] | None:
    if not state.ledger.exists():
        return None
    import msgspec

    from carryover.ledger.queries import connect_read_only, projects, totals

    try:
        connection = connect_read_only(state.ledger, keep_index=True)
    except UserError as error:
        problems.append(str(error))
        return None
    try:
        counts: dict[str, Any] = msgspec.to_builtins(totals(connection))
        listed = msgspec.to_builtins(projects(connection))
    finally:
        connection.close()
    return {"path": str(state.ledger), **counts, "projects": listed, "project_count": counts["projects"]}


def _corrupt_ledgers(state: StateDir) -> list[dict[str, Any]]:
    """Damaged ledgers that were moved aside; what could be read of them is in the present one."""
    return [
        {"path": str(path), "bytes": path.stat().st_size}
        for path in sorted(state.root.glob(f"{state.ledger.stem}.corrupt-*{state.ledger.suffix}"))
    ]


def _config(state: StateDir, problems: list[str]) -> dict[str, Any] | None:
    """Where the settings are and which of their keys mean nothing; None where there is no file."""
    if not state.config.exists():
        return None
    from carryover.config import load_config

    try:
        return {"path": str(state.config), "unknown_keys": list(load_config(state.config).unknown_keys)}
    except UserError as error:
        problems.append(str(error))
        return {"path": str(state.config), "unknown_keys": []}
