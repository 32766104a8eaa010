"""`carryover uninstall`: undoes what install did and, with `--purge`, deletes everything that was written since."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from carryover.actions.version import runnable
from carryover.errors import ExitCode
from carryover.faces.cli.arguments import describe, flag
from carryover.terminal.output import agree, counted, print_json, print_lines, print_result, say
from carryover.terminal.paths import short_path

if TYPE_CHECKING:
    from carryover.actions.uninstalling import Uninstall

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

_QUESTION: Final = "Remove this?"
PURGE_QUESTION: Final = "Remove all this? What was recorded cannot be recovered."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.REFUSED)
    flag(parser, "--purge", "also the ledger, and in projects handoffs, ignore rules and uncommitted pointers")
    flag(parser, "--yes", "ask nothing")
    flag(parser, "--dry-run", "print the diff of every file, without keys; change nothing")
    flag(parser, "--json", "print what was done as JSON; asks nothing, so --yes is needed")


def run(args: argparse.Namespace) -> int:
    from carryover.actions.uninstalling import plan_removal, uninstall
    from carryover.faces.cli.install_report import file_data

    planned = plan_removal(purge=args.purge)
    steps = _steps(planned)
    if not args.json:
        nothing = () if steps else ("There is nothing to remove.", *_what_stays(planned))
        print_lines([*steps, *planned.notes, *nothing])
    if args.dry_run:
        _print_dry_run(planned, args)
        return ExitCode.OK
    if steps:
        agree(args, PURGE_QUESTION if args.purge else _QUESTION)
    done = uninstall(purge=args.purge)
    data = {
        "service": planned.service,
        "files": [file_data(edit) for edit in done.edits],
        "removed": [str(path) for path, _ in done.removals],
        "left": done.notes,
    }
    print_result(args, data, map(runnable, _lines_after(done, planned)))
    return ExitCode.FAILED if done.notes else ExitCode.OK


def _print_dry_run(planned: Uninstall, args: argparse.Namespace) -> None:
    from carryover.faces.cli.install_report import planned_data, print_diffs

    edits = planned.shown
    if args.json:
        files = [planned_data(edit) for edit in edits]
        removals = [{"path": str(path), "what": what} for path, what in planned.removals]
        about = {"dry_run": True, "service": planned.service}
        print_json({**about, "files": files, "removals": removals, "notes": planned.notes})
        return
    print_lines(f"✗ {edit.problem}" for edit in edits if edit.problem is not None)
    print_diffs(edits)
    say("", "Nothing was changed.")


def _steps(planned: Uninstall) -> list[str]:
    """Returns what would be done, a line each; empty if there is nothing to remove."""
    steps = [] if planned.service is None else [f"The {planned.service} service will be stopped and removed."]
    if planned.pid is not None:
        steps.append(f"carryoverd (process {planned.pid}) will be stopped.")
    return [*steps, *_file_steps(planned)]


def _file_steps(planned: Uninstall) -> Iterator[str]:
    """Yields the plan: one line per edit, and per removal, in which a folder stands for all that is below it."""
    for edit in planned.shown:
        if edit.changes:
            goes = "goes" if edit.after is None else "is put back"
            yield f"{short_path(edit.path)} {goes} ({edit.text.what})"
    going = dict(planned.removals)
    for path, what in planned.removals:
        if not going.keys().isdisjoint(path.parents):
            continue
        inner = [its_what for its_path, its_what in planned.removals if path in its_path.parents]
        with_it = f", with {counted(len(inner), 'file or folder', 'files and folders')} in it" if inner else ""
        yield f"{short_path(path)} goes{with_it} ({', '.join(dict.fromkeys((what, *inner)))})"


def _lines_after(done: Uninstall, planned: Uninstall) -> Iterator[str]:
    yield from (f"✗ {reason}" for reason in done.notes)
    if done.removals or any(edit.outcome in ("changed", "removed") for edit in done.edits):
        yield from ("✓ Everything else is done." if done.notes else "✓ Done.", *_what_stays(planned))


def _what_stays(planned: Uninstall) -> Iterator[str]:
    if planned.kept_in is not None:
        yield (
            f"What was recorded stays in {short_path(planned.kept_in)}, and the handoffs stay in your "
            "projects; `carryover uninstall --purge` takes them away too."
        )
