"""`carryover handoff`: prints the handoff of a project or of one transcript, or puts it on the clipboard."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from carryover.clock import utc_now_ms
from carryover.errors import ExitCode, UserError
from carryover.faces.cli.arguments import add_tokens_argument, describe, flag, positive, recorded_agent
from carryover.model import id_in_command
from carryover.past.context import project_root
from carryover.past.handoff import WantedHandoff, current_handoff
from carryover.terminal.output import (
    BOLD,
    CYAN,
    DIM,
    ago,
    local_time,
    paint,
    print_document,
    print_json,
    print_lines,
    say,
)
from carryover.terminal.paths import short_path
from carryover.terminal.streams import is_terminal
from carryover.text.harmless import harmless, one_line

if TYPE_CHECKING:
    from carryover.past.handoff import LineRecord, PrintedHandoff

DESCRIPTION: Final = """\
Prints the handoff of a project: what was being done, what was tried, what comes
next. Works without the daemon too, straight from what the agents left on disk;
if Carryover has no ledger yet, nothing is stored.

On a terminal it is laid out for you; piped, or with --raw, it is the file that
agents get, byte for byte. `carryover to AGENT` starts another agent with it."""

EXAMPLES: Final = """\
  carryover handoff                      the project you are in
  carryover handoff ~/code/shop --json   another one, as data
  carryover handoff --transcript session.jsonl --until 120
                                         from the first 120 lines of one file
  carryover handoff --raw                the text that agents get
  carryover handoff --why                with the source of each line
  carryover handoff --tokens 8000        with more of the conversation
  carryover handoff --session 3f2a       with that session's work
  carryover handoff --copy               to paste it anywhere"""

_TO_AGENTS: Final = "for the user: "
"""Starts the part of a usage-limit line that is addressed to the user and not to the agent."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    add = parser.add_argument
    add("project", metavar="PROJECT", nargs="?", help="a folder of the project (default: this one)")
    flag(parser, "--raw", "print the text that agents get, on a terminal too")
    flag(parser, "--json", "print the sections as JSON")
    flag(parser, "--why", "print under each line the record, session and turn it comes from")
    add_tokens_argument(parser)
    add(
        "--transcript",
        metavar="FILE",
        help="make it from this file alone, wherever it is: no ledger, no git, no file of the project",
    )
    add("--agent", metavar="AGENT", help="who wrote FILE (default: detected from its content)")
    add("--until", metavar="N", type=positive, help="read FILE up to its line N (message N, where it is one document)")
    add("--session", metavar="ID", help="begin with the work of session ID (a unique beginning, or `last`)")
    flag(parser, "--copy", "put the handoff on the clipboard and print nothing of it")
    help_to = "print the command that continues in AGENT, as `carryover to AGENT` does in a pipe"
    add("--to", metavar="AGENT", type=recorded_agent, help=help_to)


def run(args: argparse.Namespace) -> None:
    of_file = args.transcript is not None or args.agent is not None or args.until is not None
    if sum((args.to is not None, args.copy, args.json or args.why or of_file)) > 1:
        what = "--copy and --to cannot be combined with each other, or with --json, --why or --transcript."
        raise UserError(what, ExitCode.USAGE)
    if args.to is not None:
        from carryover.faces.cli.resume import continue_in

        continue_in(args.to, args, run=False)
        return
    if args.copy:
        _copy(args)
        return
    handed_over = _handed_over(args)
    if args.json:
        print_json(handed_over)
    elif args.why:
        print_document(with_reasons(handed_over))
    elif args.raw or not is_terminal():
        print_document(handed_over.text)
    else:
        print_lines(lines_for_person(handed_over, now_ms=utc_now_ms()))


def _handed_over(args: argparse.Namespace) -> PrintedHandoff:
    if args.transcript is not None:
        if args.project is not None or args.session is not None:
            raise UserError("Give a PROJECT or --session ID, or else --transcript FILE.", ExitCode.USAGE)
        from carryover.past.transcript import handoff_of_transcript

        return handoff_of_transcript(Path(args.transcript), args.agent, args.until, args.tokens)
    if args.agent is not None or args.until is not None:
        raise UserError("--agent and --until need --transcript FILE.", ExitCode.USAGE)

    return current_handoff(WantedHandoff(root=project_root(args.project), session=args.session, tokens=args.tokens))


def _copy(args: argparse.Namespace) -> None:
    from carryover.actions.clipboard import copy

    handed_over = _handed_over(args)
    way = copy(handed_over.text)
    where = f"The handoff of {handed_over.project} is on the clipboard ({way})."
    say(f"{where} Paste it as the first prompt of the next agent.")


def lines_for_person(handoff: PrintedHandoff, *, now_ms: int) -> Iterator[str]:
    """Yields the lines for a terminal, without list markers and what a line says to agents."""
    when = f"{local_time(handoff.updated_ms)} ({ago(handoff.updated_ms, now_ms)})"
    yield paint(short_path(handoff.project), BOLD)
    yield paint(f"last work {when}, {handoff.agent_name}", DIM)
    for section in handoff.sections:
        yield from ("", paint(section.title, f"{BOLD};{CYAN}"))
        for line, sources in zip(section.lines, section.sources, strict=True):
            shown = line.removeprefix("> ")
            if any(source.kind == "limit" for source in sources):
                shown = shown.replace(_TO_AGENTS, "")
            yield f"  · {harmless(shown)}"
    yield ""
    yield paint(f"carryover show {id_in_command(handoff.session)}  the whole session", DIM)
    yield paint("carryover handoff --raw  the text that agents get", DIM)


def with_reasons(handoff: PrintedHandoff) -> str:
    """Returns the sections with a line under each entry that names its record, session and turn."""
    printed = []
    for section in handoff.sections:
        printed.append(f"## {section.title}")
        for line, sources in zip(section.lines, section.sources, strict=True):
            printed.append(f"- {line}")
            printed += [f"    why: {_reason(source)}" for source in sources]
    return "\n".join(printed) + "\n"


def _reason(source: LineRecord) -> str:
    where = source.session
    if source.turn is not None:
        where = f"turn {source.turn} of {source.session or ''}"
    return one_line(", ".join(filter(None, (source.kind, source.agent, where, source.at))))
