"""What may be wrong, for `carryover doctor` and in short for `carryover status`. To add a check, yield another finding.

What can be told from the report alone comes first; the rest needs an inspection, which only `doctor` makes.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import Final, get_args

from carryover.agents import agent_name
from carryover.daemon.client import port_trouble
from carryover.diagnose import agent_checks
from carryover.diagnose.report import Finding, Inspection, LedgerReport, Level, Report
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
    for agent in agent_checks.selected(report):
        found += agent_checks.findings(report, agent)
    found += [*_transcripts(report), *_settings(report)]
    if report.inspection is not None:
        found += _inspected(report, report.inspection)
        for project in report.inspection.projects:
            found += agent_checks.project_findings(report, project)
    return tuple(sorted(found, key=lambda finding: LEVELS.index(finding.level)))


def _set_up(report: Report) -> Iterator[Finding]:
    if not report.installed and _may_have_hooks(report):
        yield Finding(
            check="install",
            what="Carryover is not installed.",
            why="No agent's settings hold its hooks, so no new session gets a handoff.",
            do="Run `carryover install`.",
        )
    elif report.daemon is None:
        registered = report.service.installed
        yield Finding(
            check="daemon",
            what="carryoverd is not running.",
            why="Handoffs are not kept fresh; a new session gets the last one that was made.",
            do="Run `carryover doctor --fix`." if registered else "Start it: `carryover start`.",
            fix="service" if registered else None,
        )
    if names := [agent.name for agent in report.agents if agent.newly_covered]:
        yield Finding(
            check="agents",
            level="todo",
            what=f"Found here and covered since an update: {', '.join(names)}.",
            why="Nothing is read of an agent, or written into its settings, until you select it.",
            do="Run `carryover refresh`, which asks and then does not name it again.",
        )


def _may_have_hooks(report: Report) -> bool:
    """Whether any selected agent can have hooks; if not, installing again would change nothing."""
    chosen = agent_checks.selected(report)
    return not chosen or not all(map(agent_checks.cannot_have_hooks, chosen))


def _service(report: Report) -> Iterator[Finding]:
    service = report.service
    if not report.installed or service.kind == "none":
        return
    if not service.installed:
        yield Finding(
            check="service",
            level="note",
            what="carryoverd is not registered as a service.",
            why="Nothing starts it when you log in, or restarts it when it fails.",
            do="Run `carryover install` to register it, or leave it if you start it yourself.",
        )
    elif service.enabled is False:
        yield Finding(
            check="service",
            what=f"The {service.kind} service is not enabled.",
            why="carryoverd will not run after your next login.",
            do="Run `carryover doctor --fix`.",
            fix="service",
        )
    if service.installed and service.trouble:
        yield Finding(
            check="service",
            what=f"The {service.kind} service is failing: {service.trouble}",
            why="Nothing restarts carryoverd when it ends.",
            do="Run `carryover doctor --fix`; the log in the state folder says more.",
            fix="service",
        )


def _daemon(report: Report) -> Iterator[Finding]:
    health = report.daemon
    if health is None:
        return
    if health.version != report.version:
        yield Finding(
            check="version",
            what=f"carryoverd is {health.version}, this command is {report.version}.",
            why="The daemon keeps running the version that was installed when it started.",
            do="Restart it: `carryover doctor --fix`, or stop it and start it again.",
            fix="restart" if report.service.active else None,
        )
    if taken := port_trouble(health):
        yield _port(taken)
    if health.ledger_trouble:
        yield Finding(
            check="ledger",
            what=health.ledger_trouble,
            why="Nothing new is recorded until then. Nothing is lost: the transcripts will be read again.",
            do="Follow the message; carryoverd carries on by itself.",
        )
    if number := health.hook_calls.not_kept:
        yield Finding(
            check="spool",
            what=f"{number:,} hook calls could not be written to {report.short(report.state_folder)}/spool.",
            why="They are the only record of some agents' sessions; handoffs may lack what they report.",
            do="Free some space, and see `carryoverd.log` for the reason.",
        )
    if limit := health.watch.reason:
        yield Finding(
            check="inotify",
            what=f"The system's limit on inotify {limit} is reached; folders are polled instead.",
            why="Polling costs more, and sees a change half a second later.",
            do=f"Raise it: `sudo sysctl fs.inotify.max_user_{limit}={_ENOUGH_INOTIFY[limit]}`, and restart carryoverd.",
        )


def _port(taken: str) -> Finding:
    return Finding(
        check="port",
        what=taken,
        why="Agents whose hooks cannot run a script reach carryoverd only by that port. The others do without it.",
        do="End that program, or set another `port` under `[server]` in config.toml; carryoverd tries again.",
    )


def _transcripts(report: Report) -> Iterator[Finding]:
    ledger = report.ledger
    if ledger is not None:
        yield from _skipped(ledger)
    if ledger is not None and ledger.broken:
        yield Finding(
            check="transcripts",
            level="todo",
            what=f"{counted(len(ledger.broken), 'transcript')} cannot be read now.",
            why="What is in them is missing until then.",
            do="`carryover status -v` says which, and why.",
        )
    if report.corrupt_ledgers:
        aside = ", ".join(report.short(moved.path) for moved in report.corrupt_ledgers)
        yield Finding(
            check="ledger",
            level="note",
            what=f"A damaged ledger was moved aside: {aside}.",
            why="What could be read of it is in the present one.",
            do="Delete it when you miss nothing.",
        )


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
        most_of = f"{agent_name(agent)} {version}".rstrip()
        named = ", ".join(f"{kind} ({n:,})" for kind, n in types.most_common(MOST_TYPES))
        yield Finding(
            check="transcripts",
            what=f"{number:,} records were not understood, the newest this week, most of {most_of}: {named}.",
            why="The agent's format has probably changed; handoffs may lack what those records say.",
            do="Update Carryover. `carryover status -v` lists them.",
        )


def _settings(report: Report) -> Iterator[Finding]:
    reloaded = report.daemon.config_trouble if report.daemon is not None else None
    for problem in filter(None, (report.config_problem, reloaded, report.record_problem)):
        yield Finding(
            check="settings",
            what=problem,
            why="Until then nothing can be set up or undone.",
            do="Correct that file, then run the command again.",
        )
    if report.config is not None and report.config.unknown_keys:
        yield Finding(
            check="settings",
            level="todo",
            what=f"config.toml holds unknown keys: {', '.join(report.config.unknown_keys)}.",
            why="They are probably misspelt; what you meant is not set.",
            do="Correct or remove them.",
        )
    if report.paused:
        yield Finding(
            check="paused",
            level="note",
            what="Carryover is paused.",
            why="Nothing is read, written or handed over.",
            do="Run `carryover unpause` to resume.",
        )


def _inspected(report: Report, inspection: Inspection) -> Iterator[Finding]:
    yield from _for_hooks(report, inspection)
    yield from _installs(report, inspection)
    if inspection.stranger:
        yield _port(f"Port {inspection.port} is taken by another process.")
    if inspection.ledger_damage:
        yield Finding(
            check="ledger",
            what=f"The ledger is damaged: {inspection.ledger_damage}",
            why="Parts of what was recorded may be missing.",
            do="Run `carryover doctor --fix`: the file is moved aside, what can be read of it is saved, and the rest "
            "is read again from the transcripts that still exist.",
            fix="ledger",
        )
    if inspection.crashes:
        newest, number = inspection.crashes[0], len(inspection.crashes)
        at_s = newest.at_ms / 1000
        yield Finding(
            check="crash",
            level="wrong" if time.time() - at_s < RECENT_DAYS * MS_PER_DAY / 1000 else "note",
            what=f"carryoverd crashed on {time.strftime('%Y-%m-%d at %H:%M:%S UTC', time.gmtime(at_s))}: {newest.what}"
            + (f" ({number} reports in all)." if number > 1 else "."),
            why="That is a fault of Carryover. What was not stored then has been read again since, or will be.",
            do=f"Read {report.short(newest.path)}, update Carryover, and report it with that file if it happens again: "
            "it holds no text of transcripts. Delete the file to clear this.",
        )
    if inspection.free_bytes is not None and inspection.free_bytes < LEAST_FREE_BYTES:
        yield Finding(
            check="disk",
            what=f"The disk that holds {report.short(report.state_folder)} is almost full "
            f"({inspection.free_bytes // 1_000_000} MB left).",
            why="Once it is full nothing can be recorded or handed over.",
            do="Free some space.",
        )
    if inspection.open_to_others:
        yield Finding(
            check="permissions",
            what=f"Other users of this machine can read {', '.join(map(report.short, inspection.open_to_others))}.",
            why="Transcripts are private; Carryover keeps them so.",
            do="Run `carryover doctor --fix`.",
            fix="permissions",
        )


def _for_hooks(report: Report, inspection: Inspection) -> Iterator[Finding]:
    hooks = [agent.hooks for agent in agent_checks.selected(report) if agent.hooks]
    # A daemon that is not running is reported already, and writes the script when it starts.
    if inspection.hook_script_missing and report.daemon is not None and any(each.present for each in hooks):
        yield Finding(
            check="hooks",
            what=f"The script that the hooks run is missing in {report.short(report.state_folder)}.",
            why="The hooks do nothing, without an error.",
            do="Run `carryover doctor --fix`, or restart carryoverd: it writes the script.",
            fix="script",
        )
    if inspection.curl_missing and hooks:
        yield Finding(
            check="hooks",
            what="There is no `curl` on the PATH.",
            why="Hooks reach carryoverd by it: without it new sessions get only what was kept for when it is down.",
            do="Install curl with your system's package manager.",
        )
    if inspection.mcp_sdk:
        yield Finding(
            check="mcp",
            what="The MCP server in your agents' settings can't start: the package that it needs is not installed.",
            why="They show it as failed, and everything else works.",
            do=f"Run `{inspection.mcp_sdk}`, or `carryover refresh --no-mcp`.",
        )


def _installs(report: Report, inspection: Inspection) -> Iterator[Finding]:
    command = " ".join(report.service.command or ()) if report.installed else ""
    if command and command != inspection.program:
        yield Finding(
            check="installs",
            what=f"The {report.service.kind} service starts another installation: {command}.",
            why="It may be another version than this command.",
            do="Run `carryover doctor --fix` to make it start this one, or remove one of the two.",
            fix="service",
        )
    if inspection.other_installs:
        yield Finding(
            check="installs",
            what=f"There is another installation: {', '.join(map(report.short, inspection.other_installs))}.",
            why="Two versions take turns with one ledger, and the older one may refuse it.",
            do="Remove one of the two.",
        )
    if inspection.path_problem:
        yield Finding(
            check="path",
            level="todo",
            what=inspection.path_problem,
            why="Commands that a handoff names are not found there. Hooks and carryoverd need no PATH.",
            do=inspection.path_remedy or "",
        )
