"""Judges the report, for `carryover doctor` and in short for `carryover status`. The words are in `findings.txt`.

To add a check, add a case to a table. What the report alone can tell comes first; only `doctor` inspects more.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

from carryover.agents import agent_name
from carryover.daemon.client import port_trouble
from carryover.install.agent_report import HooksReport
from carryover.past.diagnose.report import AgentReport, Finding, InGit, Inspection, Level, ProjectReport, Report
from carryover.projects.policy import ONLY_GIT, WITHHELD
from carryover.terminal.output import counted
from carryover.terminal.paths import quoted

MOST_TYPES: Final = 3
"""Maximum number of record types named in a finding."""
MANY_SKIPPED: Final = 50
"""From this many unrecognised records on, the cause is more than one odd transcript."""
RECENT_MS: Final = 7 * 24 * 3_600_000
LEAST_FREE_BYTES: Final = 200_000_000
LEVELS: Final[tuple[Level, ...]] = get_args(Level)
"""All levels, most severe first."""
_ENOUGH_INOTIFY: Final = {"watches": 524_288, "instances": 1024}
"""Kernel limits that leave enough for every program of the user."""


def findings(report: Report) -> tuple[Finding, ...]:
    """Returns everything that is found in a report, most severe first."""
    found = [*_set_up(report), *_daemon(report)]
    for agent in _selected(report):
        found += _agent(report, agent)
    found += _recorded(report)
    found += _those({"no-git": report.git_trouble}, trouble=report.git_trouble)
    found += [_found("left-out", agent=agent, reason=reason) for agent, reason in report.left_out.items()]
    found += [_found("silent-disk", folder=folder) for folder in report.silent]
    for project in report.in_git:
        found += _in_git(report, project)
    if report.inspection is not None:
        found += _inspected(report, report.inspection)
        for inspected in report.inspection.projects:
            found += _project(report, inspected)
    return tuple(sorted(found, key=lambda finding: LEVELS.index(finding.level)))


@cache
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


def _found(finding: str, /, *, level: Level | None = None, **values: Any) -> Finding:
    of = templates()[finding]
    what, why, do = (text.format(**values) for text in (of.what, of.why, of.do))
    return msgspec.structs.replace(of, what=what, why=why, do=do, level=level or of.level)


def _those(cases: Mapping[str, object], **values: Any) -> list[Finding]:
    return [_found(name, **values) for name, case in cases.items() if case]


def _selected(report: Report) -> tuple[AgentReport, ...]:
    return tuple(agent for agent in report.agents if agent.selected and agent.state != "missing")


def _set_up(report: Report) -> list[Finding]:
    service = report.service
    chosen = _selected(report)
    # If no selected agent can have hooks, installing again would change nothing.
    to_install = not report.installed and not (chosen and all(map(_cannot_have_hooks, chosen)))
    is_down = not to_install and report.daemon is None
    new = [agent.name for agent in report.agents if agent.newly_covered]
    managed = report.installed and service.kind != "none"
    cases = {
        "not-installed": to_install,
        "service-not-running": is_down and service.installed,
        "not-running": is_down and not service.installed,
        "newly-covered": new,
        "not-registered": managed and not service.installed,
        "not-enabled": managed and service.installed and service.enabled is False,
        "service-failing": managed and service.installed and service.trouble,
    }
    return _those(cases, service=service, names=", ".join(new))


def _cannot_have_hooks(agent: AgentReport) -> bool:
    """Whether the agent's own version, folder or settings rule out hooks."""
    unusable = agent.hooks is not None and bool(agent.hooks.problem or agent.hooks.dropped)
    return agent.state == "older" or agent.lost_folder is not None or unusable


def _daemon(report: Report) -> Iterator[Finding]:
    daemon = report.daemon
    if daemon is None:
        return
    if (daemon.version, daemon.build) != (report.version, report.build):
        differs = f"is {daemon.version}, this command is {report.version}"
        if daemon.version == report.version:
            differs = f"is another build of {daemon.version} than this command"
        found = _found("other-build", differs=differs)
        yield found if report.service.active else msgspec.structs.replace(found, fix=None)
    taken = port_trouble(daemon)
    limit = daemon.watch.reason
    cases = {
        "port-taken": taken,
        "ledger-trouble": daemon.ledger_trouble,
        "not-spooled": daemon.hook_calls.not_kept,
        "inotify": limit in _ENOUGH_INOTIFY,
        "unreported": limit == "silent",
        "too-many-folders": limit == "descriptors",
    }
    state = report.short(report.state_folder)
    enough = _ENOUGH_INOTIFY.get(limit or "", 0)
    yield from _those(cases, daemon=daemon, taken=taken, trouble=daemon.ledger_trouble, state=state, enough=enough)


