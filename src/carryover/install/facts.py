"""What `carryover doctor` knows of this machine: gathered once, then judged by `carryover.install.checks` alone."""

from __future__ import annotations

import msgspec

from carryover.install.service import ServiceStatus
from carryover.publish.instruction_files import HiddenFile
from carryover.publish.policy import Refusal


class ToolFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One selected agent. Paths are as people write them."""

    id: str
    name: str
    state: str
    """As `carryover.install.detect.State`."""
    version: str = ""
    config: str = ""
    problem: str = ""
    """Why its settings cannot be read, as a sentence."""
    dropped: str = ""
    """Why the agent runs no hook of that file at all, as a clause."""
    ignored: tuple[str, ...] = ()
    """Events of the user's that stand where the agent does not look for them."""
    present: tuple[str, ...] = ()
    """Events whose hook is as it should be."""
    missing: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    """Events whose hook runs our script, but not as we wrote it."""
    to_review: tuple[str, ...] = ()
    """Events whose hook the user has yet to review."""
    review: str = ""
    """What to do for that, as sentences."""
    elsewhere: tuple[str, ...] = ()
    """Other settings files that hold hooks of ours, which belong into `config`."""
    switched_off: str = ""
    """The setting that switches all hooks off: `features.hooks = false`; empty: none does."""
    switched_off_in: str = ""
    """The file that it stands in."""
    lost_folder: str = ""
    """The folder that a variable moved it to, where that is not there and it does not start without."""
    lost_by: str = ""
    """That variable."""
    reads_bytes: int | None = None
    """How much of a project's instruction files it reads; None: all."""
    keeps_days: int | None = None
    """After so many days it deletes its transcripts; None where it keeps them."""
    kept_by: str = ""
    """The setting in `config` that gives those days."""
    moved_from: tuple[str, ...] = ()
    """Folders of its transcripts at the last install that are not among those of now."""
    roots: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    """Further copies of its command."""


class ProjectFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A project in which something happened lately."""

    root: str
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


class LedgerFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The ledger. `damage`: what SQLite's own check says, or why it cannot be opened."""

    damage: str | None = None
    moved_aside: tuple[str, ...] = ()
    sessions: int = 0
    sources: int = 0
    gone_sources: int = 0
    """Transcripts that are no longer on disk; what they said is in the ledger."""
    skipped: int = 0
    """Records that were not understood, of the kinds that were met in the last week."""
    skipped_of: str = ""
    """The agent and version that most of them are from."""
    broken: int = 0
    """Transcripts that cannot be read now."""


class DaemonFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The daemon as it answers now. `running` False: nothing else is known."""

    running: bool
    version: str = ""
    pid: int | None = None
    watch_limit: str | None = None
    """Which limit of the system keeps it from watching: `watches` or `instances`."""
    ledger_trouble: str | None = None
    config_trouble: str | None = None
    port_trouble: str | None = None
    """Why its port is not its own, as a sentence."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """All of it."""

    version: str
    update: str
    """The command that updates Carryover."""
    state: str
    program: str
    """The command line of this installation's daemon."""
    installed: bool
    """`carryover install` was run."""
    paused: bool = False
    daemon: DaemonFacts
    service: ServiceStatus
    port: int
    stranger: str | None = None
    """Who listens on the port while no daemon of ours runs."""
    tools: tuple[ToolFacts, ...] = ()
    projects: tuple[ProjectFacts, ...] = ()
    agents_here: tuple[str, ...] = ()
    """Ids of the agents on this machine, selected or not."""
    ledger: LedgerFacts | None = None
    """None where there is none yet."""
    free_bytes: int | None = None
    """On the disk of the state folder."""
    open_to_others: tuple[str, ...] = ()
    """Files and folders of ours that others could read."""
    stub_missing: bool = False
    """The script that the hooks run is not there."""
    other_installs: tuple[str, ...] = ()
    """Further `carryoverd` commands on this machine."""
    config_problem: str | None = None
    unknown_keys: tuple[str, ...] = ()
    record_problem: str | None = None
