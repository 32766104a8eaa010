"""The daemon's report on itself, for `/health`, and the counters in it.

Commands also read the reports of older daemons, so every field that one may lack has a default. Times are UTC ms.
"""

# No annotations as text (`from __future__`): before it decodes, msgspec 0.22 would compile each of them.
from typing import Literal

import msgspec


class TaskState(msgspec.Struct):
    """A task of the daemon. `waiting`: it failed and will be restarted. `last_error` quotes no content."""

    name: str
    state: Literal["running", "waiting", "stopped", "failed"] = "running"
    restarts: int = 0
    last_error: str | None = None


class WatchState(msgspec.Struct):
    """State of the watcher. `watched` counts the folders that exist, `missing` those that do not exist (yet)."""

    mode: Literal["starting", "native", "polling", "nothing to watch"] = "starting"
    reason: str | None = None
    """Why it polls, or what watches projects does; None if neither does. A limit of inotify, `watches` or `instances`;
    on macOS `descriptors`, if there are too many folders.
    """
    watched: int = 0
    missing: int = 0
    denied: bool = False
    """Whether something in the folders is unreadable and therefore not watched."""


class PortState(msgspec.Struct):
    """State of the port for hooks: its number, or why there is none. Most hooks use the control socket."""

    port: int | None = None
    trouble: str | None = None


HookCount = Literal[
    "answered",  # with a handoff
    "quiet",  # answered with an empty body
    "foreign",  # the payload was another agent's or not understood
    "refused_paths",
    "kept",  # the payload was kept because its agent records it nowhere else
    "not_kept",  # it should have been kept but could not be
    "late",
    "overloaded",  # turned away, or its later work was dropped
    "failed",
]
"""What is counted of hook calls."""


class ProjectHealth(msgspec.Struct, frozen=True, kw_only=True):
    """A project and its handoff. `refusal`: why nothing is published there. `error`: why the last attempt failed."""

    root: str
    refusal: str | None = None
    notes: tuple[str, ...] = ()
    error: str | None = None
    file: str | None = None
    """Path of the handoff; None if this daemon has not published it."""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """The daemon's current state."""

    version: str
    build: str = ""
    """Identifies its files as they were when it started; see `build`."""
    pid: int
    uptime_s: float = 0.0
    paused: bool = False
    caught_up: bool = False
    """Whether everything found by the first scan is read and published, and nothing is waiting now."""
    waiting_sources: int = 0
    last_sweep_ms: int | None = None
    """Time at which the last full scan of the sources began."""
    sources: int = 0
    broken_sources: int = 0
    watch: WatchState = msgspec.field(default_factory=WatchState)
    tasks: list[TaskState] = []
    projects: list[ProjectHealth] = []
    """At most 50 projects, newest activity first."""
    hook_port: PortState | None = None
    hook_calls: dict[str, int] = {}
    """Hook calls since the daemon started, by `HookCount`."""
    ledger_trouble: str | None = None
    git_trouble: str | None = None
    """Why git can't be run, as a clause."""
    config_trouble: str | None = None
    """Why a changed config is not used; the previous one still is."""
    silent: dict[str, float] = {}
    """The folders and mount points whose disk does not answer, and for how many seconds."""

    @property
    def port(self) -> int | None:
        """The TCP port on which it accepts hook calls."""
        return self.hook_port.port if self.hook_port is not None else None
