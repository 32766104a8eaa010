"""What may be wrong, for `carryover doctor` and in short for `carryover status`. The words are in `findings.txt`.

To add a check, yield another finding. What can be told from the report alone comes first; the rest needs an inspection,
which only `doctor` makes.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

from carryover.agents import agent_name
from carryover.daemon.client import port_trouble
from carryover.diagnose.report import AgentReport, Finding, Inspection, LedgerReport, Level, ProjectReport, Report
from carryover.ingest.scan import MS_PER_DAY
from carryover.terminal.output import counted

MOST_TYPES: Final = 3
"""Maximum number of record types named in a finding."""
MANY_SKIPPED: Final = 50
"""From this many unrecognised records on, the cause is more than one odd transcript."""
RECENT_DAYS: Final = 7
LEAST_FREE_BYTES: Final = 200_000_000
LEVELS: Final[tuple[Level, ...]] = get_args(Level)
"""All levels, most severe first."""
_ENOUGH_INOTIFY: Final = {"watches": 524_288, "instances": 1024}
"""Kernel limits that leave enough for every program of the user."""


def findings(report: Report) -> tuple[Finding, ...]:
    """Returns everything that is found in a report, most severe first."""
    found = [*_set_up(report), *_service(report), *_daemon(report)]
    for agent in _selected(report):
        found += _agent(report, agent)
    found += [*_transcripts(report), *_settings(report)]
    if report.inspection is not None:
        found += [*_for_hooks(report, report.inspection), *_installs(report, report.inspection)]
        found += _inspected(report, report.inspection)
        for project in report.inspection.projects:
            found += _project(report, project)
    return tuple(sorted(found, key=lambda finding: LEVELS.index(finding.level)))


def templates() -> dict[str, Finding]:
    """Returns what may be found, by name; its texts have placeholders."""
    text = Path(__file__).with_name("findings.txt").read_text(encoding="utf-8")
    found = {}
    for block in text.split("\n\n")[1:]:
        head, what, why, do = block.strip().split("\n")
        name, check, level, *fix = head.split()
        given = {"check": check, "level": level, "what": what, "why": why, "do": do, "fix": fix[0] if fix else None}
        found[name] = msgspec.convert(given, Finding)
    return found


_templates = cache(templates)


def _found(finding: str, /, *, level: Level | None = None, **values: Any) -> Finding:
    of = _templates()[finding]
    what, why, do = (text.format(**values) for text in (of.what, of.why, of.do))
    return msgspec.structs.replace(of, what=what, why=why, do=do, level=level or of.level)


def _selected(report: Report) -> tuple[AgentReport, ...]:
    """Returns the selected agents that are on this machine."""
    return tuple(agent for agent in report.agents if agent.selected and agent.state != "missing")


def _set_up(report: Report) -> Iterator[Finding]:
    # If no selected agent can have hooks, installing again would change nothing.
    chosen = _selected(report)
    if not report.installed and (not chosen or not all(map(_cannot_have_hooks, chosen))):
        yield _found("not-installed")
    elif report.daemon is None:
        yield _found("service-not-running" if report.service.installed else "not-running")
    if names := [agent.name for agent in report.agents if agent.newly_covered]:
        yield _found("newly-covered", names=", ".join(names))


def _cannot_have_hooks(agent: AgentReport) -> bool:
    """Whether the agent's own version, folder or settings rule out hooks."""
    unusable = agent.hooks is not None and bool(agent.hooks.problem or agent.hooks.dropped)
    return agent.state == "older" or agent.lost_folder is not None or unusable


def _service(report: Report) -> Iterator[Finding]:
    service = report.service
    if not report.installed or service.kind == "none":
        return
    if not service.installed:
        yield _found("not-registered")
    elif service.enabled is False:
        yield _found("not-enabled", service=service)
    if service.installed and service.trouble:
        yield _found("service-failing", service=service)


def _daemon(report: Report) -> Iterator[Finding]:
    daemon = report.daemon
    if daemon is None:
        return
    if daemon.version != report.version:
        found = _found("other-version", daemon=daemon, version=report.version)
        yield found if report.service.active else msgspec.structs.replace(found, fix=None)
    if taken := port_trouble(daemon):
        yield _found("port-taken", taken=taken)
    if daemon.ledger_trouble:
        yield _found("ledger-trouble", daemon=daemon)
    if daemon.hook_calls.not_kept:
        yield _found("not-spooled", daemon=daemon, state=report.short(report.state_folder))
    if limit := daemon.watch.reason:
        yield _found("inotify", daemon=daemon, enough=_ENOUGH_INOTIFY[limit])


def _transcripts(report: Report) -> Iterator[Finding]:
    ledger = report.ledger
    if ledger is not None:
        yield from _skipped(ledger)
    if ledger is not None and ledger.broken:
        yield _found("broken-transcripts", number=counted(len(ledger.broken), "transcript"))
    if report.corrupt_ledgers:
        yield _found("moved-aside", paths=_paths(report, [moved.path for moved in report.corrupt_ledgers]))


def _skipped(ledger: LedgerReport) -> Iterator[Finding]:
    since_ms = time.time() * 1000 - RECENT_DAYS * MS_PER_DAY
    by_version: Counter[tuple[str, str]] = Counter()
    types: Counter[str] = Counter()
    for row in ledger.skipped:
        if row.last_ms >= since_ms:
            by_version[row.agent, row.agent_version] += row.n
            types[row.record_type] += row.n
    if (number := by_version.total()) >= MANY_SKIPPED:
        (agent, version), _ = by_version.most_common(1)[0]
        named = ", ".join(f"{kind} ({n:,})" for kind, n in types.most_common(MOST_TYPES))
        yield _found("not-understood", number=number, most_of=f"{agent_name(agent)} {version}".rstrip(), types=named)


