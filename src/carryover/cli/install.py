"""`carryover install` and `refresh`: ask, plan, write, start the daemon, wait and report."""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final, get_args
from urllib.parse import urlencode

import msgspec

from carryover.actions.context import state_dir
from carryover.actions.first_read import active_projects, held_by, watch_first_read
from carryover.cli import project_edits
from carryover.cli.arguments import describe
from carryover.cli.choose_agents import agent_ids, chosen
from carryover.cli.install_report import Done, agents_data, as_data, dry_run_lines, lines_after
from carryover.cli.project_edits import ProjectPlan, meaning, places, planned
from carryover.config import KEPT, Config, Pointers, ResumeMode, load_config
from carryover.daemon.client import reload_daemon
from carryover.edits.plan import diff
from carryover.errors import ExitCode, UserError
from carryover.install.agent_settings import plan_mcp_servers
from carryover.install.background import bring_up, service_of_user
from carryover.install.how_installed import require_mcp_sdk, runnable
from carryover.install.setup import Setup, carry_out, options, plan_setup
from carryover.paths import StateDir, short_path
from carryover.publish.project_files import withdraw
from carryover.terminal.output import print_json, print_lines

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
examples:
  carryover install                            ask, then do it
  carryover install --dry-run                  what would be written, as diffs
  carryover install --yes --resume-mode brief  take the detected agents, ask nothing
  carryover install --agents claude-code       this agent, ask nothing
  carryover install --no-service               start carryoverd yourself
""",
    "refresh": """\
examples:
  carryover refresh                     ask, then apply what changed
  carryover refresh --yes               keep the selection, ask nothing
  carryover refresh --agents codex      another selection, ask nothing
  carryover refresh --dry-run           what would change, as diffs
