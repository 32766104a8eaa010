"""The facts about Carryover and the agents on this machine: `gather` determines them once, `status` prints them, and
`checks` judges them. Paths are absolute, times UTC ms. What could not be determined is None or empty.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from carryover.config import Config
from carryover.daemon.health import Health
from carryover.install.agent_report import EntryReport, HooksReport, VersionState
from carryover.install.service import ServiceStatus
from carryover.ledger.queries import AgentRow
from carryover.ledger.rows import ProjectRow, Totals
from carryover.ledger.usage import Tokens
from carryover.projects.policy import Refusal
from carryover.publish.pointers import HiddenFile
from carryover.sync.status import SyncStatus
from carryover.terminal.paths import short_path


class AgentFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One agent that Carryover knows, whether it is on this machine or not.

    >>> agent = AgentFacts(id="codex", name="Codex CLI", state="missing")
    >>> agent.is_here
    False
    """

    id: str
    name: str
    selected: bool | None = None
    """Whether the agent is selected; None if `carryover install` was never run."""
    newly_covered: bool = False
    state: VersionState
    version: str | None = None
    unread: str = ""
    """Why no version could be read, as a clause."""
    binary: str | None = None
    config: str | None = None
    lost_folder: str | None = None
    """A missing folder that a variable names and without which the agent does not start."""
    lost_by: str | None = None
    hooks: HooksReport | None = None
    """State of its hooks; None if it should have none and nothing prevents them."""
    entry: EntryReport | None = None
    locked: str | None = None
    """Why its settings can't be edited, as a clause; None if they can."""
    review: str | None = None
    """How users review hooks in this agent, as sentences; None if it asks for no review."""
    roots: dict[str, bool] = {}
    """Folders that are read, both current and recorded ones, and histories in projects; and whether each exists."""
    closed: tuple[str, ...] = ()
    """Those of them, and folders in them, that this user may not read."""
    moved_from: tuple[str, ...] = ()
    roots_today: tuple[str, ...] = ()
    sessions: int = 0
    last_event_ms: int | None = None

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine."""
        return self.state != "missing"


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


class LedgerFacts(Totals, frozen=True, kw_only=True):
    """The ledger's totals, projects and agents."""

    path: str
    projects: tuple[ProjectRow, ...] = ()
    """The projects. `refusal` also reflects current settings that the daemon has not applied yet."""
    agents: tuple[AgentRow, ...] = ()
    limits: tuple[LimitReport, ...] = ()
    ignored_settings: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)
    """What a project's own settings file asks for in vain, by root; each names the file and what holds instead."""
    used_today: Tokens | None = None
    """What agents recorded since midnight; None if nothing."""


class UnreadSource(msgspec.Struct, frozen=True, kw_only=True):
    """Files in projects that look like an agent's transcript but are not read."""

    agent: str
    path: str
    reason: str
    """Why they are not read, as a clause."""


class ProjectFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A project with recent activity: what git sees, or would see, of ours and, for `doctor` alone, its files."""

    root: str
    open_to: str | None = None
    """Why no handoff is written, as a clause: how a commit could take it along; None if it can't."""
    refusal: Refusal | None = None
    edited: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    hidden: tuple[HiddenFile, ...] = ()
    unread: tuple[UnreadSource, ...] = ()


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """Facts that take longer to gather, for `doctor` alone: the disk, the whole ledger, other programs."""

    ledger_damage: str | None = None
    """Result of SQLite's integrity check, the number of damaged entries, or why the ledger cannot be opened."""
    free_bytes: int | None = None
    unusable: str | None = None
    """Why nothing can be written into the state folder."""
    open_to_others: tuple[str, ...] = ()
    """Our files and folders that other users can read."""
    hook_script_missing: bool = False
    curl_missing: bool = False
    path_problem: str | None = None
    """Why a shell does not find this installation by its name, as a sentence."""
    path_remedy: str | None = None
    other_installs: tuple[str, ...] = ()


class Gathered(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that `gather` found out.

    facts = gather("inspected")
    for finding in findings(facts):
        print(finding.what, finding.do)
    """

    version: str
    """Version of the command that gathered them."""
    build: str = ""
    """Identifies its files; a daemon that says another one runs other files."""
    home: str
    state_folder: str
    installed: bool = False
    journal_problem: str | None = None
    """Why the journal of what was written outside cannot be read."""
    paused: bool = False
    daemon: Health | None = None
    daemon_problem: str | None = None
    service: ServiceStatus
    agents: tuple[AgentFacts, ...] = ()
    ledger: LedgerFacts | None = None
    ledger_problem: str | None = None
    would_read: tuple[WouldRead, ...] = ()
    corrupt_ledgers: dict[str, int] = {}
    """Damaged ledgers that were moved aside, by path, with their bytes; their readable rows are in the present one."""
    config: Config = Config()
    config_file: str | None = None
    """The settings file; None if there is none."""
    config_problem: str | None = None
    """Why the settings cannot be used; the defaults are used instead."""
    sync: SyncStatus | None = None
    git_trouble: str | None = None
    """Why git can't be run, as a clause, if a project needs it."""
    projects: tuple[ProjectFacts, ...] = ()
    inspection: Inspection | None = None
    left_out: dict[str, str] = {}
    """The agents of other packages that can't be used, as `agent of package`, with the reasons."""
    silent: dict[str, float] = {}
    """The folders and mount points whose disk does not answer, and for how many seconds."""

    @property
    def problems(self) -> tuple[str, ...]:
        """Errors that left parts of the facts empty."""
        return tuple(filter(None, (self.config_problem, self.ledger_problem, self.daemon_problem)))

    @property
    def selected(self) -> tuple[AgentFacts, ...]:
        """The selected agents that are on this machine."""
        return tuple(agent for agent in self.agents if agent.selected and agent.is_here)

    @property
    def in_git(self) -> tuple[ProjectFacts, ...]:
        """The projects in which a commit could take a handoff along."""
        return tuple(project for project in self.projects if project.open_to)

    def short(self, path: str) -> str:
        """Returns a path as people read it."""
        return short_path(path, Path(self.home))
