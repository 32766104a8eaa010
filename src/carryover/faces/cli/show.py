"""`carryover show`: prints the conversation of one session."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from itertools import chain
from typing import Final

from carryover.errors import ExitCode, UserError
from carryover.faces.cli.arguments import add_session_argument, describe, flag
from carryover.past.session import OpenedSession, ShownPart, opened_session
from carryover.terminal import output
from carryover.terminal.output import BOLD, DIM, GREEN, RED, as_json, counted, paint, print_document, print_lines
from carryover.terminal.paths import short_path
from carryover.text.harmless import harmless, one_line

DESCRIPTION: Final = """\
Prints one session as text: prompts and answers whole, one line for each tool
call, edit and interruption, with the first lines of what an edit changed. What
you retracted is marked so. Secrets were taken out when it was recorded."""

EXAMPLES: Final = """\
  carryover show                   the newest session of the project you are in
  carryover show 3f2a              the session whose id begins with 3f2a
  carryover show 3f2a --full       also what tools printed, whole edits, sub-agents
  carryover show 3f2a --turn 4     all that came of your fourth prompt
  carryover show 3f2a --turn 3-5   three turns
  carryover show 3f2a --json       every recorded event, as data

`carryover sessions` lists the ids; the last line of a handoff names one."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    add_session_argument(parser)
    flag(parser, "--full", "add tool output, whole edits, plans, summaries and sub-agents")
    parser.add_argument(
        "--turn",
        metavar="N",
        type=turns,
        help="only what came of your prompt N, counted from 1, with what tools printed; N-M for several turns, 0 for "
        "what was before the first prompt",
    )
    flag(parser, "--json", "print every recorded event as JSON")


def run(args: argparse.Namespace) -> None:
    with opened_session(args.id) as shown:
        about = f"Session {shown.session.native_id}"
        if args.turn is not None:
            about += _which(args.turn, shown)
        full = args.full or args.turn is not None
        title = shown.title
        if args.json:
            _print_json(shown, args.turn)
        else:
            parts = shown.shown_parts(args.turn, subagents=args.full)
            first = next(parts, None)
            if first is None and args.turn is not None:
                raise UserError(
                    f"Nothing is recorded of session {shown.session.native_id} before its first prompt.",
                    ExitCode.NOTHING_FOUND,
                )
            print_lines(_heading(about, shown, title))
            print_lines(conversation(chain(filter(None, (first,)), parts), shown.agent, full=full))


def _which(turns: range, shown: OpenedSession) -> str:
    """Says which of its turns are shown. Raises UserError (NOTHING_FOUND) if it has not as many."""
    first, last = turns[0], turns[-1]
    if last > shown.turns:
        number = counted(shown.turns, "turn")
        raise UserError(
            f"Session {shown.session.native_id} has {number}, so there is no turn {last}.", ExitCode.NOTHING_FOUND
        )
    return f", turn{f' {first}' if first == last else f's {first} to {last}'} of {shown.turns}"


def _print_json(shown: OpenedSession, turns: range | None) -> None:
    """Prints event by event, since a session may be too large to hold in memory."""
    print_document(f'{{"session": {as_json(shown.session)}, "events": [')
    for number, event in enumerate(shown.events(turns)):
        print_document((",\n" if number else "\n") + as_json(event))
    print_document("\n]}\n")


def _heading(about: str, shown: OpenedSession, title: str) -> Iterator[str]:
    session = shown.session
    if title:
        yield paint(one_line(title, LINE_LIMIT), BOLD)
    yield paint(about, DIM if title else BOLD)
    version = f"{shown.agent} {session.agent_version or ''}".strip()
    machine = f"{version} on {session.machine}" if session.machine else version
    folder = short_path(session.root) if session.root else ""
    yield harmless(", ".join(filter(None, (machine, folder, session.branch or ""))))


