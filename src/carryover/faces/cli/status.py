"""`carryover status` shows what Carryover sees and does, and changes nothing."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from carryover.clock import utc_now_ms
from carryover.errors import ExitCode, visible
from carryover.faces.cli.arguments import describe, flag
from carryover.past.findings.agents import recorded_of
from carryover.past.findings.gather import gather
from carryover.past.status import is_to_install, problems, status_data
from carryover.terminal import output
from carryover.terminal.output import BOLD, YELLOW, ago, counted, duration, paint, rounded, size
from carryover.text.harmless import harmless

if TYPE_CHECKING:
    from carryover.past.findings.facts import AgentFacts, Gathered, LedgerFacts

_MOST_LINES: Final = 10
MOST_LIMITS: Final = 2
NAME_WIDTH: Final = 12
DETAIL_WIDTH: Final = 16
_SHOWN: Final = 12
"""Maximum length of most lists of `-v`; --json has everything."""
_DRIFT: Final = {
    "older": "older than the versions whose hooks are known",
    "newer": "newer than the versions that are known; their last hooks are used",
    "unreadable": "version not readable",
    "missing": "not on this machine",
}

DESCRIPTION: Final = """\
Shows in a few lines whether Carryover runs, what it has recorded, which agents
and projects it follows, usage limits and problems. With -v also the service,
hooks and folders of each agent, what was redacted, what was not understood and
what is broken; `carryover doctor` says what to do about it.
Changes nothing and creates nothing. Works without the daemon."""

EXAMPLES: Final = """\
  carryover status          the short form
  carryover status -v       more of it
  carryover status --json   everything, as data"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    describe(parser, DESCRIPTION, EXAMPLES)
    flag(parser, "-v", "--verbose", "say more; of long lists --json has all")
    flag(parser, "--json", "print everything as JSON; times are UTC milliseconds")


def run(args: argparse.Namespace) -> int:
    facts = gather("whole" if args.verbose or args.json else "short")
    if args.json:
        output.print_json(status_data(facts))
    else:
        width = None if args.verbose else output.terminal_width() or output.USUAL_WIDTH
        output.print_lines(lines(facts, now_ms=utc_now_ms(), width=width))
    return ExitCode.OK


def lines(facts: Gathered, *, now_ms: int, width: int | None) -> list[str]:
    """Returns at most `_MOST_LINES` lines, with what fits in `width` columns; with None, all there is to say."""
    rows = [*_limits(facts, now_ms)][: None if width is None else MOST_LIMITS]
    rows.append(_entry("carryoverd", _daemon(facts)))
    if facts.paused:
        rows.append(_entry("paused", paint("nothing is read or handed over; `carryover unpause` ends that", YELLOW)))
    if excluded := facts.config.projects.exclude:
        names = ", ".join(harmless(facts.short(pattern)) for pattern in excluded[:2])
        more = f" and {len(excluded) - 2} more" if len(excluded) > 2 else ""
        text = f"{names}{more}; `carryover unpause PROJECT` includes a project again"
        rows.append(_entry("left out", paint(text, YELLOW)))
    rows.append(_entry("recorded", _recorded(facts, now_ms)))
    problems = [*_problems(facts)]
    if width is None:
        return [*rows, *problems, *_details(facts, now_ms)]
    rows += _summaries(facts, now_ms, width - NAME_WIDTH - 1)
    what_to_do = "; `carryover doctor` says what to do" if problems else ""
    left = _MOST_LINES - len(rows) - 1
    if len(problems) > left:
        problems = [*problems[: left - 1], _entry("", f"and {len(problems) - left + 1} more problems")]
    return [*rows, *problems, _entry("more", f"`carryover status -v`{what_to_do}")]


def _problems(facts: Gathered) -> Iterator[str]:
    findings = problems(facts)
    wrong = dict.fromkeys((*facts.problems, *(finding.what for finding in findings if finding.level == "wrong")))
    yield from (_entry("problem", paint(text, YELLOW)) for text in wrong)
    yield from (_entry("to do", finding.what) for finding in findings if finding.level == "todo")


def _entry(name: str, text: str) -> str:
    return f"{name:<{NAME_WIDTH}} {text}"


def _limits(facts: Gathered, now_ms: int) -> Iterator[str]:
    """Yields the usage limits, which come first: someone who runs `status` now may be waiting for one to end."""
    for row in facts.ledger.limits if facts.ledger is not None else ():
        resets = f"; it resets {row.resets_here}" if row.resets_here else ""
        text = f"{row.name} reached its usage limit in {facts.short(row.root)} {ago(row.at_ms, now_ms)}{resets}."
        yield paint(text, YELLOW) + "".join(f" Continue: `{visible(command)}`" for command in row.commands[:1])


