"""`carryover uninstall`: undoes what install did and, with `--purge`, deletes everything that was written since."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from carryover.actions.context import state_dir
from carryover.cli.arguments import describe, flag
from carryover.errors import ExitCode, UserError
from carryover.paths import StateDir
from carryover.terminal.output import agree, can_ask, counted, print_json, print_lines, put, say
from carryover.terminal.paths import short_path

if TYPE_CHECKING:
    from carryover.edits.apply import Applied
    from carryover.edits.hooks import HookFile
    from carryover.install.uninstall import Uninstall, Uninstalled

DESCRIPTION: Final = """\
Takes Carryover's hooks out of your agents' settings and stops carryoverd.
What was recorded stays, and so do the handoffs in your projects, unless you
say --purge. Each file is listed before anything is done. On a terminal --purge
asks once more; elsewhere nothing is asked. The program itself is removed by
whatever installed it, such as `pipx uninstall carryoverd`."""

EXAMPLES: Final = """\
  carryover uninstall                    hooks and service; a later install continues from here
  carryover uninstall --purge            also what was recorded, and everything in your projects
  carryover uninstall --purge --dry-run  what that would do, as diffs"""

QUESTION: Final = "Remove all this? What was recorded cannot be recovered."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.REFUSED)
    flag(parser, "--purge", "also the ledger, and pointers, ignore rules and handoffs in all projects")
    flag(parser, "--yes", "ask nothing")
    flag(parser, "--dry-run", "print the exact diff of every file; change nothing")
    flag(parser, "--json", "ask nothing, and print what was done as JSON")


def run(args: argparse.Namespace) -> int:
    from carryover.actions.version import runnable
    from carryover.cli.install_report import print_diffs
    from carryover.daemon.client import daemon_pid, stop_daemon
    from carryover.edits.apply import diff
    from carryover.install.background import registered
    from carryover.install.uninstall import carry_out, plan_uninstall

    state, home = state_dir(), Path.home()
    service = registered(os.environ)
    plan = partial(plan_uninstall, state, purge=args.purge, home=home, usual=tuple(usual_settings(state, home)))
    wanted = plan()
    about: dict[str, object] = {"service": service.kind if service is not None else None}
    if not args.json:
        stops = [] if service is None else [f"The {service.kind} service is stopped and removed."]
        pid = daemon_pid(state)
        stops += [] if pid is None else [f"carryoverd (process {pid}) is stopped."]
        steps = [*stops, *lines_before(wanted, home)]
        print_lines(steps if len(steps) > len(wanted.notes) else [*steps, "There is nothing to remove."])
    if args.dry_run and args.json:
        files = [{"path": str(edit.path), "diff": diff(edit), "problem": edit.problem} for edit in wanted.shown]
        removals = [{"path": str(removal.path), "what": removal.what} for removal in wanted.removals]
        print_json({"dry_run": True, **about, "files": files, "removals": removals, "notes": wanted.notes})
        return ExitCode.OK
    if args.dry_run:
        print_lines(f"✗ {edit.problem}" for edit in wanted.shown if edit.problem is not None)
        print_diffs(wanted.shown)
        say("", "Nothing was changed.")
        return ExitCode.OK
    if args.purge and not args.json and can_ask():
        agree(args, QUESTION)
    left: tuple[str, ...] = ()
    try:
        if service is not None:
            service.uninstall()
    except (UserError, OSError) as error:
        left = (f"The {about['service']} service could not be removed: {error}",)
    stop_daemon(state)  # raises UserError if it can't be stopped, since it would write again what is removed
    done = carry_out(plan(), state)  # the daemon may have written into projects before it stopped
    left += done.left
    removed = [str(path) for path in done.removed]
    put(
        args,
        {**about, "files": [_as_data(entry) for entry in done.applied], "removed": removed, "left": left},
        map(runnable, _lines_after(done, left, state, purged=args.purge)),
    )
    return ExitCode.FAILED if left else ExitCode.OK


def _as_data(entry: Applied) -> dict[str, str]:
    return {"path": str(entry.edit.path), "why": entry.edit.change.what, "outcome": entry.outcome}


def usual_settings(state: StateDir, home: Path) -> Iterator[tuple[str, HookFile]]:
    """Yields the standard files of each agent's hooks and MCP servers, in case the record of our edits is lost."""
    from carryover.adapter.spec import Place
    from carryover.agents import specs
    from carryover.config import Config, load_config
    from carryover.edits.hooks import HookFile
    from carryover.install.agent_settings import hook_files, server_files
    from carryover.install.machine import Machine

    try:
        tools = load_config(state.config).agents
    except UserError:  # uninstalling needs no settings
        tools = Config().agents
    machine = Machine.here(tools.recorded_env())
    for spec in specs():
        located = partial(Place.at, home=home, env=machine.env)
        for file in hook_files(spec, machine.platform, located):
            yield spec.id, file
        for servers in spec.mcp:
            yield from ((spec.id, HookFile(path, "server", servers.key)) for path in server_files(servers, located))


def lines_before(wanted: Uninstall, home: Path) -> Iterator[str]:
    """Yields the plan: one line per edit and per removal with what is below it, then what stays."""
    for edit in wanted.shown:
        if edit.changes:
            does = "goes" if edit.after is None else "is put back"
            yield f"{short_path(edit.path, home)} {does} ({edit.change.what})"
    places = {(removal.path, removal.what) for removal in wanted.removals}
    for removal in wanted.removals:
        if any((above, removal.what) in places for above in removal.path.parents):
            continue
        inner = sum(what == removal.what and removal.path in path.parents for path, what in places)
        with_it = f", with {counted(inner, 'file or folder', 'files and folders')} in it" if inner else ""
        yield f"{short_path(removal.path, home)} goes{with_it} ({removal.what})"
    yield from wanted.notes


def _lines_after(done: Uninstalled, left: tuple[str, ...], state: StateDir, *, purged: bool) -> Iterator[str]:
    yield from (f"✗ {reason}" for reason in left)
    changed = sum(entry.outcome in ("changed", "removed") for entry in done.applied) + len(done.removed)
    if changed:
        yield f"✓ Done: {counted(changed, 'file or folder', 'files and folders')} put back or removed."
    if changed and not purged and state.ledger.exists():
        yield (
            f"What was recorded stays in {short_path(state.root, Path.home())}, and the handoffs stay in your "
            "projects; `carryover uninstall --purge` takes them away too."
        )
