"""`carryover import` reads transcripts from outside into the ledger, with or without a daemon."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from carryover.actions.agents import agent_name
from carryover.errors import ExitCode
from carryover.faces.cli.arguments import describe, flag
from carryover.faces.cli.share import import_share
from carryover.terminal.output import SLOW_S, Progress, counted, local_time, print_result, warn
from carryover.terminal.paths import shell_word

if TYPE_CHECKING:
    from carryover.actions.importing import ImportedFiles, Report

DESCRIPTION: Final = """\
Takes transcripts from files that you name into the ledger: exports, documents
of older versions, transcripts copied from another machine, sessions saved by
SpecStory, and any chat in which lines such as `user:` and `assistant:`, or
`You said:` and `ChatGPT said:`, or messages with `role` and `content`, tell
who speaks. Of a folder, such as one of another machine or an archive that you
unpacked, every file that a known agent wrote is taken. They are read as any
transcript is: secrets are taken out, and what the ledger has already is not
added again, so importing twice changes nothing. Of several, the oldest content
is read first, in whatever order you name them. What you had forgotten stays
out; --again takes it back.

Sessions belong to the project that the file names, or to the one of --project.
An import reads what you name, also of an agent that you did not select.

A file of `carryover share` is opened with your ssh key, or --identity. It is
shown first and you are asked; it belongs to the project you are in. Where no
agent has worked yet, it is the handoff, each line under that person's name;
beside own work, one line of it names it.

