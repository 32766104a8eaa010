"""`carryover status` for people: what is, then what to do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from carryover.cli.agent_text import agent_lines
from carryover.cli.output import BOLD, YELLOW, ago, counted, duration, harmless, paint, short_path, size

SHOWN: Final = 12
"""Entries of each list that are shown; --json has them all."""


def status_lines(found: dict[str, Any], *, home: Path, now_ms: int) -> Iterator[str]:
    """The lines of `status`, from what `gather` found."""
    yield from _limits(found["ledger"], home, now_ms)
    yield from _daemon(found)
    yield from _service(found["service"])
    if found["paused"]:
        yield _entry("paused", paint("nothing is read, written or handed over; `carryover unpause` goes on", YELLOW))
    yield _entry("state", short_path(found["state_folder"], home))
    yield from _ledger(found["ledger"])
    yield from (_entry("problem", paint(problem, YELLOW)) for problem in _problems(found))
    yield from _section("agents", [line for agent in found["agents"] for line in agent_lines(agent, home, now_ms)])
    not_yet = [agent["name"] for agent in found["agents"] if not agent["covered"]]
    if not_yet:
        yield f"  {'not yet':<16} {', '.join(not_yet)}"
    ledger = found["ledger"] or {}
    told = {project["root"]: project for project in (found["daemon"] or {}).get("projects", ())}
    rows = ledger.get("projects", ())
    yield from _section("projects", [_project(row, told.get(row["root"], {}), home, now_ms) for row in rows])
    yield from _section("redacted", _redactions(ledger.get("redactions", {})))
    yield from _section("not understood (skipped, nothing else is affected)", _skipped(ledger))
    yield from _section("cannot be read now", [_broken(row, home, now_ms) for row in ledger.get("broken", ())])
    yield from _section("tasks of the daemon in trouble", _troubled(found["daemon"]))
    yield from _section("moved aside", [_corrupt(entry, home) for entry in found["corrupt_ledgers"]])
    incidents = [f"{ago(row['at_ms'], now_ms)}: {row['text']}" for row in ledger.get("incidents", ())]
    yield from _section("what happened to the ledger", incidents)
    unknown = (found["config"] or {}).get("unknown_keys", [])
    yield from _section("keys in config.toml that mean nothing", unknown)


def _limits(ledger: dict[str, Any] | None, home: Path, now_ms: int) -> Iterator[str]:
    """First of all: somebody who looks now may be waiting for that."""
    limits = (ledger or {}).get("limits", ())
    for row in limits[:SHOWN]:
        where = harmless(short_path(row["root"], home))
        resets = f"; it resets {row['resets']}" if row["resets"] else ""
        text = f"{row['name']} reached its usage limit in {where} {ago(row['at_ms'], now_ms)}{resets}."
        yield paint(text, YELLOW) + "".join(f" Go on: {harmless(command)}" for command in row["commands"][:1])
    if limits:
        yield ""


def _daemon(found: dict[str, Any]) -> Iterator[str]:
    health = found["daemon"]
    if health is None:
        yield _entry("carryoverd", "not running, so no handoff is kept fresh; `carryover doctor` says how to start it")
        return
    facts = [
        paint("running", BOLD),
        f"process {health['pid']}",
        f"for {duration(health['uptime_s'])}",
        f"{size(health['rss_bytes'])} of memory" if health.get("rss_bytes") else "",
        "caught up" if health["caught_up"] else "still reading history",
    ]
    yield _entry("carryoverd", f"{health['version']}, {', '.join(fact for fact in facts if fact)}")
    if health["version"] != found["version"]:
        yield _entry("", f"This command is {found['version']}. Restart carryoverd to bring both to the same version.")


def _service(service: dict[str, Any]) -> Iterator[str]:
    if service["installed"]:
        facts = [
            service["kind"],
            "enabled" if service["enabled"] else "not enabled" if service["enabled"] is False else "",
            "active" if service["active"] else "not active" if service["active"] is False else "",
            counted(service["restarts"], "restart") if service["restarts"] else "",
        ]
        yield _entry("service", ", ".join(fact for fact in facts if fact))
        if service["trouble"]:
            yield _entry("", paint(service["trouble"], YELLOW))
    else:
        yield _entry("service", "none" if not service["trouble"] else f"none: {service['trouble']}")


def _ledger(ledger: dict[str, Any] | None) -> Iterator[str]:
    if ledger is None:
        yield _entry("ledger", "none yet")
        return
    parts = [
        counted(ledger["events"], "event"),
        counted(ledger["sessions"], "session"),
        counted(ledger["project_count"], "project"),
        counted(ledger["sources"], "transcript"),
    ]
    yield _entry("ledger", f"{size(ledger['bytes'])}: {', '.join(parts)}")


def _project(row: dict[str, Any], told: dict[str, Any], home: Path, now_ms: int) -> str:
    """A line for one project of the ledger; `told` is what the daemon says of it, if anything."""
    path = short_path(row["root"], home)
    trouble = told.get("error") or row["refusal"]
    if trouble:
        handoff = paint(f"not published: {trouble}", YELLOW)
    elif row["published_ms"]:
        handoff = f"handoff written {ago(row['published_ms'], now_ms)}"
    else:
        handoff = "no handoff written"
    notes = "".join(f" ({note})" for note in told.get("notes", ()))
    return f"{harmless(path)}: last event {ago(row['last_event_ms'] or None, now_ms)}, {handoff}{notes}"


def _problems(found: dict[str, Any]) -> list[str]:
    health = found["daemon"] or {}
    watch = health.get("watch") or {}
    polling = f"The folders are polled instead of watched: {watch['reason']}" if watch.get("reason") else None
    troubles = (health.get("ledger_trouble"), health.get("config_trouble"), polling)
    return [*found["problems"], *(trouble for trouble in troubles if trouble)]


def _redactions(by_kind: dict[str, int]) -> list[str]:
    if not by_kind:
        return []
    kinds = ", ".join(f"{number:,} {kind}" for kind, number in sorted(by_kind.items(), key=lambda item: -item[1]))
    number = sum(by_kind.values())
    return [f"{counted(number, 'secret')} before {'it was' if number == 1 else 'they were'} stored: {kinds}"]


def _skipped(ledger: dict[str, Any]) -> list[str]:
    lines = [
        f"{row['agent']} {row['agent_version']}".strip()
        + f": {counted(row['n'], 'record')} of type {harmless(row['record_type'])} ({harmless(row['reason'])})"
        for row in ledger.get("skipped", ())
    ]
    if ledger.get("oversized"):
        lines.append(f"{counted(ledger['oversized'], 'record')} too long to be read")
    return lines


def _broken(row: dict[str, Any], home: Path, now_ms: int) -> str:
    wait_s = (row["retry_ms"] - now_ms) / 1000
    again = f"next try in {duration(wait_s)}" if wait_s > 0 else "next try when carryoverd looks again"
    return f"{harmless(short_path(row['path'], home))}: {row['error']}; {again}"


def _troubled(health: dict[str, Any] | None) -> list[str]:
    return [
        f"{task['name']}: {task['state']}, {counted(task['restarts'], 'restart')}; {task['last_error']}"
        for task in (health or {}).get("tasks", ())
        if task["last_error"]
    ]


def _corrupt(entry: dict[str, Any], home: Path) -> str:
    path = short_path(entry["path"], home)
    return f"{path} ({size(entry['bytes'])}) was damaged; what could be read was kept. Delete it when you miss nothing."


def _section(title: str, lines: list[str]) -> Iterator[str]:
    if not lines:
        return
    yield ""
    yield paint(title, BOLD)
    yield from (f"  {line}" for line in lines[:SHOWN])
    if len(lines) > SHOWN:
        yield f"  ... and {len(lines) - SHOWN} more (--json lists all)"


def _entry(name: str, text: str) -> str:
    return f"{name:<18} {text}"
