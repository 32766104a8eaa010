"""The report on Carryover and the agents on this machine: filled in by `gather`, printed by `status`, judged by
`checks`. Paths are absolute, times UTC ms. A field that could not be determined is None or empty.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import msgspec

from carryover.config import Pointers
from carryover.daemon.crash_files import CrashReport
from carryover.daemon.health import Health
from carryover.install.agent_report import EntryReport, HooksReport, State
from carryover.install.service import ServiceStatus
from carryover.ledger.queries import AgentRow
from carryover.ledger.rows import ProjectRow, Totals
from carryover.ledger.usage import Tokens
from carryover.projects.policy import Refusal
from carryover.publish.pointers import HiddenFile
from carryover.sync.status import SyncStatus
from carryover.terminal.paths import short_path

Level = Literal["wrong", "todo", "note"]
"""How severe a finding is: wrong (something does not work), todo (only the user can do it), note (worth knowing)."""
Fix = Literal["hooks", "service", "restart", "script", "permissions", "ledger"]
"""The repairs of `--fix`. Each is repeatable and takes nothing of the user's away."""


class RootReport(msgspec.Struct, frozen=True):
    """A folder that holds transcripts."""

    path: str
    exists: bool


class AgentReport(msgspec.Struct, frozen=True, kw_only=True):
    """One agent that Carryover knows, whether it is on this machine or not."""

    id: str
    name: str
    selected: bool | None = None
    """Whether the agent is selected; None if `carryover install` was never run."""
    newly_covered: bool = False
    state: State
    version: str | None = None
    binary: str | None = None
    config: str | None = None
    lost_folder: str | None = None
    """A missing folder that a variable names and without which the agent does not start."""
    lost_by: str | None = None
    hooks: HooksReport | None = None
    """State of its hooks; None if it should have none and nothing prevents them."""
    entry: EntryReport | None = None
    review: str | None = None
    """How users review hooks in this agent, as sentences; None if it asks for no review."""
    roots: tuple[RootReport, ...] = ()
    """Folders that are read, both current and recorded ones."""
    moved_from: tuple[str, ...] = ()
    roots_today: tuple[str, ...] = ()
    reads_bytes: int | None = None
    keeps_days: int | None = None
    """Number of days after which it deletes its transcripts; None if it keeps them."""
    kept_by: str | None = None
    sessions: int = 0
    last_event_ms: int | None = None
    last_handoff_ms: int | None = None


class DeclaredReport(msgspec.Struct, frozen=True, kw_only=True):
    """A source that the user declared in the settings."""

    agent: str
    files: tuple[str, ...]
    sessions: int = 0
    last_event_ms: int | None = None


class Channels(msgspec.Struct, frozen=True):
    """How a new session of one agent would get a project's handoff now."""

    name: str
    ways: tuple[str, ...] = ()
    """What brings it, surest first; empty: nothing does."""
    missing: str = ""
    """Why not by more, as clauses."""


class ProjectChannels(msgspec.Struct, frozen=True):
    """The same of all agents on this machine, in one project."""

    root: str
    agents: tuple[Channels, ...] = ()


class WouldRead(msgspec.Struct, frozen=True, kw_only=True):
    """Transcripts of one agent that an install or a daemon would read."""

    agent: str
    transcripts: int
    bytes: int
    newest_ms: int


class LimitReport(msgspec.Struct, frozen=True, kw_only=True):
    """A project whose newest work recently ended at a usage limit."""

    root: str
    agent: str
    name: str
    at_ms: int
    resets: str | None = None
    """When the limit resets, in the agent's own words."""
    resets_here: str | None = None
    """The same by the reader's clock."""
    commands: tuple[str, ...] = ()
    """Commands that continue in another agent, likeliest first."""


class LedgerReport(Totals, frozen=True, kw_only=True):
    """The ledger's totals, projects and agents."""

    path: str
    projects: tuple[ProjectRow, ...] = ()
    """The projects. `refusal` also reflects current settings that the daemon has not applied yet."""
    agents: tuple[AgentRow, ...] = ()
    limits: tuple[LimitReport, ...] = ()
    ignored_settings: tuple[IgnoredSettings, ...] = ()
    used_today: Tokens | None = None
    """What agents recorded since midnight; None if nothing."""


class MovedAside(msgspec.Struct, frozen=True):
    """A damaged ledger that was moved aside; its readable rows were copied into the present one."""

    path: str
    bytes: int


class ConfigReport(msgspec.Struct, frozen=True):
    """State of the settings file."""

    path: str
    unknown_keys: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    """Projects, or globs for them, that are left out: paused by name, or excluded in the settings."""


