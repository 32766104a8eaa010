"""The daemon's report on itself, for `/health`.

Commands also read the reports of older daemons, so every field that one may lack has a default. Times are UTC ms.
"""

from __future__ import annotations

from typing import Literal

import msgspec


class TaskState(msgspec.Struct):
    """A task of the daemon. `waiting`: it failed and will be restarted. `last_error` quotes no content."""

    name: str
    state: Literal["running", "waiting", "stopped", "failed"] = "running"
    restarts: int = 0
    last_error: str | None = None


class WatchState(msgspec.Struct):
    """State of the watcher."""

    mode: Literal["starting", "native", "polling", "nothing to watch"] = "starting"
    reason: str | None = None
    """The kernel limit that makes it poll, `watches` or `instances`; None if it does not poll."""
    watched: int = 0
    """Number of existing folders that are watched."""
    missing: int = 0
    """Number of folders that do not exist (yet)."""
    denied: bool = False
    """Whether something in the folders is unreadable and therefore not watched."""


class PortState(msgspec.Struct):
    """State of the port for hooks. Most hooks do not need it, since their script uses the control socket."""

    port: int | None = None
    """The port that the daemon is listening on."""
    trouble: str | None = None
    """Why it is not listening, for people."""


class HookCounts(msgspec.Struct):
    """Hook calls since the daemon started, by their outcome."""

    answered: int = 0
    """Calls answered with a handoff."""
    quiet: int = 0
    """Calls answered with an empty body."""
    unauthenticated: int = 0
    foreign: int = 0
    """Payloads that were another agent's or not understood."""
    refused_paths: int = 0
    kept: int = 0
    """Payloads that were kept because their agent records them nowhere else."""
    not_kept: int = 0
    """Payloads that should have been kept but could not be."""
    late: int = 0
    overloaded: int = 0
    failed: int = 0


HookOutcome = Literal["answered", "quiet", "hint", "foreign", "refused_path", "late", "overloaded", "failed"]
"""Outcome of a hook call.

answered: with a handoff. quiet: with nothing. hint: without the secret, so it could only be a hint. foreign: the
payload was another agent's or not understood. refused_path: a path was rejected. late: not answered in time.
overloaded: turned away. failed: an error of ours.
"""


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """A duration in ms. `n`: number of measurements since the start; the percentiles cover the newest 512."""

    n: int = 0
    p50_ms: float | None = None
    p95_ms: float | None = None
    max_ms: float | None = None


class Metrics(msgspec.Struct, frozen=True, kw_only=True):
    """Counts and latencies since the daemon started."""

    bytes_read: int = 0
    """Size of the records that were read."""
    events_stored: int = 0
    """New events only; known ones do not count."""
    session_start: Latency = Latency()
    """From a hook call at the start of a session to the answer."""


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
    """The daemon's current state."""

    version: str
    pid: int
    started_ms: int | None = None
    uptime_s: float = 0.0
    rss_bytes: int | None = None
    """Resident memory; None if the system has no cheap way to tell (Linux does)."""
    paused: bool = False
    """Whether Carryover is paused: nothing is read, written or handed over."""
    caught_up: bool = False
    """Whether everything found by the first scan is read and published, and nothing is waiting now."""
    waiting_sources: int = 0
    last_sweep_ms: int | None = None
    """Time at which the last full scan of the sources began."""
    sources: int = 0
    """Number of sources found by the last scan."""
    broken_sources: int = 0
    watch: WatchState = msgspec.field(default_factory=WatchState)
    tasks: list[TaskState] = []
    projects: list[ProjectHealth] = []
    """At most 50 projects, newest activity first."""
    hook_port: PortState | None = None
    """State of the hook port; None only from a daemon too old to have one."""
    hook_calls: HookCounts = msgspec.field(default_factory=HookCounts)
    metrics: Metrics = Metrics()
    ledger_trouble: str | None = None
    config_trouble: str | None = None
    """Why a changed config is not used; the previous one still is."""
    name: str = "carryoverd"


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """Answer of `/settle`. With `caught_up`, everything complete on disk when asked is stored and published."""

    caught_up: bool
    ledger_trouble: str | None = None
