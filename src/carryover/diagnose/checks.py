"""The checks of `carryover doctor`. To add one, write a function and list it in `CHECKS`."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final, get_args

from carryover.agents import agent_name
from carryover.diagnose import agent_checks as agents
from carryover.diagnose import last_runs
from carryover.diagnose.report import AgentReport, Finding, Fix, Inspection, Level, ProjectReport, Report
from carryover.ingest.scan import MS_PER_DAY

MOST_TYPES: Final = 3
"""Maximum number of record types named in a finding."""
MANY_SKIPPED: Final = 50
"""From this many unrecognised records on, the cause is more than one odd transcript."""
RECENT_DAYS: Final = 7
LEAST_FREE_BYTES: Final = 200_000_000
_ENOUGH_INOTIFY: Final = {"watches": 524_288, "instances": 1024}
"""Kernel limits that leave enough for every program of the user."""


LEVELS: Final[tuple[Level, ...]] = get_args(Level)
"""All levels, most severe first."""

Check = Callable[[Report, Inspection], Iterable[Finding]]


def findings(report: Report) -> tuple[Finding, ...]:
    """Returns everything that the checks find in an inspected report, most severe first."""
    inspection = report.inspection
    assert inspection is not None, "doctor inspects"
    found = [finding for check in CHECKS for finding in check(report, inspection)]
    return tuple(sorted(found, key=lambda finding: LEVELS.index(finding.level)))


def _not_installed(report: Report, inspection: Inspection) -> Iterator[Finding]:
    if not inspection.installed and _may_have_hooks(report):
        yield Finding(
            check="install",
            what="Carryover is not installed.",
            why="No agent's settings hold its hooks, so no new session gets a handoff.",
            do="Run `carryover install`.",
        )


def _newly_covered(report: Report, _inspection: Inspection) -> Iterator[Finding]:
    names = [agent.name for agent in report.agents if agent.newly_covered]
    if names:
        yield Finding(
            check="agents",
            level="note",
            what=f"Found here and covered since an update: {', '.join(names)}.",
            why="Nothing is read of an agent, or written into its settings, until you select it.",
            do="Run `carryover refresh`, which asks and then does not name it again.",
        )


def _daemon(report: Report, inspection: Inspection) -> Iterator[Finding]:
    if not inspection.installed and _may_have_hooks(report):
        return  # `carryover install` starts it
    if report.daemon is None:
        registered = report.service.installed
        yield Finding(
            check="daemon",
            what="carryoverd is not running.",
            why="Handoffs are not kept fresh; a new session gets the last one that was made.",
            do="Run `carryover doctor --fix`." if registered else "Start it: `carryover start`.",
            fix="service" if registered else None,
        )
    elif report.daemon.version != report.version:
        yield Finding(
            check="version",
            what=f"carryoverd is {report.daemon.version}, this command is {report.version}.",
            why="The daemon keeps running the version that was installed when it started.",
            do="Restart it: `carryover doctor --fix`, or stop it and start it again.",
            fix=_restart(report),
        )


def _service(report: Report, inspection: Inspection) -> Iterator[Finding]:
    service = report.service
    if not inspection.installed or service.kind == "none":
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
    if service.command and (command := " ".join(service.command)) != inspection.program:
        yield Finding(
            check="installs",
            what=f"The {service.kind} service starts another installation: {command}.",
            why="It may be another version than this command.",
            do="Run `carryover doctor --fix` to make it start this one, or remove one of the two.",
            fix="service",
        )


def _port(_report: Report, inspection: Inspection) -> Iterator[Finding]:
    taken = inspection.port_trouble or (
        f"Port {inspection.port} is taken by {inspection.stranger}." if inspection.stranger is not None else None
    )
    if taken:
        yield Finding(
            check="port",
            what=taken,
            why="Agents whose hooks cannot run a script reach carryoverd only by that port. The others do without it.",
            do="End that program, or set another `port` under `[server]` in config.toml; carryoverd tries again.",
        )


def _hook_script_missing(report: Report, inspection: Inspection) -> Iterator[Finding]:
    # A daemon that is not running is reported already, and writes the script when it starts.
    if (
        inspection.hook_script_missing
        and report.daemon is not None
        and any(agent.hooks and agent.hooks.present for agent in agents.selected(report))
    ):
        yield Finding(
            check="hooks",
            what=f"The script that the hooks run is missing in {report.short(report.state_folder)}.",
            why="The hooks do nothing, without an error.",
            do="Run `carryover doctor --fix`, or restart carryoverd: it writes the script.",
            fix="script",
        )


def _curl_missing(report: Report, inspection: Inspection) -> Iterator[Finding]:
    if inspection.curl_missing and any(agent.hooks for agent in agents.selected(report)):
        yield Finding(
            check="hooks",
            what="There is no `curl` on the PATH.",
            why="Hooks reach carryoverd by it: without it new sessions get only what was kept for when it is down.",
            do="Install curl with your system's package manager.",
        )


def _mcp_sdk_missing(_report: Report, inspection: Inspection) -> Iterator[Finding]:
    if inspection.mcp_sdk:
        yield Finding(
            check="mcp",
            what="The MCP server in your agents' settings can't start: the package that it needs is not installed.",
            why="They show it as failed, and everything else works.",
            do=f"Run `{inspection.mcp_sdk}`, or `carryover refresh --no-mcp`.",
        )


def _ledger(report: Report, inspection: Inspection) -> Iterator[Finding]:
    if report.daemon is not None and report.daemon.ledger_trouble:
        yield Finding(
            check="ledger",
            what=report.daemon.ledger_trouble,
            why="Nothing new is recorded until then. Nothing is lost: the transcripts will be read again.",
            do="Follow the message; carryoverd carries on by itself.",
        )
    if inspection.ledger_damage:
        yield Finding(
            check="ledger",
            what=f"The ledger is damaged: {inspection.ledger_damage}",
            why="Parts of what was recorded may be missing.",
            do="Run `carryover doctor --fix`: the file is moved aside, what can be read of it is saved, and the rest "
            "is read again from the transcripts that still exist.",
            fix="ledger",
        )
    if report.corrupt_ledgers:
        aside = ", ".join(report.short(ledger.path) for ledger in report.corrupt_ledgers)
        yield Finding(
            check="ledger",
            level="note",
            what=f"A damaged ledger was moved aside: {aside}.",
            why="What could be read of it is in the present one.",
            do="Delete it when you miss nothing.",
        )


def _records_skipped(report: Report, inspection: Inspection) -> Iterator[Finding]:
    since_ms = int(time.time() * 1000) - RECENT_DAYS * MS_PER_DAY
    by_version: Counter[tuple[str, str]] = Counter()
    types: Counter[str] = Counter()
    for row in report.ledger.skipped if report.ledger is not None else ():
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
            do=f"Update Carryover: `{inspection.update}`. `carryover status` lists them.",
        )


def _sources_broken(report: Report, _inspection: Inspection) -> Iterator[Finding]:
    if report.ledger is not None and report.ledger.broken:
        yield Finding(
            check="transcripts",
            level="note",
            what=f"{len(report.ledger.broken):,} transcripts cannot be read now.",
            why="What they say is missing until they can be.",
            do="`carryover status` says which, and why.",
        )


def _calls_not_kept(report: Report, _inspection: Inspection) -> Iterator[Finding]:
    if report.daemon is not None and (number := report.daemon.hook_calls.not_kept):
        yield Finding(
            check="spool",
            what=f"{number:,} hook calls could not be written to {report.short(report.state_folder)}/spool.",
            why="They are the only record of some agents' sessions; handoffs may lack what they report.",
            do="Free some space, and see `carryoverd.log` for the reason.",
        )


def _inotify_limit(report: Report, _inspection: Inspection) -> Iterator[Finding]:
    if report.daemon is not None and (limit := report.daemon.watch.reason):
        yield Finding(
            check="inotify",
            what=f"The system's limit on inotify {limit} is reached; folders are polled instead.",
            why="Polling costs more, and sees a change half a second later.",
            do=f"Raise it: `sudo sysctl fs.inotify.max_user_{limit}={_ENOUGH_INOTIFY[limit]}`, and restart carryoverd.",
        )


def _disk_full(report: Report, inspection: Inspection) -> Iterator[Finding]:
    if inspection.free_bytes is not None and inspection.free_bytes < LEAST_FREE_BYTES:
        yield Finding(
            check="disk",
            what=f"The disk that holds {report.short(report.state_folder)} is almost full "
            f"({inspection.free_bytes // 1_000_000} MB left).",
            why="Once it is full nothing can be recorded or handed over.",
            do="Free some space.",
        )


def _open_to_others(report: Report, inspection: Inspection) -> Iterator[Finding]:
    if inspection.open_to_others:
        yield Finding(
            check="permissions",
            what=f"Other users of this machine can read {', '.join(map(report.short, inspection.open_to_others))}.",
            why="Transcripts are private; Carryover keeps them so.",
            do="Run `carryover doctor --fix`.",
            fix="permissions",
        )


def _not_on_path(_report: Report, inspection: Inspection) -> Iterator[Finding]:
    if inspection.path_problem:
        yield Finding(
            check="path",
            level="todo",
            what=inspection.path_problem,
            why="Commands that a handoff names are not found there. Hooks and carryoverd need no PATH.",
            do=inspection.path_remedy or "",
        )


def _other_installs(report: Report, inspection: Inspection) -> Iterator[Finding]:
    if inspection.other_installs:
        yield Finding(
            check="installs",
            what=f"There is another installation: {', '.join(map(report.short, inspection.other_installs))}.",
            why="Two versions take turns with one ledger, and the older one may refuse it.",
            do="Remove one of the two.",
        )


def _settings_unusable(report: Report, inspection: Inspection) -> Iterator[Finding]:
    reloaded = report.daemon.config_trouble if report.daemon is not None else None
    for problem in filter(None, (report.config_problem, reloaded, inspection.record_problem)):
        yield Finding(
            check="settings",
            what=problem,
            why="Until then nothing can be set up or undone.",
            do="Correct that file, then run the command again.",
        )


def _unknown_keys(report: Report, _inspection: Inspection) -> Iterator[Finding]:
    if report.config is not None and report.config.unknown_keys:
        yield Finding(
            check="settings",
            level="note",
            what=f"config.toml holds unknown keys: {', '.join(report.config.unknown_keys)}.",
            why="They are probably misspelt; what you meant is not set.",
            do="Correct or remove them.",
        )


def _paused(report: Report, _inspection: Inspection) -> Iterator[Finding]:
    if report.paused:
        yield Finding(
            check="paused",
            level="note",
            what="Carryover is paused.",
            why="Nothing is read, written or handed over.",
            do="Run `carryover unpause` to resume.",
        )


def _may_have_hooks(report: Report) -> bool:
    """Whether any selected agent can have hooks; if not, installing again would change nothing."""
    chosen = agents.selected(report)
    return not chosen or not all(map(agents.cannot_have_hooks, chosen))


def _restart(report: Report) -> Fix | None:
    return "restart" if report.service.active else None


def _each_agent(check: Callable[[Report, Inspection, AgentReport], Iterable[Finding]]) -> Check:
    return lambda report, inspection: (
        finding for agent in agents.selected(report) for finding in check(report, inspection, agent)
    )


def _each_project(check: Callable[[Report, Inspection, ProjectReport], Iterable[Finding]]) -> Check:
    return lambda report, inspection: (
        finding for project in inspection.projects for finding in check(report, inspection, project)
    )


CHECKS: Final[tuple[Check, ...]] = (
    _not_installed,
    _newly_covered,
    _daemon,
    _service,
    _port,
    _each_agent(agents.hooks),
    _each_agent(agents.entry),
    _hook_script_missing,
    _curl_missing,
    _mcp_sdk_missing,
    _each_agent(agents.folders),
    _each_agent(agents.version),
    _each_agent(agents.transcripts_deleted),
    _each_project(agents.pointers),
    _each_project(agents.refused),
    _each_project(agents.history_not_believed),
    _ledger,
    _records_skipped,
    _sources_broken,
    _calls_not_kept,
    last_runs.crashed,
    last_runs.ended_without_order,
    _inotify_limit,
    _disk_full,
    _open_to_others,
    _not_on_path,
    _other_installs,
    _settings_unusable,
    _unknown_keys,
    _paused,
)
"""All checks; findings of the same level are printed in this order."""