class IgnoredSettings(msgspec.Struct, frozen=True):
    """What a project's own settings file asks for in vain."""

    root: str
    notes: tuple[str, ...]
    """Each names the file and what holds instead, if anything does."""


class UnreadSource(msgspec.Struct, frozen=True, kw_only=True):
    """Files in projects that look like an agent's transcript but are not read."""

    agent: str
    path: str
    reason: str
    """Why they are not read, as a clause."""


class InGit(msgspec.Struct, frozen=True, kw_only=True):
    """What git sees, or would see, of ours in a project with recent activity."""

    root: str
    open_to: str | None = None
    """Why no handoff is written, as a clause: how a commit could take it along; None if it can't."""
    uncommitted: tuple[str, ...] = ()
    """The files that git shows as changed because of our text, which is meant to be committed."""
    refuses_pull: bool = False
    """Whether git refuses to pull because of them."""


class ProjectReport(msgspec.Struct, frozen=True, kw_only=True):
    """The files of a project with recent activity."""

    root: str
    pointers: Pointers = "shared"
    refusal: Refusal | None = None
    edited: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    pointer_end_bytes: int = 0
    """Offset in bytes at which the pointer in AGENTS.md ends; 0 if there is none."""
    hidden: tuple[HiddenFile, ...] = ()
    unread: tuple[UnreadSource, ...] = ()


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """Facts that take longer to gather, for `doctor` alone: git, the whole ledger, the port, other programs."""

    program: str
    port: int
    stranger: bool = False
    projects: tuple[ProjectReport, ...] = ()
    ledger_damage: str | None = None
    """Result of SQLite's integrity check, the number of damaged entries, or why the ledger cannot be opened."""
    free_bytes: int | None = None
    open_to_others: tuple[str, ...] = ()
    """Our files and folders that other users can read."""
    hook_script_missing: bool = False
    curl_missing: bool = False
    mcp_sdk: str | None = None
    """The command that installs the SDK for MCP servers, if agents are to start ours and it is missing."""
    path_problem: str | None = None
    """Why a shell does not find this installation by its name, as a sentence."""
    path_remedy: str | None = None
    other_installs: tuple[str, ...] = ()
    crashes: tuple[CrashReport, ...] = ()


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that `gather` found out."""

    version: str
    """Version of the command that made the report."""
    build: str = ""
    """Identifies its files; a daemon that says another one runs other files."""
    home: str
    state_folder: str
    installed: bool = False
    record_problem: str | None = None
    """Why the record of earlier edits cannot be used."""
    paused: bool = False
    daemon: Health | None = None
    daemon_problem: str | None = None
    service: ServiceStatus
    agents: tuple[AgentReport, ...] = ()
    declared: tuple[DeclaredReport, ...] = ()
    ledger: LedgerReport | None = None
    ledger_problem: str | None = None
    would_read: tuple[WouldRead, ...] = ()
    corrupt_ledgers: tuple[MovedAside, ...] = ()
    config: ConfigReport | None = None
    config_problem: str | None = None
    """Why the settings cannot be used; the defaults are used instead."""
    sync: SyncStatus | None = None
    git_trouble: str | None = None
    """Why git can't be run, as a clause, if a project needs it."""
    in_git: tuple[InGit, ...] = ()
    here: ProjectChannels | None = None
    """Of the project in the current folder; None if the ledger has none there, or nobody asked."""
    inspection: Inspection | None = None
    left_out: dict[str, str] = {}
    """The agents of other packages that can't be used, as `agent of package`, with the reasons."""
    silent: dict[str, float] = {}
    """The folders and mount points whose disk does not answer, and for how many seconds."""

    @property
    def problems(self) -> tuple[str, ...]:
        """Errors that left parts of the report empty."""
        return tuple(filter(None, (self.config_problem, self.ledger_problem, self.daemon_problem)))

    def short(self, path: str) -> str:
        return short_path(path, Path(self.home))


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A problem or note: what it is, why it matters, what to do, and the repair that `--fix` would make."""

    check: str
    level: Level = "wrong"
    what: str
    why: str
    do: str
    """What to do, as a sentence with commands in backquotes."""
    fix: Fix | None = None


def as_data(report: Report) -> dict[str, Any]:
    """Returns the report as `status --json` prints it."""
    data: dict[str, Any] = msgspec.to_builtins(report)
    problems = ("record_problem", "daemon_problem", "ledger_problem", "config_problem")
    for only_here in ("home", "installed", "inspection", *problems):
        del data[only_here]
    return {**data, "problems": report.problems}
