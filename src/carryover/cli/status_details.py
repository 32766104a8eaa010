"""Everything that `carryover status -v` says, in the order in which it matters."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from carryover.errors import visible
from carryover.fsio import is_gone
from carryover.terminal.output import BOLD, YELLOW, ago, counted, duration, harmless, paint, size

if TYPE_CHECKING:
    from carryover.daemon.health import Metrics, ProjectHealth, TaskState
    from carryover.diagnose.report import (
        AgentReport,
        LedgerReport,
        MovedAside,
        Report,
        RootReport,
        WouldRead,
    )
    from carryover.install.agent_settings import HooksReport
    from carryover.install.service import ServiceStatus
    from carryover.ledger.rows import BrokenSource, ProjectRow
    from carryover.sync.status import SyncStatus

SHOWN: Final = 12
"""Maximum length of each list except that of the agents; --json has everything."""

_DRIFT: Final = {
    "older": "older than the versions whose hooks are known",
    "newer": "newer than the versions that are known; their last hooks are used",
    "unreadable": "version not readable",
    "missing": "not on this machine",
}

_STATES: Final = (
    ("present", "in place"),
    ("missing", "missing"),
    ("edited", "edited by hand"),
)


def detailed_lines(report: Report, *, now_ms: int) -> Iterator[str]:
    """Yields the lines for people: the state first, then what to do."""
    ledger, health = report.ledger, report.daemon
    yield from limit_lines(report, now_ms)
    yield from _daemon(report)
    yield from _service(report.service)
    if report.paused:
        yield _entry("paused", paint("nothing is read, written or handed over; `carryover unpause` resumes", YELLOW))
    yield from (_entry("left out", left_out) for left_out in left_out_lines(report))
    yield _entry("state", report.short(report.state_folder))
    yield from _ledger(ledger)
    yield from (_entry("problem", paint(problem, YELLOW)) for problem in problems_of(report))
    absent = [agent for agent in report.agents if is_absent(agent)]
    agents = [line for agent in report.agents if agent not in absent for line in agent_lines(agent, report, now_ms)]
    if absent:
        agents.append(f"{'not here':<16} {', '.join(agent.name for agent in absent)}")
    yield from _section("agents", agents, shown=len(agents))
    if new := _newly_covered(report):
        yield f"  {'new':<16} {paint(new, YELLOW)}"
    if report.sync is not None:
        yield from _section("sync", [f"{name:<16} {text}" for name, text in sync_rows(report.sync, now_ms)], shown=99)
    waiting = [would_read_line(row, report, now_ms) for row in report.would_read]
    yield from _section("would be read by `carryover install`, or by carryoverd once it runs", waiting)
    tasks = health.tasks if health is not None else []
    if ledger is not None:
        published = {project.root: project for project in (health.projects if health is not None else ())}
        rows = [_project(row, published.get(row.root), report, now_ms) for row in ledger.projects]
        yield from _section("projects", rows)
        yield from _section("redacted", _redactions(ledger.redactions))
        yield from _section("not understood (skipped, nothing else is affected)", _skipped(ledger))
        yield from _section("cannot be read now", [_broken(row, report, now_ms) for row in ledger.broken])
    yield from _section("tasks of the daemon in trouble", [_task(task) for task in tasks if task.last_error])
    yield from _section("moved aside", [_moved_aside(entry, report) for entry in report.corrupt_ledgers])
    if ledger is not None:
        incidents = [f"{ago(row.at_ms, now_ms)}: {row.text}" for row in ledger.incidents]
        yield from _section("what happened to the ledger", incidents)
    unknown = report.config.unknown_keys if report.config is not None else ()
    yield from _section("unknown keys in config.toml", list(unknown))


def sync_rows(sync: SyncStatus, now_ms: int) -> list[tuple[str, str]]:
    """Returns where synchronising stands: this machine, each other machine, and the machines that ask to be added."""
    rows = [("store", f"{sync.remote}; this machine is {sync.name}")] if sync.remote else []
    rows.append(("last sync", ago(sync.synced_ms, now_ms) if sync.synced_ms else "never"))
    if sync.problem:
        rows.append(("problem", paint(sync.problem, YELLOW)))
    if sync.waits_to_be_added:
        rows.append(("waits", "to be added: `carryover sync add-machine` on a machine of the store"))
    elif sync.unsent:
        rows.append(("waits", "the newest state of this machine, which the next sync sends"))
    for machine in sync.machines:
        last = f"last state {ago(machine.synced_ms, now_ms)}" if machine.synced_ms else "nothing yet"
        problem = f"; {paint(machine.problem, YELLOW)}" if machine.problem and not machine.removed else ""
        rows.append((machine.name, f"{last}{', removed' if machine.removed else ''}{problem}"))
    return rows + [("asks", f"a machine with the code {code}: `carryover sync add-machine`") for code in sync.waiting]


def sync_summary(sync: SyncStatus, now_ms: int) -> str:
    """Returns the same in one line."""
    parts = [f"{one.name} {ago(one.synced_ms, now_ms)}" for one in sync.machines if one.synced_ms and not one.removed]
    if sync.problem or any(one.problem and not one.removed for one in sync.machines):
        parts.append(paint("something is in the way: `carryover sync status`", YELLOW))
    if sync.waits_to_be_added or sync.waiting:
        who = "this machine waits" if sync.waits_to_be_added else counted(len(sync.waiting), "machine") + " waiting"
        parts.append(paint(f"{who} to be added: `carryover sync status`", YELLOW))
    return ", ".join(parts) or "set up; no other machine has said anything yet"


def would_read_line(row: WouldRead, report: Report, now_ms: int) -> str:
    """Formats the transcripts of one agent that would be read."""
    name = next((agent.name for agent in report.agents if agent.id == row.agent), row.agent)
    return (
        f"{name:<16} {counted(row.transcripts, 'transcript')}, {size(row.bytes)}, newest {ago(row.newest_ms, now_ms)}"
    )


def limit_lines(report: Report, now_ms: int) -> Iterator[str]:
    """Yields the usage limits, which come first: someone who runs `status` now may be waiting for one to end."""
    limits = report.ledger.limits if report.ledger is not None else ()
    for row in limits[:SHOWN]:
        resets = f"; it resets {row.resets}" if row.resets else ""
        where = report.short(row.root)
        text = f"{row.name} reached its usage limit in {where} {ago(row.at_ms, now_ms)}{resets}."
        yield paint(text, YELLOW) + "".join(f" Continue: {visible(command)}" for command in row.commands[:1])
    if limits:
        yield ""


def left_out_lines(report: Report) -> list[str]:
    """Returns the projects that the user paused or excluded, in one line; empty if there are none."""
    excluded = report.config.excluded if report.config is not None else ()
    if not excluded:
        return []
    names = ", ".join(harmless(report.short(pattern)) for pattern in excluded[:2])
    more = f" and {len(excluded) - 2} more" if len(excluded) > 2 else ""
    return [paint(f"{names}{more}; `carryover unpause PROJECT` includes a project again", YELLOW)]


def _daemon(report: Report) -> Iterator[str]:
    health = report.daemon
    if health is None:
        yield _entry("carryoverd", "not running, so no handoff is kept fresh; `carryover doctor` says how to start it")
        return
    facts = [
        paint("running", BOLD),
        f"process {health.pid}",
        f"for {duration(health.uptime_s)}",
        f"{size(health.rss_bytes)} of memory" if health.rss_bytes else "",
        "caught up" if health.caught_up else "still reading history",
    ]
    yield _entry("carryoverd", f"{health.version}, {', '.join(fact for fact in facts if fact)}")
    if (work := _work(health.metrics)) is not None:
        yield _entry("", work)
    if health.version != report.version:
        yield _entry("", f"This command is {report.version}. Restart carryoverd to bring both to the same version.")


def _work(metrics: Metrics) -> str | None:
    """Summarizes the daemon's work since it started; None if it has done nothing yet."""
    p95_ms = metrics.session_start.p95_ms
    if not metrics.bytes_read and p95_ms is None:
        return None
    read = f"since then {counted(metrics.events_stored, 'event')} from {size(metrics.bytes_read)}"
    return read if p95_ms is None else f"{read}, sessions answered in {p95_ms:.0f} ms (p95)"


