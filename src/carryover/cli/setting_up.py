"""What `install` and `refresh` do: ask, write, start, look, and say what came of it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, get_args

from carryover.cli.arguments import exit_code_help
from carryover.cli.background import bring_up, service_of_user
from carryover.cli.endpoint import reload_daemon
from carryover.cli.first_read import held_by, watch_first_read
from carryover.cli.output import print_json
from carryover.cli.recorded import recorded_env
from carryover.cli.selection import chosen, tool_ids
from carryover.cli.setting_up_done import Done
from carryover.cli.setting_up_text import dry_run_lines, lines_after
from carryover.cli.where import state_dir
from carryover.config import ResumeMode, load_config
from carryover.edits.apply import Applied
from carryover.edits.plan import Edit
from carryover.errors import ExitCode, UserError
from carryover.install.setup import Setup, carry_out, options, plan_setup, waiting_for
from carryover.paths import StateDir

MODES: Final = get_args(ResumeMode)


def add_options(parser: argparse.ArgumentParser, *, examples: str) -> None:
    """The options and exit codes that install and refresh have in common."""
    codes = (
        ExitCode.OK,
        ExitCode.FAILED,
        ExitCode.USAGE,
        ExitCode.NOTHING_FOUND,
        ExitCode.REFUSED,
        ExitCode.INTERRUPTED,
    )
    parser.epilog = f"{examples}\n{exit_code_help(*codes)}"
    parser.add_argument("--yes", action="store_true", help="ask nothing: take what would be ticked by itself")
    parser.add_argument(
        "--tools", type=tool_ids, metavar="IDS", help="ask nothing: these agents, such as claude-code,codex"
    )
    parser.add_argument("--resume-mode", choices=MODES, help="how a new session is told of the last one (first: ask)")
    parser.add_argument("--no-service", action="store_true", help="register and start nothing in the background")
    parser.add_argument("--dry-run", action="store_true", help="print the exact diff of every file; change nothing")
    parser.add_argument("--json", action="store_true", help="ask nothing, and print what was done as JSON")


def set_up(args: argparse.Namespace, *, anew: bool) -> int:
    """Run `install` (`anew`) or `refresh`; gives the exit code."""
    from carryover.agents import specs
    from carryover.install.detect import detect_all
    from carryover.install.machine import Machine

    state = state_dir()
    config = load_config(state.config)
    detections = detect_all(specs(), Machine.here(recorded_env(config.tools)))
    ask = not (args.yes or args.json or args.dry_run)
    asked = chosen(options(detections, config.tools.selected, anew=anew), args.tools, ask=ask)
    manager, program = service_of_user()
    with_service = not args.no_service and manager.available() is None
    setup = plan_setup(
        state,
        detections,
        asked,
        config=config,
        resume_mode=args.resume_mode,
        service=(manager, program) if with_service else None,
    )
    if args.dry_run:
        return _show(setup, asked, as_json=args.json)
    if not setup.selected and not setup.hooks and config.tools.selected is None:
        raise UserError(
            "No agent was chosen, so nothing was changed. Run `carryover install` again once you use one.",
            ExitCode.NOTHING_FOUND,
        )
    done = _carry_out(state, setup, asked, service=not args.no_service)
    if args.json:
        print_json(as_data(done))
    else:
        for line in lines_after(done, home=Path.home(), anew=anew):
            print(line)
    return _exit_code(done)


def apply_selection(state: StateDir) -> list[str]:
    """Bring the hooks of what is selected where they should be; what stands in the way, as sentences.

    Raises:
        UserError: the settings or the record of earlier edits are damaged.
    """
    from carryover.agents import specs
    from carryover.install.detect import detect_all
    from carryover.install.machine import Machine

    config = load_config(state.config)
    detections = detect_all(specs(), Machine.here(recorded_env(config.tools)))
    selected = config.tools.selected or ()
    setup = plan_setup(state, detections, selected, config=config, resume_mode=None, service=None)
    return [done.problem for done in carry_out(setup, state) if done.problem is not None]


def _carry_out(state: StateDir, setup: Setup, asked: tuple[str, ...], *, service: bool) -> Done:
    applied = carry_out(setup, state)
    if applied[-1].outcome not in ("unchanged", "left alone"):
        reload_daemon(state)
    background = bring_up(state, service=service)
    read = watch_first_read(state) if background.pid is not None else None
    return Done(setup, asked, applied, background, read, held_by(state) if read is not None else None)


def _show(setup: Setup, asked: tuple[str, ...], *, as_json: bool) -> int:
    if as_json:
        from carryover.edits.diff import diff

        files = [{"path": str(edit.path), "diff": diff(edit), "problem": edit.problem} for edit in setup.shown]
        agents = _agents(setup, asked, (), setup.hooks)
        print_json({"dry_run": True, "selected": setup.selected, "agents": agents, "files": files})
    else:
        for line in dry_run_lines(setup, asked, home=Path.home()):
            print(line)
    return ExitCode.FAILED if any(edit.problem for edit in setup.shown) else ExitCode.OK


def as_data(done: Done) -> dict[str, Any]:
    """What was done, for `--json`."""
    import msgspec

    return {
        "changed": done.changed,
        "selected": done.setup.selected,
        "agents": _agents(done.setup, done.asked, done.applied, [entry.edit for entry in done.applied]),
        "files": [
            {"path": str(entry.edit.path), "why": entry.edit.change.what, "outcome": entry.outcome}
            | ({"problem": entry.problem} if entry.problem else {})
            for entry in done.applied
        ],
        "service": msgspec.to_builtins(done.background),
        "first_read": done.read,
        "held": msgspec.to_builtins(done.held),
    }


def _agents(
    setup: Setup, asked: tuple[str, ...], applied: tuple[Applied, ...], edits: Sequence[Edit]
) -> list[dict[str, Any]]:
    problems = {entry.edit.path: entry.problem for entry in applied}
    return [
        {
            "id": found.spec.id,
            "name": found.spec.name,
            "state": found.state,
            "selected": found.spec.id in asked,
            "supported": found.spec.supported,
            "binary": None if found.binary is None else os.fspath(found.binary),
            "version": found.version_text or None,
            "config": None if found.config is None else os.fspath(found.config),
            "roots": [os.fspath(root) for root in found.roots],
            "hooks": list(found.hook_set.events) if found.hook_set is not None else [],
            "to_review": list(waiting_for(found, edits, setup.script)) if found.spec.id in setup.selected else [],
            "lost_folder": None if found.lost_folder is None else os.fspath(found.lost_folder),
            "problem": (problems.get(found.config) if found.config is not None else None) or found.problem or None,
        }
        for found in setup.detections
    ]


def _exit_code(done: Done) -> ExitCode:
    return ExitCode.FAILED if done.failed else ExitCode.OK
