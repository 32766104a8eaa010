"""`carryover uninstall`: undoes what install did and, with `--purge`, deletes everything that was written since."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from carryover.errors import ExitCode
from carryover.faces.cli.arguments import describe, flag
from carryover.terminal.output import agree, counted, print_json, print_lines, put, say
from carryover.terminal.paths import short_path

if TYPE_CHECKING:
    from carryover.actions.uninstalling import Plan, Uninstalled

DESCRIPTION: Final = """\
Takes Carryover's hooks out of your agents' settings and stops carryoverd.
What was recorded stays, and so do the handoffs in your projects, unless you
say --purge. What goes is listed first, and on a terminal you are asked.
Elsewhere --yes is needed. The program itself is removed by whatever installed
it, such as `pipx uninstall carryoverd`."""

EXAMPLES: Final = """\
  carryover uninstall                    hooks and service; a later install continues from here
  carryover uninstall --purge            also what was recorded, and everything in your projects
  carryover uninstall --purge --dry-run  what that would do, as diffs"""

QUESTION: Final = "Remove this?"
PURGE_QUESTION: Final = "Remove all this? What was recorded cannot be recovered."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.REFUSED)
    flag(parser, "--purge", "also the ledger, and pointers, ignore rules and handoffs in all projects")
    flag(parser, "--yes", "ask nothing")
    flag(parser, "--dry-run", "print the exact diff of every file; change nothing")
    flag(parser, "--json", "print what was done as JSON; asks nothing, so --yes is needed")


def run(args: argparse.Namespace) -> int:
    from carryover.actions.uninstalling import carry_out_uninstall, plan_uninstall
    from carryover.actions.version import runnable

    wanted = plan_uninstall(purge=args.purge, with_diffs=args.dry_run)
    steps = _steps(wanted)
    if not args.json:
        print_lines([*steps, *wanted.notes, *([] if steps else ["There is nothing to remove."])])
    if args.dry_run:
        _print_dry_run(wanted, args)
        return ExitCode.OK
    if steps:
        agree(args, PURGE_QUESTION if args.purge else QUESTION)
    done = carry_out_uninstall(purge=args.purge)
    files = [{"path": file.path, "why": file.why, "outcome": file.outcome} for file in done.files]
    data = {"service": done.service, "files": files, "removed": done.removed, "left": done.left}
    put(args, data, map(runnable, _lines_after(done)))
    return ExitCode.FAILED if done.left else ExitCode.OK


def _steps(wanted: Plan) -> list[str]:
    """Returns what would be done, a line each; empty if there is nothing to remove."""
    from carryover.actions.daemon_control import running_pid

    steps = [] if wanted.service is None else [f"The {wanted.service} service will be stopped and removed."]
    pid = running_pid()
    if pid is not None:
        steps.append(f"carryoverd (process {pid}) will be stopped.")
    return [*steps, *lines_before(wanted, Path.home())]


def _print_dry_run(wanted: Plan, args: argparse.Namespace) -> None:
    from carryover.faces.cli.install_report import print_diffs

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
    """Yields the plan: one line per edit, and per removal with what is below it."""
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