def _service(service: ServiceStatus) -> Iterator[str]:
    if service.installed:
        facts = [
            service.kind,
            "enabled" if service.enabled else "not enabled" if service.enabled is False else "",
            "active" if service.active else "not active" if service.active is False else "",
            counted(service.restarts, "restart") if service.restarts else "",
        ]
        yield _entry("service", ", ".join(fact for fact in facts if fact))
        if service.trouble:
            yield _entry("", paint(service.trouble, YELLOW))
    else:
        yield _entry("service", "none" if not service.trouble else f"none: {service.trouble}")


def _ledger(ledger: LedgerReport | None) -> Iterator[str]:
    if ledger is None:
        yield _entry("ledger", "none yet")
        return
    parts = [
        counted(ledger.events, "event"),
        counted(ledger.sessions, "session"),
        counted(ledger.project_count, "project"),
        counted(ledger.sources, "transcript"),
    ]
    yield _entry("ledger", f"{size(ledger.bytes)}: {', '.join(parts)}")


def _project(row: ProjectRow, published: ProjectHealth | None, report: Report, now_ms: int) -> str:
    """Formats one project of the ledger; `published` is the daemon's account of it, if there is one."""
    trouble = (published.error if published is not None else None) or row.refusal
    if trouble:
        handoff = paint(f"not published: {trouble}", YELLOW)
    elif row.handoff_ms is not None:
        written = f"handoff written {ago(row.handoff_ms, now_ms)}"
        missing = published is not None and published.file is not None and is_gone(Path(published.file))
        handoff = paint(f"{written} and deleted since; carryoverd writes it again", YELLOW) if missing else written
    else:
        handoff = "no handoff written"
    notes = "".join(f" ({note})" for note in (published.notes if published is not None else ()))
    return f"{report.short(row.root)}: last event {ago(row.last_event_ms or None, now_ms)}, {handoff}{notes}"


