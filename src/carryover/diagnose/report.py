"""The report on Carryover and the agents on this machine. `gather` fills it in, `status` prints it, `checks` judge it.

Paths are absolute, as strings; times are UTC ms. A field that could not be found out is None or empty.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from carryover.config import Pointers
from carryover.daemon.crashes import CrashReport
from carryover.daemon.health import Health
from carryover.install.agent_settings import EntryReport, HooksReport
from carryover.install.detect import State
from carryover.install.service import ServiceStatus
from carryover.ledger.queries import AgentRow
from carryover.ledger.rows import BrokenSource, Incident, ProjectRow, SkippedRow
from carryover.paths import short_path
from carryover.projects.policy import Refusal
from carryover.publish.instruction_files import HiddenFile

Level = Literal["wrong", "todo", "note"]
"""wrong: something does not work as it should. todo: all is well once the user has done something that only they can
do. note: nothing is wrong; worth knowing."""

Fix = Literal["hooks", "service", "restart", "script", "permissions", "ledger"]
"""The repairs of `--fix`. Each can be repeated, and takes nothing of the user's away."""


class RootReport(msgspec.Struct, frozen=True):
    """A folder of transcripts."""

    path: str
    exists: bool


class AgentReport(msgspec.Struct, frozen=True, kw_only=True):
    """One agent that Carryover knows, whether it is on this machine or not."""

    id: str
    name: str
    selected: bool | None = None
    """Whether the agent is selected; None: `carryover install` was never run."""
    newly_covered: bool = False
    """Whether it is here and was not covered yet when install or refresh last ran."""
    state: State
    version: str | None = None
    binary: str | None = None
    config: str | None = None
    """The settings file for our hooks or our entry, which need not exist."""
    lost_folder: str | None = None
    """The folder that a variable moved it to, if that does not exist and the agent does not start without it."""
    lost_by: str | None = None
    """That variable."""
    hooks: HooksReport | None = None
    """State of its hooks; None if it should have none and nothing prevents any."""
    entry: EntryReport | None = None
    """State of its entry; None if its settings load no files."""
    review: str | None = None
    """How people review hooks, as sentences; None if the agent asks for no review."""
    roots: tuple[RootReport, ...] = ()
    """Folders that are read: those of today, and those that were recorded."""
    moved_from: tuple[str, ...] = ()
    """Recorded folders that are not among those of today."""
    roots_today: tuple[str, ...] = ()
    reads_bytes: int | None = None
    """How much of a project's instruction files it reads; None: all."""
    keeps_days: int | None = None
    """After how many days it deletes its transcripts; None: it keeps them."""
    kept_by: str | None = None
    """The setting in `config` that gives those days."""
    sessions: int = 0
    last_event_ms: int | None = None
    last_handoff_ms: int | None = None


class WouldRead(msgspec.Struct, frozen=True, kw_only=True):
    """Transcripts of one agent that an install, or a daemon, would read."""

    agent: str
    """Its id."""
    transcripts: int
    bytes: int
    newest_ms: int


class LimitReport(msgspec.Struct, frozen=True, kw_only=True):
    """A project whose newest work ended at a usage limit a short while ago."""

    root: str
    agent: str
    name: str
    """The agent's, as people read it."""
    at_ms: int
    resets: str | None = None
    """Time of the reset, in the agent's own words."""
    commands: tuple[str, ...] = ()
    """Commands that continue in another agent, the likeliest first."""


class LedgerReport(msgspec.Struct, frozen=True, kw_only=True):
    """Totals of the ledger; see `carryover.ledger.rows.Totals`."""

    path: str
    events: int = 0
    sessions: int = 0
    sources: int = 0
    gone_sources: int = 0
    """Transcripts that are no longer on disk; what they said is in the ledger."""
    project_count: int = 0
    bytes: int = 0
    redactions: dict[str, int] = {}
    oversized: int = 0
    skipped: tuple[SkippedRow, ...] = ()
    broken: tuple[BrokenSource, ...] = ()
    incidents: tuple[Incident, ...] = ()
    projects: tuple[ProjectRow, ...] = ()
    """`refusal` also names settings of now that the daemon has not met yet."""
    agents: tuple[AgentRow, ...] = ()
    limits: tuple[LimitReport, ...] = ()


class MovedAside(msgspec.Struct, frozen=True):
    """A damaged ledger that was moved aside; what could be read of it is in the present one."""

    path: str
    bytes: int


class ConfigReport(msgspec.Struct, frozen=True):
    """The settings file."""

    path: str
    unknown_keys: tuple[str, ...] = ()


