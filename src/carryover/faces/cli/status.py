"""`carryover status` shows what Carryover sees and does, and changes nothing; `doctor` finds problems and repairs."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from carryover.errors import ExitCode, visible
from carryover.faces.cli.arguments import add_pager_argument, describe, flag
from carryover.past.context import now_ms
from carryover.terminal import output
from carryover.terminal.output import (
    BOLD,
    YELLOW,
    ago,
    counted,
    duration,
    harmless,
    paint,
    rounded,
    size,
)
from carryover.terminal.pager import paged
from carryover.terminal.streams import flush, is_terminal, shown

if TYPE_CHECKING:
    from carryover.past.diagnose.report import AgentReport, DeclaredReport, LedgerReport, Report
    from carryover.past.status import ProjectStatus

WATCH_EVERY_S: Final = 2.0
MOST_LINES: Final = 10
MOST_LIMITS: Final = 2
NAME_WIDTH: Final = 12
DETAIL_WIDTH: Final = 16
SHOWN: Final = 12
"""Maximum length of most lists of `-v`; --json has everything."""
_DRIFT: Final = {
    "older": "older than the versions whose hooks are known",
    "newer": "newer than the versions that are known; their last hooks are used",
    "unreadable": "version not readable",
    "missing": "not on this machine",
}

STATUS: Final = """\
Shows in a few lines whether Carryover runs, what it has recorded, which agents
and projects it follows, usage limits and problems. With -v also the service,
hooks and folders of each agent, how each would get the handoff in this project,
what was redacted, what was not understood and what is broken; `carryover
doctor` says what to do about it.
Changes nothing and creates nothing. Works without the daemon."""

STATUS_EXAMPLES: Final = """\
  carryover status          the short form
  carryover status -v       everything there is to say
  carryover status --watch  the same, every two seconds until Ctrl-C
  carryover status --json   everything, as data"""


def status_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, STATUS, STATUS_EXAMPLES)
    flag(parser, "-v", "--verbose", "say everything there is to say")
    flag(parser, "--json", "print everything as JSON; times are UTC milliseconds")
    flag(parser, "--watch", "show it again every two seconds, until Ctrl-C; with --json one object per line")
    add_pager_argument(parser)


def run_status(args: argparse.Namespace) -> int:
    if args.watch:
        return _watch(args)
    from carryover.past.status import status_report

    report = status_report(in_short=_is_short(args))
    with paged(args):
        _print(report, args)
    return ExitCode.OK


def _is_short(args: argparse.Namespace) -> bool:
    return not (args.verbose or args.json)


def _watch(args: argparse.Namespace) -> int:
    """Prints the status repeatedly until Ctrl-C or until its reader goes away; both are normal ways to end it."""
    from carryover.past.status import repeated_report

    in_place = is_terminal()
    report_now = repeated_report(in_short=_is_short(args))
    try:
        while True:
            report = report_now()
            if in_place and not args.json:
                output.redraw(_on_one_screen(_lines(report, args)))
            else:
                _print(report, args)
            flush()
            if in_place:
                time.sleep(WATCH_EVERY_S)
            elif not output.is_read_for(WATCH_EVERY_S):
                return ExitCode.OK
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED


def _print(report: Report, args: argparse.Namespace) -> None:
    if args.json:
        from carryover.past.diagnose.report import as_data

        output.print_json(as_data(report), in_one_line=args.watch)
    else:
        output.print_lines(_lines(report, args))


def _lines(report: Report, args: argparse.Namespace) -> list[str]:
    return lines(report, now_ms=now_ms(), width=None if args.verbose else output.terminal_width() or output.USUAL_WIDTH)


def _on_one_screen(found: Iterable[str]) -> list[str]:
    """Returns the rows that lines take on the terminal; if it has fewer, the last one says how many are missing."""
    import shutil

    width, height = shutil.get_terminal_size()
    rows = [row for line in found for row in output.wrapped(shown(line), width).split("\n")]
    hidden = len(rows) - height
    if hidden <= 0:
        return rows
    return [*rows[: height - 1], f"... and {hidden + 1} more lines: without --watch all are shown"]


def lines(report: Report, *, now_ms: int, width: int | None) -> list[str]:
    """Returns at most `MOST_LINES` lines, with what fits in `width` columns; with None, all there is to say."""
    found = [*_limits(report, now_ms)][: None if width is None else MOST_LIMITS]
    found.append(_entry("carryoverd", _daemon(report)))
    if report.paused:
        found.append(_entry("paused", paint("nothing is read or handed over; `carryover unpause` ends that", YELLOW)))
    if excluded := report.config.excluded if report.config is not None else ():
        names = ", ".join(harmless(report.short(pattern)) for pattern in excluded[:2])
        more = f" and {len(excluded) - 2} more" if len(excluded) > 2 else ""
        text = f"{names}{more}; `carryover unpause PROJECT` includes a project again"
        found.append(_entry("left out", paint(text, YELLOW)))
    found.append(_entry("recorded", _recorded(report, now_ms)))
    problems = [*_problems(report)]
    if width is None:
        return [*found, *problems, *_details(report, now_ms)]
    found += _summaries(report, now_ms, width - NAME_WIDTH - 1)
    what_to_do = "; `carryover doctor` says what to do" if problems else ""
    left = MOST_LINES - len(found) - 1
    if len(problems) > left:
        problems = [*problems[: left - 1], _entry("", f"and {len(problems) - left + 1} more problems")]
    elif len(problems) < left:
        problems += _uncommitted_in_short(report)
    return [*found, *problems, _entry("more", f"`carryover status -v`{what_to_do}")]


def _problems(report: Report) -> Iterator[str]:
    from carryover.past.status import problems

    found = problems(report)
    yield from (_entry("problem", paint(text, YELLOW)) for text in found.wrong)
    yield from (_entry("to do", text) for text in found.todo)


def _uncommitted_in_short(report: Report) -> Iterator[str]:
    """Yields one line for all projects: to leave the lines uncommitted is a choice, and no problem."""
    if number := sum(bool(each.uncommitted) for each in report.in_git):
        where = f"not committed in {counted(number, 'project')}, which is your choice"
        yield _entry("pointers", f"{where}; `carryover status -v` has the commands")


def _uncommitted(report: Report) -> Iterator[str]:
    from carryover.past.status import uncommitted

    yield from (f"{report.short(root)}: `{command}`" for root, command in uncommitted(report))


def _entry(name: str, text: str) -> str:
    return f"{name:<{NAME_WIDTH}} {text}"


def _limits(report: Report, now_ms: int) -> Iterator[str]:
    """Yields the usage limits, which come first: someone who runs `status` now may be waiting for one to end."""
    for row in report.ledger.limits if report.ledger is not None else ():
        resets = f"; it resets {row.resets_here}" if row.resets_here else ""
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


def _recorded(report: Report, now_ms: int) -> str:
    ledger = report.ledger
    if ledger is not None:
        newest = max((row.last_event_ms for row in ledger.projects), default=0)
        sessions, projects = counted(ledger.sessions, "session"), counted(ledger.project_count, "project")
        what = f"{sessions} in {projects}, {size(ledger.bytes)}"
        return f"{what}, newest {ago(newest, now_ms)}" if newest else what
    if report.ledger_problem is not None:
        return paint("not readable now", YELLOW)
    if not report.would_read:
        return "nothing yet"
    transcripts = counted(sum(row.transcripts for row in report.would_read), "transcript")
    return f"nothing yet; {transcripts} to read, {size(sum(row.bytes for row in report.would_read))}"


def _summaries(report: Report, now_ms: int, room: int) -> Iterator[str]:
    by_use = sorted(report.agents, key=lambda agent: (-(agent.last_event_ms or 0), agent.selected is False))
    nothing = "nothing yet" if report.ledger_problem is None else "not known"
    agents = [
        f"{agent.name} {ago(agent.last_event_ms, now_ms) if agent.last_event_ms is not None else nothing}"
        + (" (not selected)" if agent.selected is False else "")
        for agent in by_use
        if not _is_absent(agent)
    ]
    if agents:
        yield _entry("agents", _some(agents, len(agents), room))
    if (ledger := report.ledger) is not None and ledger.projects:
        projects = [f"{report.short(row.root)} {ago(row.last_event_ms or None, now_ms)}" for row in ledger.projects]
        yield _entry("projects", _some(projects, ledger.project_count, room))
    if ledger is not None and (today := ledger.used_today) is not None:
        read = f", {rounded(today.cache_read)} more from the cache" if today.cache_read else ""
        own = today.input + today.output + today.cache_write
        yield _entry("usage", f"today {rounded(own)} tokens{read}; `carryover usage`")
    if report.sync is not None:
        from carryover.faces.cli.sync import sync_summary

        yield _entry("sync", sync_summary(report.sync, now_ms))


def _some(items: Sequence[str], total: int, room: int) -> str:
    """Lists the first of `items`, at least one and as many as have room, and how many of `total` are left out."""
    for number in range(len(items), 0, -1):
        line = ", ".join(items[:number]) + (f" and {total - number} more" if total > number else "")
        if output.columns(line) <= room:
            break
    return line


def _details(report: Report, now_ms: int) -> Iterator[str]:
    """Yields the sections that only `-v` has, in the order in which they matter."""
    names, health = {agent.id: agent.name for agent in report.agents}, report.daemon
    absent = [agent.name for agent in report.agents if _is_absent(agent)]
    agents = [line for agent in report.agents if not _is_absent(agent) for line in _agent(agent, report, now_ms)]
    waiting = []
    for row in report.would_read:
        amount = f"{counted(row.transcripts, 'transcript')}, {size(row.bytes)}"
        waiting.append(_detail(names.get(row.agent, row.agent), f"{amount}, newest {ago(row.newest_ms, now_ms)}"))
    tasks = [
        f"{task.name}: {task.state}, {counted(task.restarts, 'restart')}; {task.last_error}"
        for task in (health.tasks if health is not None else ())
        if task.last_error
    ]
    damaged = "was damaged; what could be read was kept. Delete it when you miss nothing."
    every = {
        "background": [*_background(report)],
        "agents": [*agents, *([_detail("not here", ", ".join(absent))] if absent else [])],
        "declared in config.toml": [_declared(source, now_ms) for source in report.declared],
        **_of_here(report),
        "pointers that are not committed, with the command that does it": [*_uncommitted(report)],
        "sync": [*_of_sync(report, now_ms)],
        "would be read by `carryover install`, or by carryoverd once it runs": waiting,
        **(_of_ledger(report.ledger, report, now_ms) if report.ledger is not None else {}),
        "tasks of the daemon in trouble": tasks,
        "moved aside": [f"{report.short(one.path)} ({size(one.bytes)}) {damaged}" for one in report.corrupt_ledgers],
    }
    for title, rows in every.items():
        shown = len(rows) if title in ("agents", "sync") else SHOWN
        if rows:
            yield from ("", paint(title, BOLD), *(f"  {row}" for row in rows[:shown]))
        if len(rows) > shown:
            yield f"  ... and {len(rows) - shown} more (--json lists all)"


def _declared(source: DeclaredReport, now_ms: int) -> str:
    recorded = "nothing recorded yet"
    if source.sessions:
        recorded = f"{counted(source.sessions, 'session')}, last event {ago(source.last_event_ms, now_ms)}"
    return _detail(source.agent, f"{', '.join(source.files)}; {recorded}")


def _of_here(report: Report) -> dict[str, list[str]]:
    here = report.here
    if here is None:
        return {}
    rows = []
    for agent in here.agents:
        arrives = f"by {', else '.join(agent.ways)}" if agent.ways else paint("not by itself", YELLOW)
        rows.append(_detail(agent.name, arrives + (f"; {harmless(agent.missing)}" if agent.missing else "")))
    return {f"a new session in {report.short(here.root)} would get the handoff": rows}


def _of_sync(report: Report, now_ms: int) -> Iterator[str]:
    if report.sync is None:
        return
    from carryover.faces.cli.sync import sync_rows

    for name, text in sync_rows(report.sync, now_ms):
        yield _detail(name, text)


def _background(report: Report) -> Iterator[str]:
    health = report.daemon
    service = report.service
    if health is not None:
        memory = f", {size(health.rss_bytes)} of memory" if health.rss_bytes else ""
        yield _detail("carryoverd", f"{health.version}, process {health.pid}{memory}")
        metrics, p95_ms = health.metrics, health.metrics.session_start.p95_ms
        if metrics.bytes_read or p95_ms is not None:
            answered = f", sessions answered in {p95_ms:.0f} ms (p95)" if p95_ms is not None else ""
            read = f"{counted(metrics.events_stored, 'event')} from {size(metrics.bytes_read)}"
            yield _detail("", f"since its start {read}{answered}")
    if not service.installed:
        facts = [f"none: {service.trouble}" if service.trouble else "none"]
    else:
        states = (("enabled", service.enabled), ("active", service.active))
        facts = [service.kind, *(name if holds else f"not {name}" for name, holds in states if holds is not None)]
        facts += [counted(service.restarts, "restart")] if service.restarts else []
    yield _detail("service", ", ".join(facts))


def _detail(name: str, text: str) -> str:
    return f"{name:<{DETAIL_WIDTH}} {text}"


def _of_ledger(ledger: LedgerReport, report: Report, now_ms: int) -> dict[str, list[str]]:
    from carryover.past.status import projects

    number = sum(ledger.redactions.values())
    kinds = ", ".join(f"{n:,} {kind}" for kind, n in sorted(ledger.redactions.items(), key=lambda item: -item[1]))
    skipped = [
        f"{row.agent} {row.agent_version}".strip()
        + f": {counted(row.n, 'record')} of type {harmless(row.record_type)} ({harmless(row.reason)})"
        for row in ledger.skipped
    ]
    if ledger.oversized:
        skipped.append(f"{counted(ledger.oversized, 'record')} too long to be read")
    broken = []
    for source in ledger.broken:
        wait_s = (source.retry_ms - now_ms) / 1000
        again = f"in {duration(wait_s)}" if wait_s > 0 else "when carryoverd retries"
        broken.append(f"{report.short(source.path)}: {source.error}; next try {again}")
    return {
        "projects": [_project(project, report, now_ms) for project in projects(report)],
        "redacted before it was stored": [f"{counted(number, 'secret')}: {kinds}"] if number else [],
        "not understood (skipped, nothing else is affected)": skipped,
        "cannot be read now": broken,
        "what happened to the ledger": [f"{ago(one.at_ms, now_ms)}: {one.text}" for one in ledger.incidents],
    }


def _project(project: ProjectStatus, report: Report, now_ms: int) -> str:
    if project.trouble:
        handoff = paint(f"not published: {project.trouble}", YELLOW)
    elif project.handoff_ms is None:
        handoff = "no handoff written"
    else:
        page = ", with a second page" if project.has_page else ""
        handoff = f"handoff written {ago(project.handoff_ms, now_ms)}{page}"
        if project.is_deleted:
            handoff = paint(f"{handoff} and deleted since; carryoverd writes it again", YELLOW)
    notes = "".join(f" ({note})" for note in project.notes)
    return f"{report.short(project.root)}: last event {ago(project.last_event_ms, now_ms)}, {handoff}{notes}"


def _is_absent(agent: AgentReport) -> bool:
    """Whether the agent is neither here nor selected and has nothing recorded, so that its name alone is enough."""
    return agent.state == "missing" and not agent.selected and agent.last_event_ms is None


def _agent(agent: AgentReport, report: Report, now_ms: int) -> Iterator[str]:
    nothing = "nothing recorded yet" if report.ledger_problem is None else ""
    last = f"last event {ago(agent.last_event_ms, now_ms)}" if agent.last_event_ms else nothing
    facts = (
        agent.version or "",
        _DRIFT.get(agent.state, ""),
        "not selected" if agent.selected is False else "",
        last,
        f"last handoff {ago(agent.last_handoff_ms, now_ms)}" if agent.last_handoff_ms else "",
    )
    yield _detail(agent.name, ", ".join(harmless(fact) for fact in facts if fact))
    if agent.roots:
        there = [report.short(root.path) for root in agent.roots if root.exists]
        missing = f"{report.short(agent.roots[0].path)} (not there yet; watched all the same)"
        yield _detail("", f"transcripts in {', '.join(there) or missing}")
    config = report.short(agent.config or "")
    if agent.entry is not None and (agent.selected or agent.entry.present):
        yield _detail("", f"`{agent.entry.entry}` in {config}: {'there' if agent.entry.present else 'missing'}")
    if agent.hooks is not None:
        reviewed = " (reviewed)" if agent.hooks.reviewed else ""
        yield _detail("", f"hooks in {config}: {', '.join(agent.hooks.present) or 'none'}{reviewed}")