def problems_of(report: Report) -> list[str]:
    """Returns what is wrong with Carryover itself, as sentences."""
    from carryover.daemon.client import port_trouble

    health = report.daemon
    if health is None:
        return list(report.problems)
    reason = health.watch.reason
    polling = f"The folders are polled instead of watched: the limit on inotify {reason} is reached" if reason else None
    return [
        *report.problems,
        *filter(None, (health.ledger_trouble, health.config_trouble, port_trouble(health), polling)),
    ]


def _redactions(by_kind: dict[str, int]) -> list[str]:
    if not by_kind:
        return []
    kinds = ", ".join(f"{number:,} {kind}" for kind, number in sorted(by_kind.items(), key=lambda item: -item[1]))
    number = sum(by_kind.values())
    return [f"{counted(number, 'secret')} before {'it was' if number == 1 else 'they were'} stored: {kinds}"]


def _skipped(ledger: LedgerReport) -> list[str]:
    lines = [
        f"{row.agent} {row.agent_version}".strip()
        + f": {counted(row.n, 'record')} of type {harmless(row.record_type)} ({harmless(row.reason)})"
        for row in ledger.skipped
    ]
    if ledger.oversized:
        lines.append(f"{counted(ledger.oversized, 'record')} too long to be read")
    return lines


def _broken(row: BrokenSource, report: Report, now_ms: int) -> str:
    wait_s = (row.retry_ms - now_ms) / 1000
    again = f"next try in {duration(wait_s)}" if wait_s > 0 else "next try when carryoverd retries"
    return f"{report.short(row.path)}: {row.error}; {again}"


def _task(task: TaskState) -> str:
    return f"{task.name}: {task.state}, {counted(task.restarts, 'restart')}; {task.last_error}"


def _moved_aside(ledger: MovedAside, report: Report) -> str:
    return (
        f"{report.short(ledger.path)} ({size(ledger.bytes)}) was damaged; what could be read was kept. "
        "Delete it when you miss nothing."
    )


def needs_attention(report: Report) -> list[str]:
    """Returns what is wrong with agents, settings and transcripts, in short."""
    found = []
    for agent in report.agents:
        hooks, entry = agent.hooks, agent.entry
        if agent.lost_folder is not None:
            found.append(
                f"{agent.name}: its folder {report.short(agent.lost_folder)} does not exist, so it does not start"
            )
        if hooks is not None and agent.config and agent.selected and not (_is_fine(hooks) or _only_to_review(hooks)):
            found.append(f"{agent.name}: hooks in {report.short(agent.config)}: {_hooks_text(hooks, agent.config)}")
        if entry is not None and not entry.present and agent.config and agent.selected:
            found.append(f"{agent.name}: `{entry.entry}` in {report.short(agent.config)}: {entry.problem or 'missing'}")
    if new := _newly_covered(report):
        found.append(new)
    if report.service.installed and report.service.trouble:
        found.append(report.service.trouble)
    if report.ledger is not None and report.ledger.broken:
        found.append(f"{counted(len(report.ledger.broken), 'transcript')} cannot be read now")
    if report.config is not None and report.config.unknown_keys:
        found.append(f"Unknown in config.toml: {', '.join(report.config.unknown_keys)}")
    return found