class UnreadSource(msgspec.Struct, frozen=True, kw_only=True):
    """Files in projects that look like an agent's transcript and are not read."""

    agent: str
    path: str
    reason: str
    """The reason as a clause for people."""


class ProjectReport(msgspec.Struct, frozen=True, kw_only=True):
    """The files of a project in which something happened lately."""

    root: str
    pointers: Pointers = "shared"
    """Setting for what may be written into the project."""
    refusal: Refusal | None = None
    """Why nothing may be published there."""
    edited: tuple[str, ...] = ()
    """Files whose pointer was edited by hand."""
    broken: tuple[str, ...] = ()
    """Files that lost one of the pointer's markers."""
    pointer_end_bytes: int = 0
    """How far into AGENTS.md the pointer reaches; 0: it is not there."""
    hidden: tuple[HiddenFile, ...] = ()
    """Files with a pointer that an agent does not read."""
    unread: tuple[UnreadSource, ...] = ()
    """Sources that may be another's."""


class UnfinishedRun(msgspec.Struct, frozen=True):
    """A run of the daemon that logged no end: killed, out of memory, power cut. Times are those of its log, UTC ms."""

    started_ms: int
    last_ms: int
    """Time of its last line."""


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """Facts that take longer to find out, for `doctor` alone: git, the whole ledger, the port, other programs."""

    update: str
    """The command that updates Carryover."""
    program: str
    """The command line of this installation's daemon."""
    installed: bool
    """`carryover install` was run."""
    port: int
    port_trouble: str | None = None
    """Why the running daemon does not have its port, as a sentence."""
    stranger: str | None = None
    """Who listens on the port while no daemon of ours runs."""
    projects: tuple[ProjectReport, ...] = ()
    ledger_damage: str | None = None
    """Result of SQLite's own check, how many entries are damaged, or why the ledger cannot be opened."""
    free_bytes: int | None = None
    """On the disk of the state folder."""
    open_to_others: tuple[str, ...] = ()
    """Files and folders of ours that other users could read."""
    hook_script_missing: bool = False
    curl_missing: bool = False
    """The command that the hooks' script runs is not on the PATH."""
    path_problem: str | None = None
    """Why a shell does not run this installation by its name, as a sentence."""
    path_remedy: str | None = None
    """Remedy, as a sentence."""
    other_installs: tuple[str, ...] = ()
    """Further `carryoverd` commands on this machine."""
    crashes: tuple[CrashReport, ...] = ()
    """Crash reports, the newest first."""
    unfinished_run: UnfinishedRun | None = None
    """The last run of the daemon before now, if its log ends in the middle and no crash report explains that."""
    record_problem: str | None = None
    """Why the record of earlier edits cannot be used."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that `gather` found."""

    version: str
    """Version of the command that asks."""
    home: str
    state_folder: str
    paused: bool = False
    daemon: Health | None = None
    """The daemon's health; None if no daemon answers."""
    daemon_problem: str | None = None
    """Why a daemon that is there does not answer."""
    service: ServiceStatus
    agents: tuple[AgentReport, ...] = ()
    ledger: LedgerReport | None = None
    """The ledger's totals; None if there is no ledger yet, or it cannot be read."""
    ledger_problem: str | None = None
    would_read: tuple[WouldRead, ...] = ()
    """Before anything is recorded: what is there to be read."""
    corrupt_ledgers: tuple[MovedAside, ...] = ()
    config: ConfigReport | None = None
    """The settings file; None if there is none."""
    config_problem: str | None = None
    """Why the settings cannot be used; the defaults are used instead."""
    inspection: Inspection | None = None
    """Filled in for `doctor` only."""

    @property
    def problems(self) -> tuple[str, ...]:
        """Errors that left parts of this report empty."""
        return tuple(filter(None, (self.config_problem, self.ledger_problem, self.daemon_problem)))

    def short(self, path: str) -> str:
        """`path` as people write it."""
        return short_path(path, Path(self.home))


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was found: what it is, why it matters, what to do, and whether `--fix` may do it."""

    check: str
    level: Level = "wrong"
    what: str
    why: str
    do: str
    """Remedy, as a sentence; commands are in backquotes."""
    fix: Fix | None = None


def as_data(report: Report) -> dict[str, Any]:
    """Output of `status --json`."""
    data: dict[str, Any] = msgspec.to_builtins(report)
    for only_here in ("home", "inspection", "daemon_problem", "ledger_problem", "config_problem"):
        del data[only_here]
    return {**data, "problems": report.problems}
