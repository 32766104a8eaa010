"""Whether Carryover itself runs: the daemon, its service, its port, its settings, the machine below it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from carryover.install.checks.finding import Finding
from carryover.install.facts import Facts

LEAST_FREE_BYTES: Final = 200_000_000
_ENOUGH: Final = {"watches": 524_288, "instances": 1024}
"""Limits of the system that leave room for every program of the user."""


def not_installed(facts: Facts) -> Iterator[Finding]:
    if not facts.installed and _may_have_hooks(facts):
        yield Finding(
            check="install",
            what="Carryover is not installed.",
            why="No agent's settings hold its hooks, so none tells it anything and none is told anything.",
            do="Run `carryover install`.",
        )


def _may_have_hooks(facts: Facts) -> bool:
    """Not where something stands in the way of each agent that was chosen: to install again would change nothing."""
    return not facts.tools or any(
        tool.state != "older" and not (tool.lost_folder or tool.problem or tool.dropped) for tool in facts.tools
    )


def daemon(facts: Facts) -> Iterator[Finding]:
    if not facts.installed and _may_have_hooks(facts):
        return  # `carryover install` starts it
    if not facts.daemon.running:
        registered = facts.service.installed
        yield Finding(
            check="daemon",
            what="carryoverd does not run.",
            why="Handoffs are not kept fresh; a new session gets the last one that was made.",
            do="Run `carryover doctor --fix`." if registered else f"Start it: `{facts.program}`.",
            fix="service" if registered else None,
        )
    elif facts.daemon.version != facts.version:
        yield Finding(
            check="version",
            what=f"carryoverd is {facts.daemon.version}, this command is {facts.version}.",
            why="The daemon still works as the version did that was there when it started.",
            do="Restart it: `carryover doctor --fix`, or stop it and start it anew.",
            fix="restart" if facts.service.active else None,
        )


def service(facts: Facts) -> Iterator[Finding]:
    status = facts.service
    if status.kind == "none" or not facts.installed:
        return
    if not status.installed:
        yield Finding(
            check="service",
            level="note",
            what="carryoverd is not registered as a service.",
            why="Nobody starts it when you log in, or again when it ends.",
            do="Run `carryover install` to register it, or leave it so if you start it yourself.",
        )
    if status.installed and status.enabled is False:
        yield Finding(
            check="service",
            what=f"The {status.kind} service is not enabled.",
            why="carryoverd will not run after the next log-in.",
            do="Run `carryover doctor --fix`.",
            fix="service",
        )
    if status.installed and status.trouble:
        yield Finding(
            check="service",
            what=f"The {status.kind} service has trouble: {status.trouble}",
            why="Nobody starts carryoverd again when it ends.",
            do="Run `carryover doctor --fix`; the log in the state folder tells more.",
            fix="service",
        )
    if status.command and " ".join(status.command) != facts.program:
        yield Finding(
            check="installs",
            what=f"The {status.kind} service starts another installation: {' '.join(status.command)}.",
            why="It may be of another version than this command.",
            do="Run `carryover doctor --fix` to let it start this one, or remove one of the two.",
            fix="service",
        )


def port(facts: Facts) -> Iterator[Finding]:
    taken = facts.daemon.port_trouble or (
        f"Port {facts.port} is taken by {facts.stranger}." if facts.stranger is not None else None
    )
    if taken:
        yield Finding(
            check="port",
            what=taken,
            why="Agents whose hooks cannot run a script reach carryoverd by that port only. The others do without it.",
            do="End that program, or set another `port` under `[server]` in config.toml; carryoverd tries again.",
        )


def machine(facts: Facts) -> Iterator[Finding]:
    if limit := facts.daemon.watch_limit:
        yield Finding(
            check="inotify",
            what=f"The system's limit on inotify {limit} is reached; folders are polled instead.",
            why="Polling costs more, and sees a change half a second later.",
            do=f"Raise it: `sudo sysctl fs.inotify.max_user_{limit}={_ENOUGH[limit]}`, and restart carryoverd.",
        )
    if facts.free_bytes is not None and facts.free_bytes < LEAST_FREE_BYTES:
        yield Finding(
            check="disk",
            what=f"The disk that holds {facts.state} is almost full ({facts.free_bytes // 1_000_000} MB left).",
            why="Once it is full nothing can be recorded or handed over.",
            do="Free some space.",
        )
    if facts.open_to_others:
        yield Finding(
            check="permissions",
            what=f"Others on this machine can read {', '.join(facts.open_to_others)}.",
            why="Transcripts are private; Carryover keeps them so.",
            do="Run `carryover doctor --fix`.",
            fix="permissions",
        )
    if facts.other_installs:
        yield Finding(
            check="installs",
            what=f"There is another installation: {', '.join(facts.other_installs)}.",
            why="Two versions take turns with one ledger, and the older one may refuse it.",
            do="Remove one of the two.",
        )


def settings(facts: Facts) -> Iterator[Finding]:
    for problem in filter(None, (facts.config_problem, facts.daemon.config_trouble, facts.record_problem)):
        yield Finding(
            check="settings",
            what=problem,
            why="Until then nothing can be set up or taken back.",
            do="Do what it says.",
        )
    if facts.unknown_keys:
        yield Finding(
            check="settings",
            level="note",
            what=f"Keys in config.toml mean nothing: {', '.join(facts.unknown_keys)}.",
            why="Probably misspelt; what you meant is not set.",
            do="Correct or remove them.",
        )
    if facts.paused:
        yield Finding(
            check="paused",
            level="note",
            what="Carryover is paused.",
            why="Nothing is read, written or handed over.",
            do="`carryover unpause` goes on.",
        )
