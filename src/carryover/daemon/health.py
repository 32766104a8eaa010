"""The daemon's account of itself, for `/health`. The daemon fills these in; commands read them, also those of an older
daemon.

Times are UTC ms. Every field that an older daemon may not send has a default.
"""

from __future__ import annotations

from typing import Literal

import msgspec


class TaskState(msgspec.Struct):
    """One task of the daemon. `waiting`: it failed and will be restarted. `last_error` quotes no content."""

    name: str
    state: Literal["running", "waiting", "stopped", "failed"] = "running"
    restarts: int = 0
    last_error: str | None = None


class WatchState(msgspec.Struct):
    """The watcher."""

    mode: Literal["starting", "native", "polling", "nothing to watch"] = "starting"
    reason: str | None = None
    """Which limit of the system makes it poll: `watches` or `instances`; None if it does not poll."""
    watched: int = 0
    """Folders that exist and are watched."""
    missing: int = 0
    """Folders that do not exist (yet)."""
    denied: bool = False
    """Something below them cannot be read and is not watched."""


class PortState(msgspec.Struct):
    """The port for hooks. Most hooks do without it: their script uses the control socket."""

    port: int | None = None
    """The port that the daemon listens on now."""
    trouble: str | None = None
    """Why it does not listen, for people."""


class HookCounts(msgspec.Struct):
    """Hook calls since the daemon started, by their outcome."""

    answered: int = 0
    """Calls answered with a handoff."""
    quiet: int = 0
    """Calls answered with nothing."""
    unauthenticated: int = 0
    foreign: int = 0
    """Payloads of another agent, or not understood."""
    refused_paths: int = 0
    kept: int = 0
    """Payloads that were kept, since their agent records them nowhere else."""
    not_kept: int = 0
    """Payloads that should have been and could not be."""
    late: int = 0
    overloaded: int = 0
    failed: int = 0


HookOutcome = Literal["answered", "quiet", "hint", "foreign", "refused_path", "late", "overloaded", "failed"]
"""How a hook call ended: with a handoff; with nothing; without the secret, as a hint at most; with a payload that is
another agent's or was not understood; with a path that is not used; too late; turned away; with an error of ours."""


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """A duration in ms. `n`: how often it was measured since the start; the rest is of the newest 512."""

    n: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None
    max_ms: float | None = None


class Metrics(msgspec.Struct, frozen=True, kw_only=True):
    """Counts and latencies since the daemon started."""

    records_read: int = 0
    bytes_read: int = 0
    """Bytes of those records."""
    batches: int = 0
    """Reads of a source that brought something to commit."""
    events_stored: int = 0
    """New ones; what was known already does not count."""
    skipped: int = 0
    """Records that were not understood or too long to be read."""
    redactions: int = 0
    publications: int = 0
    """Publications that wrote a file."""
    publications_unchanged: int = 0
    publications_failed: int = 0
    """Tried again later."""
    hook_calls: dict[str, dict[str, dict[HookOutcome, int]]] = {}
    """Hook calls by agent, event (`other` for those that it does not have) and outcome."""
    append_to_stored: Latency = Latency()
    """Latency from the change of a watched file to its commit. Not measured while history is read."""
    stored_to_published: Latency = Latency()
    """Latency from the first commit that a handoff contains until it was written."""
    session_start: Latency = Latency()
    """Latency from a hook's call at the start of a session to the answer."""
    publication: Latency = Latency()
    """Making and writing one project's handoff."""


class ProjectHealth(msgspec.Struct, frozen=True, kw_only=True):
    """A project and its handoff. `refusal`: why nothing is published there. `error`: why the last attempt failed."""

    root: str
    last_handoff_ms: int | None = None
    refusal: str | None = None
    notes: tuple[str, ...] = ()
    error: str | None = None
    file: str | None = None
    """Path of the handoff; None if this daemon has not published it."""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The daemon at this moment."""

    version: str
    pid: int
    started_ms: int | None = None
    uptime_s: float = 0.0
    rss_bytes: int | None = None
    """Resident memory; None if the system does not say cheaply (Linux does)."""
    paused: bool = False
    """Whether Carryover is paused: nothing is read, written or handed over."""
    caught_up: bool = False
    """Everything that the first scan found is read and published, and nothing waits now."""
    waiting_sources: int = 0
    last_sweep_ms: int | None = None
    """Time at which the last scan of all sources began."""
    sources: int = 0
    """Sources that the last scan found."""
    broken_sources: int = 0
    watch: WatchState = msgspec.field(default_factory=WatchState)
    tasks: list[TaskState] = []
    projects: list[ProjectHealth] = []
    """Newest activity first, at most 50."""
    hook_port: PortState | None = None
    """State of the hook port; None only from a daemon that is too old to have one."""
    hook_calls: HookCounts = msgspec.field(default_factory=HookCounts)
    metrics: Metrics = Metrics()
    ledger_trouble: str | None = None
    config_trouble: str | None = None
    """Why a changed config is not used; the one before still is."""
    name: str = "carryoverd"


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """With `caught_up`, all that was complete on disk at `swept_ms` is in the ledger and published."""

    caught_up: bool
    swept_ms: int
    sources: int
    broken_sources: int
    ledger_trouble: str | None = None