def _daemon(facts: Gathered) -> str:
    health = facts.daemon
    if facts.daemon_problem is not None:
        return paint("does not answer", YELLOW) + ": `carryover restart`"
    if health is None and is_to_install(facts):
        if not any(agent.is_here for agent in facts.agents):
            return "not installed; `carryover install` sets it up once you use an agent"
        return "not installed; `carryover install` sets it up and asks one question"
    if health is None:
        return "not running, so no handoff is kept fresh: `carryover start`"
    running = f"{paint('running', BOLD)} for {duration(health.uptime_s)}"
    if facts.paused or health.ledger_trouble is not None:
        return running  # a line below says why nothing is read
    if health.caught_up:
        return f"{running}, caught up"
    from carryover.actions.first_read import how_far

    return f"{running}, {how_far(health)[1]}"


def _recorded(facts: Gathered, now_ms: int) -> str:
    ledger = facts.ledger
    if ledger is not None:
        newest = max((row.last_event_ms for row in ledger.projects), default=0)
        sessions, projects = counted(ledger.sessions, "session"), counted(ledger.project_count, "project")
        what = f"{sessions} in {projects}, {size(ledger.bytes)}"
        return f"{what}, newest {ago(newest, now_ms)}" if newest else what
    if facts.ledger_problem is not None:
        return paint("not readable now", YELLOW)
    if not facts.would_read:
        return "nothing yet"
    transcripts = counted(sum(row.transcripts for row in facts.would_read), "transcript")
    return f"nothing yet; {transcripts} to read, {size(sum(row.bytes for row in facts.would_read))}"


def _summaries(facts: Gathered, now_ms: int, room: int) -> Iterator[str]:
    by_use = sorted(facts.agents, key=lambda agent: (-(agent.last_event_ms or 0), agent.selected is False))
    nothing = "nothing yet" if facts.ledger_problem is None else "not known"
    agents = [
        f"{agent.name} {ago(agent.last_event_ms, now_ms) if agent.last_event_ms is not None else nothing}"
        + (" (not selected)" if agent.selected is False else "")
        for agent in by_use
        if not _is_absent(agent)
    ]
    if agents:
        yield _entry("agents", _some(agents, len(agents), room))
    elif not facts.would_read:
        yield _entry("agents", "none found; `carryover agents` lists those that are known")
    if (ledger := facts.ledger) is not None and ledger.projects:
        most = max(1, room)  # no more have room
        shown = ledger.projects[:most]
        projects = [f"{facts.short(row.root)} {ago(row.last_event_ms or None, now_ms)}" for row in shown]
        yield _entry("projects", _some(projects, ledger.project_count, room))
    if ledger is not None and (today := ledger.used_today) is not None:
        read = f", {rounded(today.cache_read)} more from the cache" if today.cache_read else ""
        tokens = today.input + today.output + today.cache_write
        yield _entry("usage", f"today {rounded(tokens)} tokens{read}; `carryover usage`")
    if facts.sync is not None:
        from carryover.faces.cli.sync import sync_summary

        yield _entry("sync", sync_summary(facts.sync, now_ms))


def _some(items: Sequence[str], total: int, room: int) -> str:
    """Lists the first of `items`, at least one and as many as have room, and how many of `total` are left out."""
    for number in range(len(items), 0, -1):
        line = ", ".join(items[:number]) + (f" and {total - number} more" if total > number else "")
        if output.columns(line) <= room:
            break
    return line


def _details(facts: Gathered, now_ms: int) -> Iterator[str]:
    """Yields the sections that only `-v` has, in the order in which they matter."""
    health = facts.daemon
    absent = [agent.name for agent in facts.agents if _is_absent(agent)]
    agents = [line for agent in facts.agents if not _is_absent(agent) for line in _agent(agent, facts, now_ms)]
    tasks = [
        f"{task.name}: {task.state}, {counted(task.restarts, 'restart')}; {task.last_error}"
        for task in (health.tasks if health is not None else ())
        if task.last_error
    ]
    every = {
        "background": [*_background(facts)],
        "agents": [*agents, *([_detail("not here", ", ".join(absent))] if absent else [])],
        "declared in config.toml": [*_declared(facts, now_ms)],
        **(_of_ledger(facts.ledger, facts, now_ms) if facts.ledger is not None else {}),
        "tasks of the daemon in trouble": tasks,
    }
    for title, rows in every.items():
        shown = len(rows) if title == "agents" else _SHOWN
        if rows:
            yield from ("", paint(title, BOLD), *(f"  {row}" for row in rows[:shown]))
        if len(rows) > shown:
            yield f"  ... and {len(rows) - shown} more (--json lists all)"