""",
}

MODES: Final = get_args(ResumeMode)
POINTERS: Final = get_args(Pointers)


OFFERED: Final[Pointers] = "shared"
"""The answer offered first, and used if nothing is asked and none is recorded."""

NAMED_WITHIN_S: Final = 3.0
"""How long to wait for the daemon to accept a project; it may still be reading everything else."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    command = parser.get_default("command")
    describe(parser, DESCRIPTION[command], EXAMPLES[command], ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument("--yes", action="store_true", help="ask nothing: take the detected or last selected agents")
    parser.add_argument(
        "--agents",
        type=agent_ids,
        metavar="IDS",
        help="ask nothing: these agents, by id or another name, such as claude,codex",
    )
    parser.add_argument("--tools", dest="agents", type=agent_ids, help=argparse.SUPPRESS)  # its former name
    parser.add_argument(
        "--resume-mode", choices=MODES, help="how a new session learns about the last one (default: ask)"
    )
    parser.add_argument(
        "--pointers",
        choices=POINTERS,
        help="what is written into projects: a pointer for every agent (shared), "
        "only what git never sees (private), or nothing (off)",
    )
    parser.add_argument(
        "--mcp",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="also enter the MCP server `carryover mcp` into the agents' settings, or take it out",
    )
    parser.add_argument("--no-service", action="store_true", help="register and start nothing in the background")
    parser.add_argument("--dry-run", action="store_true", help="print the exact diff of every file; change nothing")
    parser.add_argument("--json", action="store_true", help="ask nothing, and print what was done as JSON")


def run(args: argparse.Namespace) -> int:
    from carryover.agents import specs
    from carryover.install.detect import detect_all, newly_covered
    from carryover.install.machine import Machine

    if args.mcp:
        require_mcp_sdk()
    state, installing = state_dir(), args.command == "install"
    config = load_config(state.config)
    machine, recorded = Machine.here(config.agents.recorded_env()), config.agents.recorded_versions()
    detections = detect_all(specs(), machine, recorded)
    ask = not (args.yes or args.json or args.dry_run)
    new = newly_covered(detections, config.agents)
    here = tuple(found.spec.id for found in detections if found.found)
    projects = active_projects(state, config, here)
    first = args.pointers or config.publish.pointers or OFFERED
    offered = options(detections, config.agents.selected, installing=installing, new=new)
    explain = partial(_explain, projects, state, config.publish.folder)
    answer = chosen(offered, args.agents, pointers=first, explain=explain, ask=ask)
    asked = answer.agents
    manager, program = service_of_user()
    with_service = not args.no_service and manager.available() is None
    setup = plan_setup(
        state,
        detections,
        asked,
        config=config,
        resume_mode=args.resume_mode,
        pointers=answer.pointers,
        service=(manager, program) if with_service else None,
    )
    setup = replace(setup, servers=plan_mcp_servers(setup.detections, setup.selected, state, wanted=args.mcp))
    into = ProjectPlan(
        answer.pointers,
        planned(projects, _decided(config, setup)),
        kept_in=str(state.root / KEPT),
        folder=config.publish.folder,
        changed=answer.pointers != config.publish.pointers,
    )
    if args.dry_run:
        return _show(setup, asked, into, as_json=args.json)
    if not setup.selected and not setup.hooks and config.agents.selected is None:
        raise UserError(
            "No agent was chosen, so nothing was changed. Run `carryover install` again once you use one.",
            ExitCode.NOTHING_FOUND,
        )
    done = _carry_out(state, setup, asked, into, service=not args.no_service)
    if args.json:
        print_json(as_data(done))
    else:
        print_lines(map(runnable, lines_after(done, home=Path.home(), installing=installing)))
    return ExitCode.FAILED if done.failed else ExitCode.OK


def _decided(config: Config, setup: Setup) -> Config:
    after = tomllib.loads((setup.config.after or b"").decode("utf-8-sig", "replace"))
    since = after.get("publish", {}).get("shared_since")
    publish = msgspec.structs.replace(config.publish, pointers=setup.pointers, shared_since=since)
    agents = msgspec.structs.replace(config.agents, selected=setup.selected)
    return msgspec.structs.replace(config, publish=publish, agents=agents)


def _explain(
    projects: Collection[Path], state: StateDir, folder: str | None, pointers: Pointers, agents: Collection[str]
) -> tuple[str, ...]:
    home = Path.home()
    kept_in = short_path(state.root / KEPT, home)
    return meaning(pointers, agents, where=places(projects, home), kept_in=kept_in, folder=folder)


def _carry_out(state: StateDir, setup: Setup, asked: tuple[str, ...], into: ProjectPlan, *, service: bool) -> Done:
    applied = carry_out(setup, state)
    # The daemon does this too when it reads the settings; this way it is done before the command ends.
    withdrawn = withdraw(state.root, load_config(state.config))
    if applied[-1].outcome not in ("unchanged", "left alone"):
        reload_daemon(state)
    background = bring_up(state, service=service)
    if background.pid is not None:
        _name_this_project(state, setup)
    read = watch_first_read(state) if background.pid is not None else None
    held = held_by(state) if read is not None else None
    return Done(setup, asked, applied, background, read, held, into, withdrawn)


def _name_this_project(state: StateDir, setup: Setup) -> None:
    """Tells the daemon about the current project if that holds sources that nothing else leads to."""
    from carryover.actions.context import project_root
    from carryover.agents import adapters
    from carryover.daemon.client import ask_daemon
    from carryover.ingest.scan import roots_in_projects

    with suppress(UserError, TimeoutError):
        root = project_root(None)
        if roots_in_projects([adapters()[agent] for agent in setup.selected], [Path(root)]):
            ask_daemon(state.socket, "POST", f"/settle?{urlencode({'root': root})}", timeout_s=NAMED_WITHIN_S)


def _show(setup: Setup, asked: tuple[str, ...], into: ProjectPlan, *, as_json: bool) -> int:
    if as_json:
        files = [{"path": str(edit.path), "diff": diff(edit), "problem": edit.problem} for edit in setup.shown]
        agents = agents_data(setup, asked, (), setup.hooks)
        print_json(
            {
                "dry_run": True,
                "selected": setup.selected,
                "agents": agents,
                "files": files,
                "pointers": into.pointers,
                "projects": project_edits.as_data(into.projects, with_diff=True),
            }
        )
    else:
        for line in dry_run_lines(setup, asked, into, home=Path.home()):
            print(runnable(line))
    return ExitCode.FAILED if any(edit.problem for edit in setup.shown) else ExitCode.OK