A file of a source that config.toml declares (`[[sources]]`), or that --agent
names, is read as that, and what the declaration gets wrong is said."""

FEW: Final = 3
"""How many projects are named; of more, only their number is given."""

EXAMPLES: Final = """\
  carryover import --dry-run chat.json         what is in it; stores nothing
  carryover import session.jsonl               a copied transcript
  carryover import .specstory/history/*.md     what SpecStory saved
  carryover import ~/old-laptop                every transcript in a folder
  carryover import chat.json --project ~/shop  a file that names no project
  carryover import shop.age                    what a colleague shared with you"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument("files", metavar="FILE", nargs="+", help="an exported or copied transcript, or a folder")
    parser.add_argument(
        "--project", metavar="DIR", help="the project that the sessions belong to, whatever the file says"
    )
    parser.add_argument("--agent", metavar="AGENT", help="whose sessions they are, where the file does not say")
    flag(parser, "--again", "also take back what you had forgotten")
    parser.add_argument("--identity", metavar="FILE", help="the private key that opens a file of `carryover share`")
    flag(parser, "--yes", "ask nothing before importing what someone shared")
    flag(parser, "--dry-run", "say what would be imported; store nothing")
    flag(parser, "--json", "print what was done as JSON; times are UTC milliseconds")


def run(args: argparse.Namespace) -> int:
    from carryover.actions.importing import import_files
    from carryover.actions.sharing import is_share

    if any(map(is_share, args.files)):
        import_share(args)
        return ExitCode.OK
    store = not args.dry_run
    named = {"project": args.project, "agent": args.agent, "again": args.again}
    with Progress(after_s=SLOW_S) as progress:
        done = import_files(args.files, **named, store=store, progress=progress)
    lines = [*_lines(done, dry_run=args.dry_run)]
    if done.others:
        lines.append(f"{counted(done.others, 'other file')} there: not a transcript that can be read, and left alone.")
    print_result(args, {"dry_run": args.dry_run, "files": done.reports, "others": done.others}, lines)
    problems = [report.problem for report in done.reports if report.problem is not None]
    if not args.json:
        for problem, files in Counter(problems).items():  # as of a full disk, which is the same for each of a folder's
            warn(f"carryover: {problem}" + (f" ({counted(files, 'file')})" if files > 1 else ""))
    taken = [report for report in done.reports if report.sessions]
    return done.code or (ExitCode.OK if taken and not any(report.problem for report in taken) else ExitCode.FAILED)


def _lines(done: ImportedFiles, *, dry_run: bool) -> Iterator[str]:
    """Yields what was found: in detail for each file that was named or has a problem, in sum for those of folders."""
    alike = [report for report in done.reports if report.in_folder and not report.torn and report.problem is None]
    if alike:
        yield from _sum(done, alike, dry_run=dry_run)
    for report in done.reports:
        if report.sessions and report not in alike:
            yield f"{_mark(report, dry_run=dry_run)} {report.file}: {_content(report)}"
            yield from (f"  {line}" for line in _notes(report, done, dry_run=dry_run))
    if not dry_run:
        yield from _handoffs(done)
    elif done.roots:
        yield "Nothing was stored."


def _mark(report: Report, *, dry_run: bool) -> str:
    if dry_run:
        return "·"
    return "✓" if report.problem is None else "✗"


def _sum(done: ImportedFiles, reports: Sequence[Report], *, dry_run: bool) -> Iterator[str]:
    agents = ", ".join(sorted({agent_name(report.agent) for report in reports}))
    sessions = len({(report.agent, session) for report in reports for session in report.sessions})
    new = "" if dry_run else f"; {counted(sum(report.new_events or 0 for report in reports), 'event')} added"
    mark = "·" if dry_run else "✓"
    files = counted(len(reports), "file")
    yield f"{mark} {files}: {counted(sessions, 'session')} of {agents}, in {counted(len(done.roots), 'project')}{new}"
    if forgotten := sum(report.forgotten for report in reports):
        yield f"  {counted(forgotten, 'event')} left out: you had this forgotten. --again takes it back."


def _handoffs(done: ImportedFiles) -> Iterator[str]:
    for root in done.roots:
        excluded = done.excluded.get(root)
        if excluded is not None:
            yield f"{root} is left out of Carryover: excluded by {excluded}. So no handoff is made of it."
        elif len(done.roots) <= FEW:
            yield f"`carryover handoff {shell_word(root)}` prints the handoff."
    if len(done.roots) > FEW:
        yield "`carryover sessions --all` lists the sessions of all projects."


def _content(report: Report) -> str:
    agent = agent_name(report.agent)
    days = (local_time(at_ms).split()[0] for at_ms in (report.first_ms, report.last_ms) if at_ms is not None)
    facts = (
        f"{counted(len(report.sessions), 'session')} of {agent}",
        f"saved by {report.form}" if report.form != agent else "",
        counted(report.prompts, "prompt"),
        " to ".join(dict.fromkeys(days)),
    )
    return f"{', '.join(filter(None, facts))}; of {_named_roots(report.projects)}"


def _named_roots(roots: Sequence[str]) -> str:
    return ", ".join(roots) if len(roots) <= FEW else counted(len(roots), "project")


def _notes(report: Report, done: ImportedFiles, *, dry_run: bool) -> Iterator[str]:
    if not dry_run:
        new = report.new_events or 0
        if new or not report.forgotten:
            nothing = "Nothing added." if report.problem else "Nothing added: the ledger has all of it."
            yield f"{counted(new, 'event')} added." if new else nothing
        if report.forgotten:
            when = f" on {local_time(report.forgotten_ms)}" if report.forgotten_ms else ""
            yield f"{counted(report.forgotten, 'event')} left out: you had this forgotten{when}. --again takes it back."
    if done.project is not None and report.projects != [done.project]:
        yield (
            f"Its session was recorded before and stays in {_named_roots(report.projects)}, whatever --project says. "
            "To move it: `carryover forget ID`, then import it again with "
            f"--again --project {shell_word(done.project)}."
        )
    away = [root for root in report.projects if root in done.away]
    if away:
        yield f"{_named_roots(away)}: no such folder here; --project DIR puts the sessions into one that is."
    yield from report.misdeclared
    if report.torn:
        yield "Its last line is cut off and was left out."
    if report.oversized:
        yield f"{counted(report.oversized, 'record')} too long to be read."
    if report.skipped:
        yield f"{counted(report.skipped, 'record')} not understood and skipped; nothing else is affected."