def _declared(facts: Gathered, now_ms: int) -> Iterator[str]:
    for source in facts.config.sources:
        row = recorded_of(facts.ledger, source.agent)
        recorded = "nothing recorded yet"
        if row.sessions:
            recorded = f"{counted(row.sessions, 'session')}, last event {ago(row.last_event_ms, now_ms)}"
        yield _detail(source.agent, f"{', '.join(source.files)}; {recorded}")


def _background(facts: Gathered) -> Iterator[str]:
    health = facts.daemon
    service = facts.service
    if health is not None:
        yield _detail("carryoverd", f"{health.version}, process {health.pid}")
    if not service.installed:
        details = [f"none: {service.trouble}" if service.trouble else "none"]
    else:
        states = (("enabled", service.enabled), ("active", service.active))
        details = [service.kind, *(name if holds else f"not {name}" for name, holds in states if holds is not None)]
        details += [counted(service.restarts, "restart")] if service.restarts else []
    yield _detail("service", ", ".join(details))


def _detail(name: str, text: str) -> str:
    return f"{name:<{DETAIL_WIDTH}} {text}"


def _of_ledger(ledger: LedgerFacts, facts: Gathered, now_ms: int) -> dict[str, list[str]]:
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
        broken.append(f"{facts.short(source.path)}: {source.error}; next try {again}")
    return {
        "projects": [*_projects(ledger, facts, now_ms)],
        "redacted before it was stored": [f"{counted(number, 'secret')}: {kinds}"] if number else [],
        "not understood (skipped, nothing else is affected)": skipped,
        "cannot be read now": broken,
        "what happened to the ledger": [f"{ago(row.at_ms, now_ms)}: {row.text}" for row in ledger.incidents],
    }


def _projects(ledger: LedgerFacts, facts: Gathered, now_ms: int) -> Iterator[str]:
    published = {project.root: project for project in (facts.daemon.projects if facts.daemon is not None else ())}
    for row in ledger.projects:
        health = published.get(row.root)
        handoff = f"handoff written {ago(row.handoff_ms, now_ms)}" if row.handoff_ms else "no handoff written"
        if health is not None and health.error:
            handoff = paint(f"handoff not written: {health.error}", YELLOW)
        elif row.refusal:  # a setting of the user's perhaps; of what needs doing, a finding says so
            handoff = f"handoff not written: {row.refusal}"
        notes = "".join(f" ({note})" for note in (health.notes if health is not None else ()))
        yield f"{facts.short(row.root)}: last event {ago(row.last_event_ms or None, now_ms)}, {handoff}{notes}"


def _is_absent(agent: AgentFacts) -> bool:
    """Whether the agent is neither here nor selected and has nothing recorded, so that its name alone is enough."""
    return not agent.is_here and not agent.selected and agent.last_event_ms is None


def _agent(agent: AgentFacts, facts: Gathered, now_ms: int) -> Iterator[str]:
    nothing = "nothing recorded yet" if facts.ledger_problem is None else ""
    last = f"last event {ago(agent.last_event_ms, now_ms)}" if agent.last_event_ms else nothing
    details = (
        agent.version or "",
        _DRIFT.get(agent.state, ""),
        "not selected" if agent.selected is False else "",
        last,
    )
    yield _detail(agent.name, ", ".join(harmless(text) for text in details if text))
    if agent.roots:
        there = [facts.short(root) for root, exists in agent.roots.items() if exists]
        if len(there) > _SHOWN:
            there[_SHOWN:] = [f"and {len(there) - _SHOWN} more (--json lists all)"]
        watched = "" if agent.selected is False else "; watched all the same"
        missing = f"{facts.short(next(iter(agent.roots)))} (not there yet{watched})"
        yield _detail("", f"transcripts in {', '.join(there) or missing}")
    config = facts.short(agent.config or "")
    if agent.entry is not None and (agent.selected or agent.entry.present):
        yield _detail("", f"`{agent.entry.entry}` in {config}: {'there' if agent.entry.present else 'missing'}")
    if agent.hooks is not None:
        yield _detail("", f"hooks in {config}: {', '.join(agent.hooks.present) or 'none'}")
