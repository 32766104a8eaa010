"""What must be remembered from one record to the next. Small and bounded: it is stored with the cursor."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from carryover.adapter import event_builder
from carryover.model import PlanState

MAX_OPEN_CALLS: Final = 200
MAX_TASKS: Final = 200
MAX_QUEUED: Final = 50


class TaskChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a call to the task list asks for. A new task has no id until its result names one."""

    id: str | None = None
    text: str | None = None
    state: Literal["pending", "active", "done", "deleted"] | None = None


class OpenCall(event_builder.OpenCall, frozen=True, omit_defaults=True):
    """A tool call whose result has not come yet."""

    label: str = ""
    """What the model calls it, for jobs that keep running in the background."""
    task: TaskChange | None = None
    task_id: str = ""
    """The job in the background that it looks at or stops."""


class Task(msgspec.Struct, frozen=True, omit_defaults=True):
    """One entry of the task list that TaskCreate and TaskUpdate change (2.1.328)."""

    id: str
    text: str
    state: PlanState = "pending"


class Context(event_builder.SessionContext, frozen=True, omit_defaults=True):
    """The state of one transcript file between two records."""

    session: str | None = None
    newest_ms: int = 0
    """Newest time seen. Replayed history is older, and says nothing of the session as it is now."""
    emitted: event_builder.Facts = msgspec.field(default=event_builder.Facts(), name="told")
    """Stored under the name that 0.1.0 gave it."""
    titled: bool = False
    """The title was given by the user, so titles that the model chooses no longer count."""
    calls: tuple[OpenCall, ...] = ()
    shell: OpenCall | None = None
    """The user's own `!command`, until its output comes."""
    tasks: tuple[Task, ...] = ()
    queued: tuple[str, ...] = ()
    """Digests of the prompts that wait in the queue."""
    absorbed: tuple[str, ...] = ()
    """Digests of queued prompts that were sent as prompts when they left the queue in mid-turn."""
    caveat: bool = False
    """The record before announced a command that the client runs itself."""
    compaction: Literal["manual", "auto"] | None = None
