"""What `GET /health` and `POST /settle` answer."""

from __future__ import annotations

import resource
from pathlib import Path

import msgspec

from carryover.daemon.hooks import HookCounts
from carryover.daemon.hookserver import PortState
from carryover.daemon.supervise import TaskState
from carryover.daemon.watch import WatchState


class ProjectHealth(msgspec.Struct, frozen=True, kw_only=True):
    """A project and its handoff. `refusal`: why nothing is published there. `error`: why publishing failed just now."""

    root: str
    last_handoff_ms: int | None
    refusal: str | None = None
    notes: tuple[str, ...] = ()
    error: str | None = None


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The daemon at this moment. Times are UTC ms."""

    version: str
    pid: int
    started_ms: int
    uptime_s: float
    rss_bytes: int | None
    paused: bool
    """Nothing is read, written or handed over (`carryover pause`)."""
    caught_up: bool
    """Everything that a first look found was read and published, and nothing waits now."""
    waiting_sources: int
    last_sweep_ms: int | None
    sources: int
    """Found by the last sweep."""
    broken_sources: int
    watch: WatchState
    tasks: list[TaskState]
    projects: list[ProjectHealth]
    """Newest activity first, at most 50."""
    hook_port: PortState
    """The script in the agents' settings does without it: it uses the control socket."""
    hook_calls: HookCounts
    ledger_trouble: str | None
    config_trouble: str | None
    """Why a changed config is not used; the one before still is."""
    name: str = "carryoverd"


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """All that was complete on disk at `swept_ms` is in the ledger and published, if `caught_up`."""

    caught_up: bool
    swept_ms: int
    sources: int
    broken_sources: int
    ledger_trouble: str | None = None


def rss_bytes() -> int | None:
    """Memory held now; None where the system does not say cheaply (it does on Linux)."""
    try:
        pages = int(Path("/proc/self/statm").read_bytes().split()[1])
    except OSError:
        return None
    return pages * resource.getpagesize()