def _recorded(report: Report) -> Iterator[Finding]:
    ledger = report.ledger
    moved = report.corrupt_ledgers
    config = report.config
    since_ms = time.time() * 1000 - RECENT_MS
    by_version: Counter[tuple[str, str]] = Counter()
    types: Counter[str] = Counter()
    for row in ledger.skipped if ledger is not None else ():
        if row.last_ms >= since_ms:
            by_version[row.agent, row.agent_version] += row.n
            types[row.record_type] += row.n
    if (number := by_version.total()) >= MANY_SKIPPED:
        (agent, version), _ = by_version.most_common(1)[0]
        named = ", ".join(f"{kind} ({n:,})" for kind, n in types.most_common(MOST_TYPES))
        yield _found("not-understood", number=number, most_of=f"{agent_name(agent)} {version}".rstrip(), types=named)
    withheld = [row.root for row in ledger.projects if row.refusal == WITHHELD] if ledger is not None else []
    yield from _those({"withheld": withheld}, folders=_paths(report, withheld))
    broken = counted(len(ledger.broken), "transcript") if ledger is not None and ledger.broken else ""
    paths = _paths(report, [each.path for each in moved])
    yield from _those({"broken-transcripts": broken, "moved-aside": paths}, number=broken, paths=paths)
    reloaded = report.daemon.config_trouble if report.daemon is not None else None
    if reloaded is not None and reloaded in (report.config_problem or ""):
        reloaded = None  # one mistake, reported once
    for problem in filter(None, (report.config_problem, reloaded, report.record_problem)):
        yield _found("settings-problem", problem=problem)
    for ignored in ledger.ignored_settings if ledger is not None else ():
        yield _found("ignored-settings", root=report.short(ignored.root), notes="; ".join(ignored.notes))
    unknown = config.unknown_keys if config is not None else ()
    yield from _those({"unknown-keys": unknown, "paused": report.paused}, keys=", ".join(unknown))


def _in_git(report: Report, project: InGit) -> list[Finding]:
    from carryover.publish.once import commit_command  # loaded already, unless there is no project to ask git about

    files = project.uncommitted
    return _those(
        {"open-to-git": project.open_to, "pull-refused": project.refuses_pull},
        root=report.short(project.root),
        reason=project.open_to,
        files=", ".join(files),
        command=commit_command(project.root, files),
    )


def _inspected(report: Report, inspection: Inspection) -> Iterator[Finding]:
    state = report.short(report.state_folder)
    crashes = inspection.crashes
    others = _paths(report, inspection.other_installs)
    hooks = [agent.hooks for agent in _selected(report) if agent.hooks]
    command = " ".join(report.service.command or ()) if report.installed else ""
    trouble = None if report.daemon is not None and report.daemon.ledger_trouble else report.ledger_problem
    # A daemon that is not running is reported already, and writes the script when it starts.
    is_needed = report.daemon is not None and any(each.present for each in hooks)
    cases = {
        "script-missing": inspection.hook_script_missing and is_needed,
        "no-curl": inspection.curl_missing and hooks,
        "no-mcp-sdk": inspection.mcp_sdk,
        "service-of-another": command and command != inspection.program,
        "other-installs": others,
        "not-on-path": inspection.path_problem,
        "port-taken": inspection.stranger,
        "ledger-trouble": trouble and not inspection.ledger_damage,
        "damaged-ledger": inspection.ledger_damage,
    }
    taken = f"Port {inspection.port} is taken by another process."
    remedy = inspection.path_remedy or ""
    values = {"service": report.service, "command": command, "taken": taken, "remedy": remedy, "state": state}
    yield from _those(cases, inspection=inspection, trouble=trouble, paths=others, **values)
    if crashes:
        yield _found(
            "crash",
            level="wrong" if time.time() * 1000 - crashes[0].at_ms < RECENT_MS else "note",
            at=time.strftime("%Y-%m-%d at %H:%M:%S UTC", time.gmtime(crashes[0].at_ms / 1000)),
            newest=crashes[0],
            more=f" ({len(crashes)} reports in all)" if len(crashes) > 1 else "",
            path=report.short(crashes[0].path),
        )
    free = inspection.free_bytes if inspection.free_bytes is not None else LEAST_FREE_BYTES
    paths = _paths(report, inspection.open_to_others)
    cases = {"disk-full": free < LEAST_FREE_BYTES, "open-to-others": paths}
    yield from _those(cases, state=state, left=free // 1_000_000, paths=paths)


def _agent(report: Report, agent: AgentReport) -> list[Finding]:
    hooks = agent.hooks or HooksReport()
    entry = agent.entry
    installed = report.installed
    cases = {
        "settings-unreadable": hooks.problem,
        "hooks-dropped": hooks.dropped,
        "hooks-missing": installed and hooks.missing and not hooks.dropped,
        "hooks-edited": installed and hooks.edited,
        "hooks-off": installed and hooks.switched_off,
        "hooks-to-review": installed and hooks.to_review and not hooks.switched_off,
        "entry-unreadable": entry and entry.problem,
        "entry-missing": installed and entry and not (entry.problem or entry.present),
        "folder-lost": agent.lost_folder is not None,
        "transcripts-moved": agent.moved_from,
        agent.state: agent.state in ("newer", "older", "unreadable"),
        "transcripts-deleted": agent.keeps_days is not None,
    }
    return _those(
        cases,
        agent=agent,
        config=report.short(agent.config or ""),
        missing=", ".join(hooks.missing),
        edited=", ".join(hooks.edited),
        to_review=", ".join(hooks.to_review),
        file=report.short(hooks.switched_off_in or ""),
        folder=report.short(agent.lost_folder or ""),
        before=_paths(report, agent.moved_from),
        today=_paths(report, agent.roots_today),
    )


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
    explained = (WITHHELD, *([ONLY_GIT] if report.git_trouble else []))
    if project.refusal is not None and not project.refusal.in_git and project.refusal.reason not in explained:
        yield _found("not-published", root=root, reason=project.refusal.reason)
    for source in project.unread:
        path = report.short(source.path)
        name = agent_name(source.agent)
        yield _found(
            "unread-source", path=path, source=source, name=name, command=f"carryover import {quoted(source.path)}"
        )


def _paths(report: Report, paths: Sequence[str]) -> str:
    return ", ".join(map(report.short, paths))
