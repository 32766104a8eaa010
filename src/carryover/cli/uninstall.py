"""`carryover uninstall`: undoes what install did and, with `--purge`, deletes everything that was written since."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from carryover.cli.arguments import describe, flag
from carryover.errors import ExitCode
from carryover.terminal.output import agree, can_ask, counted, print_json, print_lines, put, say
from carryover.terminal.paths import short_path

if TYPE_CHECKING:
    from carryover.actions.uninstalling import Plan, Uninstalled

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
    from carryover.actions.uninstalling import carry_out_uninstall, plan_uninstall
    from carryover.actions.version import runnable

    wanted = plan_uninstall(purge=args.purge, with_diffs=args.dry_run)
    if not args.json:
        _announce(wanted)
    if args.dry_run:
        _print_dry_run(wanted, args)
        return ExitCode.OK
    if args.purge and not args.json and can_ask():
        agree(args, QUESTION)
    done = carry_out_uninstall(purge=args.purge)
    files = [{"path": file.path, "why": file.why, "outcome": file.outcome} for file in done.files]
    data = {"service": done.service, "files": files, "removed": done.removed, "left": done.left}
    put(args, data, map(runnable, _lines_after(done)))
    return ExitCode.FAILED if done.left else ExitCode.OK


def _announce(wanted: Plan) -> None:
    from carryover.actions.daemon_control import running_pid

    steps = [] if wanted.service is None else [f"The {wanted.service} service is stopped and removed."]
    pid = running_pid()
    if pid is not None:
        steps.append(f"carryoverd (process {pid}) is stopped.")
    steps += lines_before(wanted, Path.home())
    if len(steps) == len(wanted.notes):
        steps.append("There is nothing to remove.")
    print_lines(steps)


def _print_dry_run(wanted: Plan, args: argparse.Namespace) -> None:
    from carryover.cli.install_report import print_diffs

    if args.json:
        files = [{"path": str(each.path), "diff": each.diff, "problem": each.problem} for each in wanted.changes]
        removals = [{"path": str(removal.path), "what": removal.what} for removal in wanted.removals]
        about = {"dry_run": True, "service": wanted.service}
        print_json({**about, "files": files, "removals": removals, "notes": wanted.notes})
        return
    print_lines(f"✗ {each.problem}" for each in wanted.changes if each.problem is not None)
    print_diffs(wanted.changes)
    say("", "Nothing was changed.")


def lines_before(wanted: Plan, home: Path) -> Iterator[str]:
    """Yields the plan: one line per edit and per removal with what is below it, then what stays."""
    for each in wanted.changes:
        if each.changes:
            does = "goes" if each.does == "removed" else "is put back"
            yield f"{short_path(each.path, home)} {does} ({each.what})"
    places = {(removal.path, removal.what) for removal in wanted.removals}
    for removal in wanted.removals:
        if any((above, removal.what) in places for above in removal.path.parents):
            continue
        inner = sum(what == removal.what and removal.path in path.parents for path, what in places)
        with_it = f", with {counted(inner, 'file or folder', 'files and folders')} in it" if inner else ""
        yield f"{short_path(removal.path, home)} goes{with_it} ({removal.what})"
    yield from wanted.notes


def _lines_after(done: Uninstalled) -> Iterator[str]:
    yield from (f"✗ {reason}" for reason in done.left)
    if not done.changed:
        return
    yield f"✓ Done: {counted(done.changed, 'file or folder', 'files and folders')} put back or removed."
    if done.kept_in is not None:
        yield (
            f"What was recorded stays in {short_path(done.kept_in, Path.home())}, and the handoffs stay in your "
            "projects; `carryover uninstall --purge` takes them away too."
        )
