"""`carryover status`: shows what Carryover sees and does. Never changes or creates anything."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from carryover.actions.context import now_ms, state_dir
from carryover.cli.arguments import describe
from carryover.cli.status_details import is_absent, sections, sync_summary
from carryover.errors import ExitCode, visible
from carryover.terminal.output import (
    BOLD,
    USUAL_WIDTH,
    YELLOW,
    ago,
    counted,
    duration,
    harmless,
    is_read_for,
    paint,
    print_json,
    print_lines,
    size,
    terminal_width,
    visible_but_style,
    wrapped,
)
from carryover.terminal.pager import add_pager_argument, paged
from carryover.terminal.width import columns

if TYPE_CHECKING:
    from carryover.diagnose.report import AgentReport, Report

WATCH_EVERY_S: Final = 2.0
MOST_LINES: Final = 10
MOST_LIMITS: Final = 2
NAME_WIDTH: Final = 12
_CLEAR: Final = "\x1b[2J\x1b[H"

DESCRIPTION: Final = """\
Shows in a few lines whether Carryover runs, what it has recorded, which agents
and projects it follows, usage limits and problems. With -v also the service,
hooks and folders of each agent, what was redacted, what was not understood and
what is broken; `carryover doctor` says what to do about it.
Changes nothing and creates nothing. Works without the daemon."""

EXAMPLES: Final = """\
examples:
  carryover status          the short form
  carryover status -v       everything there is to say
  carryover status --watch  the same, every two seconds until Ctrl-C
  carryover status --json   everything, as data
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES)
    parser.add_argument("-v", "--verbose", action="store_true", help="say everything there is to say")
    parser.add_argument("--json", action="store_true", help="print everything as JSON; times are UTC milliseconds")
    parser.add_argument(
        "--watch",
        action="store_true",
        help="show it again every two seconds, until Ctrl-C; with --json one object per line",
    )
    add_pager_argument(parser)


def run(args: argparse.Namespace) -> int:
    if args.watch:
        return _watch(args)
    report = _report()
    if args.json:
        print_json(_as_data(report))
    else:
        with paged(args):
            print_lines(_lines(report, verbose=args.verbose))
    return ExitCode.OK


def _watch(args: argparse.Namespace) -> int:
    """Prints the status repeatedly until Ctrl-C or until its reader goes away; both are normal ways to end it."""
    from carryover.install.detect import asking_once

    on_terminal, ask = sys.stdout.isatty(), asking_once()
    try:
        while True:
            report = _report(ask=ask)
            if args.json:
                print_json(_as_data(report), in_one_line=True)
            elif on_terminal:
                print(_CLEAR + "\n".join(_on_one_screen(_lines(report, verbose=args.verbose))), end="")
            else:
                print_lines(_lines(report, verbose=args.verbose))
            sys.stdout.flush()
            if on_terminal:
                time.sleep(WATCH_EVERY_S)
            elif not is_read_for(WATCH_EVERY_S):
                return ExitCode.OK
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED


def _on_one_screen(lines: Iterable[str]) -> list[str]:
    """Returns the rows that `lines` take on the terminal; if it has fewer, the last one says how many are missing."""
    import shutil

    width, height = shutil.get_terminal_size()
    rows = [row for line in lines for row in wrapped(visible_but_style(line), width).split("\n")]
    hidden = len(rows) - height
    if hidden <= 0:
        return rows
    return [*rows[: height - 1], f"... and {hidden + 1} more lines: without --watch all are shown"]


def _report(**options: Any) -> Report:
    from carryover.diagnose.gather import gather

    return gather(state_dir(), Path.home(), **options)


def _as_data(report: Report) -> dict[str, Any]:
    from carryover.diagnose.report import as_data

    return as_data(report)


def _lines(report: Report, *, verbose: bool) -> Iterable[str]:
    width = terminal_width() or USUAL_WIDTH
    return lines(report, now_ms=now_ms(), width=None if verbose else width)


def lines(report: Report, *, now_ms: int, width: int | None) -> list[str]:
    """Returns at most `MOST_LINES` lines, with as many agents and projects as have room in `width` columns; for None,
    everything there is to say."""
    verbose = width is None
    found = [*_limits(report, now_ms)][: None if verbose else MOST_LIMITS]
    found.append(_entry("carryoverd", _daemon(report)))
    if report.paused:
        found.append(_entry("paused", paint("nothing is read or handed over; `carryover unpause` ends that", YELLOW)))
    found += [_entry("left out", left_out) for left_out in _left_out(report)]
    found.append(_entry("recorded", _recorded(report, now_ms)))
    if width is not None:
        found += _summaries(report, now_ms, width - NAME_WIDTH - 1)
    problems = [_entry(name, text) for name, text in _problems(report)]
    if verbose:
        return [*found, *problems, *sections(report, now_ms)]
    left = MOST_LINES - len(found) - 1
    what_to_do = "; `carryover doctor` says what to do" if problems else ""
    if len(problems) > left:
        problems = [*problems[: left - 1], _entry("", f"and {len(problems) - left + 1} more problems")]
    return [*found, *problems, _entry("more", f"`carryover status -v`{what_to_do}")]


