"""`carryover log`, the timeline of a project across agents, and `why`: the turns behind a file, a line or a commit."""

from __future__ import annotations

import argparse
import os
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Final

from carryover.clock import utc_now_ms
from carryover.errors import ExitCode, UserError
from carryover.faces.cli.arguments import TIMES, add_limit_argument, describe, flag
from carryover.model import NOTE
from carryover.past.context import nothing_recorded, project_root
from carryover.past.timeline import log
from carryover.past.titles import show_command
from carryover.past.types import Moment
from carryover.terminal.output import BOLD, GREEN, RED, YELLOW, paint, print_result, to_the_minute, when
from carryover.terminal.table import entry_lines
from carryover.text.harmless import harmless, one_line

if TYPE_CHECKING:
    from carryover.past.file_changes import TurnChange
    from carryover.past.line_history import LineHistory
    from carryover.past.origins import Found

LOG_LIMIT: Final = 100
_SHORT: Final = 8
"""How much of a commit's id is shown."""

LOG: Final = """\
Prints what happened in a project, newest first, whichever agent did it: where
sessions began and one agent took over from another, your prompts (how they
begin, without pastes), tests that began to fail or pass again, compactions and
usage limits; the commits that a session made itself, and those with edits of it
that were made until an hour after it."""

LOG_EXAMPLES: Final = """\
  carryover log                        the project you are in
  carryover log ~/code/shop -n 500     further back, in another project
  carryover log --since yesterday --agent codex
  carryover why COMMIT                 the turns that are in a commit"""


def log_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, LOG, LOG_EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument("project", metavar="PROJECT", nargs="?", help="a folder of the project (default: this one)")
    parser.add_argument("--since", metavar="WHEN", default=0, help=f"only what is not older: {TIMES}")
    parser.add_argument("--agent", metavar="AGENT", help="only what AGENT did, by its id or another name")
    add_limit_argument(parser, usual=LOG_LIMIT, what="print at most N entries")
    flag(parser, "--json", "print the timeline as JSON; times are UTC milliseconds")


def run_log(args: argparse.Namespace) -> None:
    root = project_root(args.project)
    moments = log(root, since_ms=args.since, agent=args.agent, limit=args.limit)
    if not moments:
        if not (args.agent or args.since):
            raise nothing_recorded(root)
        nothing = f"Nothing is recorded for {root} that matches. Without --since and --agent all is listed."
        raise UserError(nothing, ExitCode.NOTHING_FOUND)
    now = utc_now_ms()
    prompts = [(moment.session, moment.text) for moment in moments if moment.kind == "prompt"]
    print_result(args, moments, (line for moment in moments for line in _moment(moment, now, prompts)))


_TITLE_CHARS: Final = 60
"""A title that shares so many characters with a prompt repeats it."""
_KINDS: Final = {"session": "session began", "hand-over": "agent changed"}
"""What an entry is called where its kind alone says too little, or reads like the handoff."""


def _moment(moment: Moment, now: int, prompts: Collection[tuple[str, str]]) -> Iterator[str]:
    """Yields the lines of one entry. A session's title is left out where it stands in a prompt that is listed."""
    # The id of a commit before the rest, for which 80 columns have no room.
    kind = f"commit {paint(moment.commit[:_SHORT], YELLOW)}" if moment.commit else _KINDS.get(moment.kind, moment.kind)
    head = (
        to_the_minute(moment.at_ms, now),
        moment.agent_name if moment.agent != NOTE else "",
        paint(show_command(str(moment.short), moment.turn), BOLD),
        kind + (" with its edits" if moment.how == "edits" else ""),
    )
    title = moment.text[:_TITLE_CHARS]
    is_listed = moment.kind == "session" and any(of == moment.session and title in text for of, text in prompts)
    text = "" if is_listed else " ".join(harmless(moment.text).split())
    if moment.kind == "hand-over":
        text = f"from {moment.before_name} to {moment.agent_name}"
    elif moment.kind == "tests":
        text = paint(text, RED if text.startswith("fail") else GREEN)
    return entry_lines(head, text)


WHY_LIMIT: Final = 50
_PROMPT_CHARS: Final = 400

WHY: Final = """\
Lists the turns in which agents changed a file, newest first, each with the
prompt that asked for it. The file may have been renamed or deleted since, and
its project moved: renames by agents are followed, and those that git knows.

With FILE:LINE it names the newest turn that wrote a line of this text, before
the commit that git names for the line. A line with hardly any text, such as a
bracket, is recognised along with the line above it; where that is not enough,
the newest turns are listed that may have written it. FILE:FROM-TO asks for
several lines.

With a commit it lists the turns that wrote its lines, and the session that ran
`git commit`."""

