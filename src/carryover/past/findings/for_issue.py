"""Makes the report that a user can paste into an issue: the facts and findings without private words.

Nothing is quoted: a value is shown if it is a number, a time, or a word of a closed set that the program knows. Text
of any other kind, such as a path, a name or what an error says, is counted, or reported as set.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, get_args

import msgspec

from carryover.agents import agent_ids
from carryover.config import Config, Pointers, ResumeMode
from carryover.daemon.health import Health
from carryover.ledger.rows import SkippedRow
from carryover.past.context import now_ms
from carryover.past.findings.checks import findings, not_known
from carryover.past.findings.facts import AgentFacts, Gathered, LedgerFacts
from carryover.past.findings.gather import gather
from carryover.text.pattern import later

_TITLE: Final = "Report of `carryover doctor --report`: no content, no paths, no names"
_SYSTEMS: Final = ("Linux", "Darwin")
_MACHINES: Final = ("x86_64", "amd64", "aarch64", "arm64", "i686", "armv7l", "riscv64", "ppc64le", "s390x")
_WORDS: Final = {*get_args(ResumeMode), *get_args(Pointers)}
_EVERY: Final = later(r"[0-9]{1,4}[mh]?")
_VERSION: Final = later(r"(?<![0-9.])[0-9]{1,8}(?:\.[0-9]{1,8}){1,2}(?![0-9.])", re.ASCII)
"""At most three parts: four may be an address."""
_ERRORS: Final = (
    *("OSError", "FileNotFoundError", "FileExistsError", "PermissionError", "NotADirectoryError", "IsADirectoryError"),
    *("BrokenPipeError", "ConnectionError", "ConnectionResetError", "ConnectionRefusedError", "TimeoutError"),
    *("MemoryError", "RecursionError", "RuntimeError", "NotImplementedError", "AssertionError", "AttributeError"),
    *("KeyError", "IndexError", "ValueError", "TypeError", "OverflowError", "ZeroDivisionError", "ImportError"),
    *("UnicodeDecodeError", "UnicodeEncodeError", "ModuleNotFoundError", "NameError", "StopIteration", "EOFError"),
    *("OperationalError", "DatabaseError", "IntegrityError", "ProgrammingError", "ValidationError", "DecodeError"),
)
"""Types of errors that are named: any other word in an error's text may be a name of the user's."""
_SECTIONS: Final = ("resume", "publish", "server", "projects", "sync")
_UNKNOWN: Final = "unknown"


def issue_report() -> str:
    """Returns the report on this machine."""
    return report_for_issue(gather("inspected"), now_ms())


def report_for_issue(facts: Gathered, at_ms: int) -> str:
    """Returns the report on inspected facts as text that ends with a line break."""
    sections = {
        "versions": [*_versions(facts)],
        "agents": [*_agents(facts)],
        "settings that differ from the defaults": [*_settings(facts.config)],
        "findings": _findings(facts),
        "daemon": [*_daemon(facts.daemon)] if facts.daemon is not None else ["not running, or it does not answer"],
        "ledger": [*_ledger(facts.ledger)] if facts.ledger is not None else ["none, or it cannot be read"],
        "last incidents": [*_incidents(facts)],
    }
    lines = [_TITLE, f"made {_moment(at_ms)}"]
    for title, rows in sections.items():
        lines += ["", f"{title}:", *(f"  {row}" for row in rows or ["none"])]
    return "".join(f"{line}\n" for line in lines)


def version_number(text: str | None) -> str:
    """Returns the first version number in `text`, digits and dots alone: its other parts may be anything."""
    match = _VERSION.search(text or "")
    return match[0] if match is not None else _UNKNOWN


def _versions(facts: Gathered) -> Iterator[str]:
    service = facts.service
    inspection = facts.inspection
    if inspection is not None:
        system = _of(_SYSTEMS, inspection.system)
        yield f"carryover {version_number(facts.version)}, {inspection.installed_by}"
        yield f"{system} {version_number(inspection.release)}, {_of(_MACHINES, inspection.machine)}"
        yield f"Python {version_number(inspection.python)}, SQLite {version_number(inspection.sqlite)}"
        yield f"git {version_number(inspection.git)}"
    yield f"service {service.kind}, installed {service.installed}, active {service.active}, restarts {service.restarts}"


def _agents(facts: Gathered) -> Iterator[str]:
    for agent in facts.agents:
        if agent.is_here or agent.selected or agent.sessions:
            yield _agent(agent)
    if facts.config.sources:
        yield f"declared by the user: {len(facts.config.sources)}"


def _agent(agent: AgentFacts) -> str:
    facts = [f"version {version_number(agent.version)} ({agent.state})", f"selected {agent.selected}"]
    hooks = agent.hooks
    if hooks is not None:
        counts = {"present": hooks.present, "missing": hooks.missing, "edited": hooks.edited, "review": hooks.to_review}
        facts += [f"hooks {name} {len(events)}" for name, events in counts.items() if events]
        facts += ["hooks switched off"] if hooks.switched_off else []
        facts += ["settings unreadable"] if hooks.problem is not None else []
    facts.append(f"sessions {agent.sessions}")
    if agent.last_event_ms is not None:
        facts.append(f"last event {_moment(agent.last_event_ms)}")
    return f"{agent.id}: {', '.join(facts)}"


def _settings(config: Config) -> Iterator[str]:
    default = Config()
    for section in _SECTIONS:
        values = msgspec.structs.asdict(getattr(config, section))
        usual = msgspec.structs.asdict(getattr(default, section))
        for name, value in values.items():
            if value != usual[name]:
                yield f"{section}.{name} = {_safe(value)}"
    selected = config.agents.selected
    if selected is not None:
        ours = [agent for agent in selected if agent in agent_ids()]
        yield f"agents.selected = {', '.join(ours)}; others {len(selected) - len(ours)}"
    counts = {"sources": config.sources, "unknown keys": config.unknown_keys}
    for name, entries in counts.items():
        if entries:
            yield f"{name}: {len(entries)}"


def _safe(value: Any) -> str:
    if isinstance(value, bool | int):
        return str(value)
    if isinstance(value, Mapping | tuple):
        return f"{len(value)} (not shown)"
    if isinstance(value, str) and (value in _WORDS or _EVERY.fullmatch(value)):
        return value
    return "set (not shown)"


def _findings(facts: Gathered) -> list[str]:
    counts = Counter(f"{finding.check}: {finding.level}" for finding in findings(facts))
    unknown = [f"not known: {', '.join(not_known(facts))}"] if not_known(facts) else []
    return [*(f"{what}, {n}" for what, n in counts.items()), *unknown]


def _daemon(health: Health) -> Iterator[str]:
    rss = f"{health.rss_bytes} bytes of memory" if health.rss_bytes is not None else "memory unknown"
    yield f"version {version_number(health.version)}, up {health.uptime_s:.0f} s, {rss}"
    yield f"caught up {health.caught_up}, paused {health.paused}, waiting sources {health.waiting_sources}"
    yield f"sources {health.sources}, broken {health.broken_sources}, silent disks {len(health.silent)}"
    watch = health.watch
    yield f"watch {watch.mode}, watched {watch.watched}, missing {watch.missing}, denied {watch.denied}"
    yield f"hook calls: {', '.join(f'{name} {n}' for name, n in health.hook_calls.items())}"
    states = Counter(task.state for task in health.tasks)
    restarts = sum(task.restarts for task in health.tasks)
    yield f"tasks: {', '.join(f'{state} {n}' for state, n in states.items())}; restarts {restarts}"
    for task in health.tasks:
        if task.last_error is not None:
            yield f"a task failed: {_error_type(task.last_error)}"


def _ledger(ledger: LedgerFacts) -> Iterator[str]:
    yield f"events {ledger.events}, sessions {ledger.sessions}, projects {ledger.project_count}, bytes {ledger.bytes}"
    yield f"sources {ledger.sources}, gone {ledger.gone_sources}, records too long {ledger.oversized}"
    yield f"secrets redacted {sum(ledger.redactions.values())}"
    for row in ledger.skipped:
        yield _skipped(row)
    for agent, n in Counter(_known_agent(source.agent) for source in ledger.broken).items():
        yield f"cannot be read, {agent}: {n}"


def _skipped(row: SkippedRow) -> str:
    return f"not understood, {_known_agent(row.agent)} {version_number(row.agent_version)}: {row.n}"


def _incidents(facts: Gathered) -> Iterator[str]:
    if facts.corrupt_ledgers:
        yield f"moved aside: {len(facts.corrupt_ledgers)} damaged ledgers"
    for incident in facts.ledger.incidents if facts.ledger is not None else ():
        yield f"ledger repaired {_moment(incident.at_ms)}"


def _error_type(text: str) -> str:
    words = re.findall(r"[A-Za-z]+", text)
    return next((word for word in words if word in _ERRORS), "another error")


def _known_agent(agent: str) -> str:
    return agent if agent in agent_ids() else "a declared source"


def _of(words: Sequence[str], word: str) -> str:
    return word if word in words else "another"


def _moment(at_ms: int) -> str:
    """Returns the time to the minute, in UTC. One that no calendar has is `unknown`."""
    try:
        return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (OverflowError, ValueError, OSError):
        return _UNKNOWN