def left_to_do(report: Report) -> list[str]:
    """Returns what the user still has to do, although nothing is wrong."""
    return [
        f"{agent.name}: its hooks run once you have reviewed them"
        for agent in report.agents
        if agent.hooks is not None and agent.selected and _only_to_review(agent.hooks)
    ]


def _newly_covered(report: Report) -> str:
    new = [agent.name for agent in report.agents if agent.newly_covered]
    them = "it" if len(new) == 1 else "them"
    return (
        f"{', '.join(new)}: found here and covered since an update; `carryover refresh` takes {them} in" if new else ""
    )


def is_absent(agent: AgentReport) -> bool:
    """Whether the agent is neither here nor selected and has nothing recorded, so that its name alone is enough."""
    return agent.state == "missing" and not agent.selected and agent.last_event_ms is None


def agent_lines(agent: AgentReport, report: Report, now_ms: int) -> Iterator[str]:
    """Yields the lines about one agent."""
    facts = [
        agent.version or "",
        _DRIFT.get(agent.state, ""),
        "not selected" if agent.selected is False else "",
        *_last(agent, now_ms),
    ]
    yield f"{agent.name:<16} {', '.join(harmless(fact) for fact in facts if fact)}"
    if agent.roots:
        yield _below(f"transcripts in {_roots(agent.roots, report)}")
    if agent.lost_folder is not None:
        yield _below(
            paint(f"its folder {report.short(agent.lost_folder)} does not exist, so it does not start", YELLOW)
        )
    if agent.entry is not None and agent.config is not None and (agent.selected or agent.entry.present):
        state = agent.entry.problem or ("there" if agent.entry.present else "missing")
        text = f"`{agent.entry.entry}` in {report.short(agent.config)}: {state}"
        yield _below(text if agent.entry.present else paint(text, YELLOW))
    if agent.hooks is not None and agent.config is not None:
        yield _below(f"hooks in {report.short(agent.config)}: {_hooks(agent.hooks, agent.config)}")


def _last(agent: AgentReport, now_ms: int) -> Iterator[str]:
    if agent.last_event_ms is None:
        yield "nothing recorded yet"
        return
    yield f"last event {ago(agent.last_event_ms, now_ms)}"
    if agent.last_handoff_ms is not None:  # None if another agent's later work leads the handoffs that mention it
        yield f"last handoff {ago(agent.last_handoff_ms, now_ms)}"


def _roots(roots: tuple[RootReport, ...], report: Report) -> str:
    """Names the folders that exist, or the standard one."""
    there = [report.short(root.path) for root in roots if root.exists]
    return ", ".join(there) or f"{report.short(roots[0].path)} (not there yet; watched all the same)"


def _hooks(hooks: HooksReport, config: str) -> str:
    text = _hooks_text(hooks, config)
    return text + (" (reviewed)" if hooks.reviewed else "") if _is_fine(hooks) else paint(text, YELLOW)


def _is_fine(hooks: HooksReport) -> bool:
    return bool(hooks.present) and not _has_trouble(hooks) and not hooks.to_review


def _only_to_review(hooks: HooksReport) -> bool:
    return bool(hooks.to_review) and not _has_trouble(hooks)


def _has_trouble(hooks: HooksReport) -> bool:
    return any((hooks.problem, hooks.dropped, hooks.missing, hooks.edited, hooks.switched_off))


def _hooks_text(hooks: HooksReport, config: str) -> str:
    if hooks.problem:
        return hooks.problem.removeprefix(f"{config} ")
    if hooks.dropped:
        return f"none of them runs: {hooks.dropped}"
    parts = [f"{words} {', '.join(getattr(hooks, key))}" for key, words in _STATES if getattr(hooks, key)]
    if hooks.to_review:
        all_of_them = set(hooks.to_review) == {*hooks.present, *hooks.edited}
        parts.append("not reviewed yet" + ("" if all_of_them else f" {', '.join(hooks.to_review)}"))
    if hooks.switched_off:
        parts.append("all switched off in the agent's settings")
    return "; ".join(parts)


def _below(text: str) -> str:
    return f"{'':<16} {text}"


def _section(title: str, lines: list[str], *, shown: int = SHOWN) -> Iterator[str]:
    if not lines:
        return
    yield ""
    yield paint(title, BOLD)
    yield from (f"  {line}" for line in lines[:shown])
    if len(lines) > shown:
        yield f"  ... and {len(lines) - shown} more (--json lists all)"


def _entry(name: str, text: str) -> str:
    return f"{name:<18} {text}"