WHY_EXAMPLES: Final = """\
  carryover why src/cart.py
  carryover why src/cart.py:12         the turn that wrote line 12
  carryover why src/cart.py:12-30      the turns that wrote these lines
  carryover why HEAD                   the turns that are in a commit
  carryover show 58cb4187 --turn 2     one of these turns, as the listing names it"""

_MOST_POSSIBLE: Final = 5
"""Turns that are shown of those that may have written a line."""

_EXPLAINED: Final[Mapping[str, str]] = {
    "by_text": "",
    "turns": "The turns that may have written it:",
    "before": "This line was there before the first recorded edit of the file",
    "outside": "No recorded edit wrote this line: it was changed outside the sessions.",
    "unknown": "No recorded edit wrote this line: it is older, or was changed outside the sessions.",
}


def why_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, WHY, WHY_EXAMPLES, ExitCode.NOTHING_FOUND, ExitCode.REFUSED)
    parser.add_argument(
        "file",
        metavar="FILE",
        help="the file, which need not exist any more; FILE:LINE or FILE:FROM-TO; or a commit",
    )
    add_limit_argument(parser, usual=WHY_LIMIT, what="list at most N turns")
    flag(parser, "--json", "print the turns as JSON; times are UTC milliseconds")


def run_why(args: argparse.Namespace) -> int:
    from carryover.past.origins import is_known, origin_of  # not at the top: `log` needs none of it

    root, found = origin_of(args.file, limit=args.limit)
    print_result(args, found, _entries(root, found, args.limit, utc_now_ms()))
    return ExitCode.OK if is_known(found) else ExitCode.NOTHING_FOUND


def _entries(root: str, found: Found, limit: int, now: int) -> Iterator[str]:
    """Yields a commit with at most `limit` turns; or the turns of a file, or the lines, each with its turns."""
    from carryover.past.file_changes import TurnChange
    from carryover.past.line_history import LineHistory
    from carryover.past.origins import CommitHistory

    if isinstance(found, CommitHistory):
        commit, by = found.commit, found.made_by
        author = f"made by {by.agent_name} {paint(by.short, BOLD)}" if by is not None else ""
        head = (when(commit.authored_ms, now), f"commit {paint(commit.short, YELLOW)}", author)
        yield from entry_lines(head, one_line(commit.subject, _PROMPT_CHARS))
        yield from _turns(found.turns[:limit], now, root)
        return
    parts = [found] if isinstance(found, LineHistory) else found
    for line in (part for part in parts if isinstance(part, LineHistory)):
        yield from _line(root, line, now)
        yield from _turns(line.turns[:_MOST_POSSIBLE], now)
    yield from _turns((part for part in parts if isinstance(part, TurnChange)), now)


def _line(root: str, line: LineHistory, now: int) -> Iterator[str]:
    """Yields a line of the file, or several, with what is known about their origin."""
    came: tuple[str, ...] = ("not committed" if line.commit_known else "commit not known: git gave no answer",)
    if not os.path.lexists(os.path.join(root, ".git")):  # noqa: PTH118 (the root is text here)
        came = ()
    elif line.commit is not None:
        came = (f"commit {paint(line.commit.short, YELLOW)}", when(line.commit.authored_ms, now))
    numbers = str(line.line) if line.last == line.line else f"{line.line}-{line.last}"
    name = os.path.relpath(line.file, root)
    yield from entry_lines((paint(f"{name}:{numbers}", BOLD), *came), harmless(line.text))
    explained = _EXPLAINED[line.found]
    if line.found == "before" and line.first_edit_ms is not None:
        explained = f"{explained} ({when(line.first_edit_ms, now)})."
    elif len(line.turns) > _MOST_POSSIBLE:
        explained = f"The newest {_MOST_POSSIBLE} of {len(line.turns)} turns that may have written it (--json has all):"
    yield from filter(None, [explained])


def _turns(changes: Iterable[TurnChange], now: int, root: str | None = None) -> Iterator[str]:
    """Yields one entry per turn, with `root` also the names of the files that it changed there."""
    for _, same in groupby(changes, key=lambda change: (change.session, change.prompt, change.subagent_id)):
        of_turn = list(same)
        first = of_turn[0]
        names = [f"{os.path.relpath(change.path, root)} " if root is not None else "" for change in of_turn]
        changed = ", ".join(f"{name}{change.summary}" for name, change in zip(names, of_turn, strict=True))
        show = show_command(first.short, first.turn, subagent=first.subagent_id is not None)
        head = (when(first.at_ms, now), first.agent_name, paint(show, BOLD), changed)
        asked = f"asked “{first.asked}”: " if first.asked else ""
        yield from entry_lines(head, asked + one_line(first.prompt or "(no prompt recorded)", _PROMPT_CHARS))
