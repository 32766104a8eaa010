"""The sections that only `carryover status -v` has, in the order in which they matter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from carryover.fsio import is_gone
from carryover.terminal.output import BOLD, YELLOW, ago, counted, duration, harmless, paint, size

if TYPE_CHECKING:
    from carryover.daemon.health import Health, Metrics, ProjectHealth
    from carryover.diagnose.report import AgentReport, LedgerReport, Report
    from carryover.install.service import ServiceStatus
    from carryover.ledger.rows import ProjectRow
    from carryover.sync.status import SyncStatus

SHOWN: Final = 12
"""Maximum length of each list except that of the agents; --json has everything."""

_DRIFT: Final = {
    "older": "older than the versions whose hooks are known",
    "newer": "newer than the versions that are known; their last hooks are used",
    "unreadable": "version not readable",
    "missing": "not on this machine",
}


def sections(report: Report, now_ms: int) -> Iterator[str]:
    """Yields the lines for people."""
    ledger, health = report.ledger, report.daemon
    yield from _section("background", [*_background(health), _service(report.service)])
    absent = [agent for agent in report.agents if is_absent(agent)]
    agents = [line for agent in report.agents if agent not in absent for line in _agent(agent, report, now_ms)]
    if absent:
        agents.append(f"{'not here':<16} {', '.join(agent.name for agent in absent)}")
    yield from _section("agents", agents, shown=len(agents))
    if report.sync is not None:
        yield from _section("sync", [f"{name:<16} {text}" for name, text in sync_rows(report.sync, now_ms)], shown=99)
    names = {agent.id: agent.name for agent in report.agents}
    waiting = [
        f"{names.get(row.agent, row.agent):<16} {counted(row.transcripts, 'transcript')}, {size(row.bytes)}, "
        f"newest {ago(row.newest_ms, now_ms)}"
        for row in report.would_read
    ]
    yield from _section("would be read by `carryover install`, or by carryoverd once it runs", waiting)
    if ledger is not None:
        yield from _of_ledger(ledger, report, now_ms)
    in_trouble = [
        f"{task.name}: {task.state}, {counted(task.restarts, 'restart')}; {task.last_error}"
        for task in (health.tasks if health is not None else ())
        if task.last_error
    ]
    yield from _section("tasks of the daemon in trouble", in_trouble)
    aside = [
        f"{report.short(moved.path)} ({size(moved.bytes)}) was damaged; what could be read was kept. "
        "Delete it when you miss nothing."
        for moved in report.corrupt_ledgers
    ]
    yield from _section("moved aside", aside)


def _background(health: Health | None) -> Iterator[str]:
    if health is None:
        return
    memory = f", {size(health.rss_bytes)} of memory" if health.rss_bytes else ""
    yield f"{'carryoverd':<16} {health.version}, process {health.pid}{memory}"
    if health.metrics.bytes_read or health.metrics.session_start.p95_ms is not None:
        yield f"{'':<16} since its start {_work(health.metrics)}"


def _work(metrics: Metrics) -> str:
    p95_ms = metrics.session_start.p95_ms
    read = f"{counted(metrics.events_stored, 'event')} from {size(metrics.bytes_read)}"
    return read if p95_ms is None else f"{read}, sessions answered in {p95_ms:.0f} ms (p95)"


def _service(service: ServiceStatus) -> str:
    facts = [service.kind if service.installed else f"none: {service.trouble}" if service.trouble else "none"]
    if service.installed:
        states = (("enabled", service.enabled), ("active", service.active))
        facts += [name if holds else f"not {name}" for name, holds in states if holds is not None]
        facts += [counted(service.restarts, "restart")] if service.restarts else []
    return f"{'service':<16} {', '.join(facts)}"


def _of_ledger(ledger: LedgerReport, report: Report, now_ms: int) -> Iterator[str]:
    health = report.daemon
    published = {project.root: project for project in (health.projects if health is not None else ())}
    rows = [_project(row, published.get(row.root), report, now_ms) for row in ledger.projects]
    yield from _section("projects", rows)
    number = sum(ledger.redactions.values())
    kinds = ", ".join(f"{n:,} {kind}" for kind, n in sorted(ledger.redactions.items(), key=lambda item: -item[1]))
    yield from _section("redacted before it was stored", [f"{counted(number, 'secret')}: {kinds}"] if number else [])
    skipped = [
        f"{row.agent} {row.agent_version}".strip()
        + f": {counted(row.n, 'record')} of type {harmless(row.record_type)} ({harmless(row.reason)})"
        for row in ledger.skipped
    ]
    if ledger.oversized:
        skipped.append(f"{counted(ledger.oversized, 'record')} too long to be read")
    yield from _section("not understood (skipped, nothing else is affected)", skipped)
    broken = []
    for source in ledger.broken:
        wait_s = (source.retry_ms - now_ms) / 1000
        again = f"in {duration(wait_s)}" if wait_s > 0 else "when carryoverd retries"
        broken.append(f"{report.short(source.path)}: {source.error}; next try {again}")
    yield from _section("cannot be read now", broken)
    incidents = [f"{ago(incident.at_ms, now_ms)}: {incident.text}" for incident in ledger.incidents]
    yield from _section("what happened to the ledger", incidents)


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
        last = f"last state {ago(machine.synced_ms, now_ms)}" if machine.synced_ms else "not synchronised yet"
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


def is_absent(agent: AgentReport) -> bool:
    """Whether the agent is neither here nor selected and has nothing recorded, so that its name alone is enough."""
    return agent.state == "missing" and not agent.selected and agent.last_event_ms is None


def _agent(agent: AgentReport, report: Report, now_ms: int) -> Iterator[str]:
    last = f"last event {ago(agent.last_event_ms, now_ms)}" if agent.last_event_ms else "nothing recorded yet"
    facts = (
        agent.version or "",
        _DRIFT.get(agent.state, ""),
        "not selected" if agent.selected is False else "",
        last,
        f"last handoff {ago(agent.last_handoff_ms, now_ms)}" if agent.last_handoff_ms else "",
    )
    yield f"{agent.name:<16} {', '.join(harmless(fact) for fact in facts if fact)}"
    if agent.roots:
        there = [report.short(root.path) for root in agent.roots if root.exists]
        missing = f"{report.short(agent.roots[0].path)} (not there yet; watched all the same)"
        yield f"{'':<16} transcripts in {', '.join(there) or missing}"
    config = report.short(agent.config or "")
    if agent.entry is not None and (agent.selected or agent.entry.present):
        yield f"{'':<16} `{agent.entry.entry}` in {config}: {'there' if agent.entry.present else 'missing'}"
    if agent.hooks is not None:
        reviewed = " (reviewed)" if agent.hooks.reviewed else ""
        yield f"{'':<16} hooks in {config}: {', '.join(agent.hooks.present) or 'none'}{reviewed}"


def _section(title: str, lines: list[str], *, shown: int = SHOWN) -> Iterator[str]:
    if not lines:
        return
    yield ""
    yield paint(title, BOLD)
    yield from (f"  {line}" for line in lines[:shown])
    if len(lines) > shown:
        yield f"  ... and {len(lines) - shown} more (--json lists all)"