def _settings(report: Report) -> Iterator[Finding]:
    reloaded = report.daemon.config_trouble if report.daemon is not None else None
    for problem in filter(None, (report.config_problem, reloaded, report.record_problem)):
        yield _found("settings-problem", problem=problem)
    if report.config is not None and report.config.unknown_keys:
        yield _found("unknown-keys", keys=", ".join(report.config.unknown_keys))
    if report.paused:
        yield _found("paused")


def _for_hooks(report: Report, inspection: Inspection) -> Iterator[Finding]:
    hooks = [agent.hooks for agent in _selected(report) if agent.hooks]
    # A daemon that is not running is reported already, and writes the script when it starts.
    if inspection.hook_script_missing and report.daemon is not None and any(each.present for each in hooks):
        yield _found("script-missing", state=report.short(report.state_folder))
    if inspection.curl_missing and hooks:
        yield _found("no-curl")
    if inspection.mcp_sdk:
        yield _found("no-mcp-sdk", command=inspection.mcp_sdk)


def _installs(report: Report, inspection: Inspection) -> Iterator[Finding]:
    command = " ".join(report.service.command or ()) if report.installed else ""
    if command and command != inspection.program:
        yield _found("service-of-another", service=report.service, command=command)
    if inspection.other_installs:
        yield _found("other-installs", paths=_paths(report, inspection.other_installs))
    if inspection.path_problem:
        yield _found("not-on-path", problem=inspection.path_problem, remedy=inspection.path_remedy or "")


def _inspected(report: Report, inspection: Inspection) -> Iterator[Finding]:
    state = report.short(report.state_folder)
    if inspection.stranger:
        yield _found("port-taken", taken=f"Port {inspection.port} is taken by another process.")
    if inspection.ledger_damage:
        yield _found("damaged-ledger", damage=inspection.ledger_damage)
    if inspection.crashes:
        newest, number = inspection.crashes[0], len(inspection.crashes)
        yield _found(
            "crash",
            level="wrong" if time.time() * 1000 - newest.at_ms < RECENT_DAYS * MS_PER_DAY else "note",
            at=time.strftime("%Y-%m-%d at %H:%M:%S UTC", time.gmtime(newest.at_ms / 1000)),
            newest=newest,
            more=f" ({number} reports in all)" if number > 1 else "",
            path=report.short(newest.path),
        )
    if inspection.free_bytes is not None and inspection.free_bytes < LEAST_FREE_BYTES:
        yield _found("disk-full", state=state, left=inspection.free_bytes // 1_000_000)
    if inspection.open_to_others:
        yield _found("open-to-others", paths=_paths(report, inspection.open_to_others))


def _agent(report: Report, agent: AgentReport) -> Iterator[Finding]:
    config = report.short(agent.config or "")
    yield from _hooks(report, agent, config)
    if agent.entry is not None and agent.entry.problem:
        yield _found("entry-unreadable", agent=agent)
    elif agent.entry is not None and report.installed and not agent.entry.present:
        yield _found("entry-missing", agent=agent, config=config)
    if agent.lost_folder is not None:
        yield _found("folder-lost", agent=agent, folder=report.short(agent.lost_folder))
    if agent.moved_from:
        before, today = _paths(report, agent.moved_from), _paths(report, agent.roots_today)
        yield _found("transcripts-moved", agent=agent, before=before, today=today)
    if agent.state in ("newer", "older", "unreadable"):
        yield _found(agent.state, agent=agent)
    if agent.keeps_days is not None:
        yield _found("transcripts-deleted", agent=agent, config=config)


def _hooks(report: Report, agent: AgentReport, config: str) -> Iterator[Finding]:
    hooks = agent.hooks
    if hooks is None:
        return
    if hooks.problem:
        yield _found("settings-unreadable", agent=agent)
    if hooks.dropped:
        yield _found("hooks-dropped", agent=agent, config=config)
    if not report.installed:
        return
    if hooks.missing and not hooks.dropped:
        yield _found("hooks-missing", agent=agent, config=config, events=", ".join(hooks.missing))
    if hooks.edited:
        yield _found("hooks-edited", agent=agent, config=config, events=", ".join(hooks.edited))
    if hooks.switched_off:
        yield _found("hooks-off", agent=agent, file=report.short(hooks.switched_off_in or ""))
    elif hooks.to_review:
        yield _found("hooks-to-review", agent=agent, events=", ".join(hooks.to_review))


def _project(report: Report, project: ProjectReport) -> Iterator[Finding]:
    root = report.short(project.root)
    for names, what in ((project.edited, "was edited by hand"), (project.broken, "lost one of its markers")):
        for file in names:
            yield _found("pointer-changed", root=root, file=file, what=what)
    for agent in _selected(report):
        if agent.reads_bytes is not None and project.pointer_end_bytes > agent.reads_bytes:
            yield _found("pointer-too-late", root=root, agent=agent)
    here = {agent.id for agent in report.agents if agent.state != "missing"}
    for hidden in project.hidden:
        level: Level = "wrong" if hidden.agent in here else "note"
        yield _found("pointer-hidden", level=level, root=root, hidden=hidden, name=agent_name(hidden.agent))
    if project.refusal is not None:
        level = "wrong" if project.refusal.tracked else "note"
        yield _found("not-published", level=level, root=root, reason=project.refusal.reason)
    for source in project.unread:
        path, name = report.short(source.path), agent_name(source.agent)
        yield _found("unread-source", path=path, source=source, name=name)


def _paths(report: Report, paths: Sequence[str]) -> str:
    return ", ".join(map(report.short, paths))