def turns(text: str) -> range:
    """Parses turn numbers such as `3` or `3-5`; an argparse type, so its error becomes a usage message."""
    first, dash, last = text.partition("-")
    try:
        numbers = range(int(first), int(last if dash else first) + 1)
    except ValueError:
        numbers = range(0)
    if not numbers or numbers[0] < 0:
        raise argparse.ArgumentTypeError(f"{text!r} names no turn; write 3, or 3-5")
    return numbers


LINE_LIMIT: Final = 110
"""Maximum length, in characters, of text that is not conversation, such as the message about a limit."""
DIFF_LINES: Final = 6
"""Changed lines of an edit that are shown without `--full`."""
JOINED_MS: Final = 60_000
"""Prompts in a row that are at most so far apart, such as queued ones, have one heading and one time."""
_MARGIN: Final = 6
_CUT: Final = r"\\ (\d{1,9}) more lines"
_CHANGES: Final = {"+": GREEN, "-": RED}


def conversation(parts: Iterable[ShownPart], agent: str, *, full: bool) -> Iterator[str]:
    """Yields the lines of a session of `agent` (its display name), with local times.

    Prompts and answers are complete; `full` adds tool output, plans and summaries. What the user retracted is dimmed
    and marked.
    """
    speaker: tuple[str, str | None, bool] | None = None
    spoke_ms = 0
    day: date | None = None
    for part in parts:
        if part.repeated and not full:
            continue
        moment = datetime.fromtimestamp(part.at_ms / 1000).astimezone()
        if (today := moment.date()) != day:
            day = today
            yield from ("", paint(f"{day:%A, %d %B %Y}", DIM))
        speaks = part.kind != "happening"
        who = (harmless(part.heading) if part.kind in ("user", "agent") else agent, part.subagent_id, part.retracted)
        is_later = part.kind == "user" and part.at_ms - spoke_ms > JOINED_MS
        if speaks and (speaker != who or is_later):
            speaker = who
            where = f" (sub-agent {part.subagent_id})" if part.subagent_id else ""
            retracted = " (retracted)" if part.retracted else ""
            yield from ("", f"{paint(f'{moment:%H:%M:%S}', DIM)}  {paint(who[0] + where + retracted, BOLD)}")
        if speaks:
            spoke_ms = part.at_ms
        lines = _lines(part, full=full)
        if part.retracted:
            lines = [lines[0] if speaks else f"{lines[0]}  (retracted)", *lines[1:]]
            lines = [paint(line, DIM) if line else "" for line in lines]
        yield from (f"  {line}".rstrip() for line in lines)


def _lines(part: ShownPart, *, full: bool) -> list[str]:
    is_shown = full or part.is_diff or part.kind != "tool"
    text = harmless(part.text).rstrip().lstrip("\n") if is_shown else ""  # its first line may be indented
    if part.kind in ("user", "agent"):
        return text.split("\n")
    line = f"{paint('✗', RED) if part.failed else '·'} {harmless(part.heading)}"
    if part.kind == "happening":
        return [f"{line}: {one_line(text, LINE_LIMIT)}" if text else line]
    if part.is_diff and text:
        rows = _diff(harmless(part.text).split("\n"), full=full)
    else:
        rows = text.split("\n") if text else []
    return [line, *(f"    {row}" for row in rows)]


def _diff(rows: list[str], *, full: bool) -> list[str]:
    """What an edit changed: all of it, or the first changed lines, as wide as the terminal, and how many are left."""
    if full:
        return [paint(row, _CHANGES.get(row[:1], DIM)) for row in rows]
    changed = [row for row in rows if row[:1] in _CHANGES]
    width = (output.terminal_width() or output.USUAL_WIDTH) - _MARGIN
    shown = [
        paint(output.cut_to_width(row.replace("\t", "    "), width), _CHANGES[row[0]]) for row in changed[:DIFF_LINES]
    ]
    cut = re.fullmatch(_CUT, rows[-1])
    left = len(changed) - len(shown) + (int(cut[1]) if cut is not None else 0)
    return [*shown, paint(f"… {counted(left, 'more line')}: --full", DIM)] if left else shown