def _limits(report: Report, now_ms: int) -> Iterator[str]:
    """Yields the usage limits, which come first: someone who runs `status` now may be waiting for one to end."""
    for row in report.ledger.limits if report.ledger is not None else ():
        resets = f"; it resets {row.resets}" if row.resets else ""
        text = f"{row.name} reached its usage limit in {report.short(row.root)} {ago(row.at_ms, now_ms)}{resets}."
        yield paint(text, YELLOW) + "".join(f" Continue: {visible(command)}" for command in row.commands[:1])


def _daemon(report: Report) -> str:
    health = report.daemon
    if health is None and all(agent.selected is None for agent in report.agents):
        return "not installed; `carryover install` sets it up and asks one question"
    if health is None:
        return "not running, so no handoff is kept fresh: `carryover start`"
    reading = "caught up" if health.caught_up else "still reading history"
    return f"{paint('running', BOLD)} for {duration(health.uptime_s)}, {reading}"


def _left_out(report: Report) -> list[str]:
    """Returns the projects that the user paused or excluded, in one line; empty if there are none."""
    excluded = report.config.excluded if report.config is not None else ()
    if not excluded:
        return []
    names = ", ".join(harmless(report.short(pattern)) for pattern in excluded[:2])
    more = f" and {len(excluded) - 2} more" if len(excluded) > 2 else ""
    return [paint(f"{names}{more}; `carryover unpause PROJECT` includes a project again", YELLOW)]


def _recorded(report: Report, now_ms: int) -> str:
    ledger = report.ledger
    if ledger is not None:
        newest = max((row.last_event_ms for row in ledger.projects), default=0)
        sessions, projects = counted(ledger.sessions, "session"), counted(ledger.project_count, "project")
        what = f"{sessions} in {projects}, {size(ledger.bytes)}"
        return f"{what}, newest {ago(newest, now_ms)}" if newest else what
    if not report.would_read:
        return "nothing yet"
    transcripts = counted(sum(row.transcripts for row in report.would_read), "transcript")
    return f"nothing yet; there are {transcripts} to read, {size(sum(row.bytes for row in report.would_read))}"


def _summaries(report: Report, now_ms: int, room: int) -> Iterator[str]:
    by_use = sorted(report.agents, key=lambda agent: (-(agent.last_event_ms or 0), agent.selected is False))
    if agents := [_agent(agent, now_ms) for agent in by_use if not is_absent(agent)]:
        yield _entry("agents", _some(agents, len(agents), room))
    if (ledger := report.ledger) is not None and ledger.projects:
        projects = [f"{report.short(row.root)} {ago(row.last_event_ms or None, now_ms)}" for row in ledger.projects]
        yield _entry("projects", _some(projects, ledger.project_count, room))
    if report.sync is not None:
        yield _entry("sync", sync_summary(report.sync, now_ms))


def _agent(agent: AgentReport, now_ms: int) -> str:
    last = ago(agent.last_event_ms, now_ms) if agent.last_event_ms is not None else "nothing yet"
    return f"{agent.name} {last}" + (" (not selected)" if agent.selected is False else "")


def _some(items: Sequence[str], total: int, room: int) -> str:
    """Lists the first of `items`, at least one and as many as have room, and how many of `total` are left out."""
    shown = len(items)
    while True:
        more = f" and {total - shown} more" if total > shown else ""
        line = ", ".join(items[:shown]) + more
        if shown == 1 or columns(line) <= room:
            return line
        shown -= 1


def _problems(report: Report) -> Iterator[tuple[str, str]]:
    """Yields what `carryover doctor` would find without looking closer; what the first lines say is left out."""
    from carryover.diagnose.checks import findings

    found = [finding for finding in findings(report) if finding.check not in ("install", "daemon", "paused")]
    wrong = dict.fromkeys((*report.problems, *(finding.what for finding in found if finding.level == "wrong")))
    yield from (("problem", paint(text, YELLOW)) for text in wrong)
    yield from (("to do", finding.what) for finding in found if finding.level == "todo")


def _entry(name: str, text: str) -> str:
    return f"{name:<{NAME_WIDTH}} {text}"
