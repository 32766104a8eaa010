"""`carryover install` and `refresh`: ask, plan, write, start the daemon, wait and report."""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final, get_args
from urllib.parse import urlencode

import msgspec

from carryover.actions.context import project_root, state_dir
from carryover.actions.first_read import SEARCH_LIMIT_S, Active, active_projects, held_by, watch_first_read
from carryover.cli.arguments import describe, flag, known_agents
from carryover.cli.install_report import Report, as_data, number_of, places, planned, print_report, rule, rule_in_short
from carryover.cli.install_screen import Answer, Explain, Texts, on_enter, pick
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
from carryover.install.setup import Setup, carry_out, options, plan_setup, settings_here
from carryover.paths import StateDir
from carryover.publish.withdrawal import withdraw
from carryover.terminal.output import can_ask, print_json
from carryover.terminal.paths import short_path

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

OFFERED: Final[Pointers] = "shared"
"""The answer offered first, and used if nothing is asked and none is recorded."""

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
    add(
        "--resume-mode", choices=get_args(ResumeMode), help="how a new session learns about the last one (default: ask)"
    )
    add(
        "--pointers",
        choices=get_args(Pointers),
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


def run(args: argparse.Namespace) -> int:
    from carryover.agents import specs

    if args.mcp:
        require_mcp_sdk()
    state, home = state_dir(), Path.home()
    config = load_config(state.config)
    machine = Machine.here(config.agents.recorded_env())
    detections = detect_all(specs(), machine, config.agents.recorded_versions())
    agents_here = tuple(found.spec.id for found in detections if found.found)
    projects = active_projects(state, config, agents_here, limit_s=None if args.dry_run else SEARCH_LIMIT_S)
    explain = _explained(config, projects, state, home)
    first = Answer(args.agents or (), args.pointers or config.publish.pointers or OFFERED)
    if args.agents is None:
        new, installing = newly_covered(detections, config.agents), args.command == "install"
        offered = options(detections, config.agents.selected, installing=installing, new=new)
        asks = can_ask() and not (args.yes or args.json or args.dry_run)
        first = first._replace(agents=tuple(option.id for option in offered if option.ticked))
        first = (
            pick(offered, first, _on_screen(explain, state, detections, starts=not args.no_service)) if asks else first
        )
    setup = _planned(args, state, first, config, detections)
    report = Report(
        setup=setup,
        installing=args.command == "install",
        asked=first.agents,
        rule=explain(Answer(setup.selected, first.pointers)).full,
        projects=planned(projects.roots, _decided(config, setup)),
        projects_cut=projects.cut,
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


def _explained(config: Config, projects: Active, state: StateDir, home: Path) -> Explain:
    """Returns what says what is written into projects."""
    kept_in, folder = short_path(state.root / KEPT, home), config.publish.folder

    def explain(answer: Answer) -> Texts:
        where = places(projects.roots, home, least=projects.cut)
        full = rule(answer.pointers, answer.agents, where=where, kept_in=kept_in, folder=folder)
        return Texts(full, rule_in_short(answer.pointers, full, number_of(projects.roots, least=projects.cut)))

    return explain


def _on_screen(explain: Explain, state: StateDir, detections: Sequence[Detection], *, starts: bool) -> Explain:
    """Returns what also says what Enter does."""
    wanted = settings_here(state, detections)

    def explain_all(answer: Answer) -> Texts:
        chosen = [each for each in wanted if each.spec.id in answer.agents]
        inside, outside = explain(answer), on_enter(chosen, Path.home(), starts=starts)
        return Texts((*inside.full, *outside.full), (*inside.short, *outside.short))

    return explain_all


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
