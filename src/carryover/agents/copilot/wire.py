"""The lines of a session's log (`events.jsonl`), as far as we rely on them, and how they are read.

Each is `{"type", "data", "id", "timestamp", "parentId", "agentId"?}` (1.0.48, 1.0.102). The data stays raw until it is
known what it is. Facts: FACTS.md.
"""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.model import Skipped
from carryover.records import rawjson
from carryover.records.rawjson import ABSENT


class Line(msgspec.Struct, frozen=True, rename="camel"):
    """One record."""

    type: str
    id: str | None = None
    timestamp: str | None = None
    agent_id: str | None = None
    """The sub-agent that it belongs to."""
    data: msgspec.Raw = ABSENT


class Workspace(msgspec.Struct, frozen=True, rename="camel"):
    """`context` of a start and a resume, and `session.context_changed`: where the session works."""

    cwd: str | None = None
    git_root: str | None = None
    branch: str | None = None


class Start(msgspec.Struct, frozen=True, rename="camel"):
    """`session.start` and `session.resume`."""

    copilot_version: str | None = None
    vscode_version: str | None = None
    """Set where the extension in VS Code wrote the log."""
    selected_model: str | None = None
    detached_from_spawning_parent_session_id: str | None = None
    """Read about, in no recording."""
    context: msgspec.Raw = ABSENT


class ModelChange(msgspec.Struct, frozen=True, rename="camel"):
    """`session.model_change`."""

    new_model: str | None = None


class UserMessage(msgspec.Struct, frozen=True, rename="camel"):
    """`user.message`. Its `transformedContent`, which holds what hooks and the client add, is not read."""

    content: str
    source: str | None = None
    """Who speaks, where that is not the user: `agent-<id>`, `skill-<name>`."""
    is_autopilot_continuation: msgspec.Raw = ABSENT
    """Read about, in no recording."""
    attachments: msgspec.Raw = ABSENT


class AssistantMessage(msgspec.Struct, frozen=True, rename="camel"):
    """`assistant.message`."""

    content: str = ""
    model: str | None = None
    tool_requests: msgspec.Raw = ABSENT
    chunk_index: int | None = None
    chunk_count: int | None = None


class ToolStart(msgspec.Struct, frozen=True, rename="camel"):
    """`tool.execution_start` and `tool.user_requested`."""

    tool_call_id: str
    tool_name: str
    arguments: msgspec.Raw = ABSENT
    """An object; of a few tools a string."""


class ToolResult(msgspec.Struct, frozen=True, rename="camel"):
    """`result` of `tool.execution_complete`. `content` ends with what hooks add for the model, `detailedContent` does
    not; of an edit that is a diff."""

    content: str = ""
    detailed_content: str | None = None


class ToolError(msgspec.Struct, frozen=True):
    """`error` of `tool.execution_complete`."""

    message: str = ""
    code: str | None = None


class ShellExecution(msgspec.Struct, frozen=True, rename="camel"):
    """`shellExecution` (1.0.102; in 1.0.48 only the text says how a command ended)."""

    exit_code: int | None = None


class FileEdited(msgspec.Struct, frozen=True):
    """One of `fileEdits` (1.0.102)."""

    path: str
    kind: str = ""


class ToolComplete(msgspec.Struct, frozen=True, rename="camel"):
    """`tool.execution_complete`. It names no tool."""

    tool_call_id: str
    success: bool
    result: msgspec.Raw = ABSENT
    error: msgspec.Raw = ABSENT
    shell_execution: msgspec.Raw = ABSENT
    file_edits: msgspec.Raw = ABSENT


class Decision(msgspec.Struct, frozen=True):
    """`result` of `permission.completed`."""

    kind: str = ""
    feedback: str | None = None


class PermissionCompleted(msgspec.Struct, frozen=True, rename="camel"):
    """`permission.completed`."""

    tool_call_id: str | None = None
    result: msgspec.Raw = ABSENT


class CompactionComplete(msgspec.Struct, frozen=True, rename="camel"):
    """`session.compaction_complete`."""

    success: bool = False
    summary_content: str | None = None
    trigger: str | None = None


class Abort(msgspec.Struct, frozen=True):
    """`abort`."""

    reason: str | None = None


class Failure(msgspec.Struct, frozen=True, rename="camel"):
    """`session.error`."""

    message: str = ""
    error_type: str | None = None
    status_code: int | None = None


class SubAgent(msgspec.Struct, frozen=True, rename="camel"):
    """`subagent.completed` and `subagent.failed`."""

    tool_call_id: str


class Notified(msgspec.Struct, frozen=True, rename="camel"):
    """`kind` of `system.notification`."""

    type: str = ""
    shell_id: str | None = None
    exit_code: int | None = None


class Notification(msgspec.Struct, frozen=True):
    """`system.notification`: what the client reports to the model."""

    kind: msgspec.Raw = ABSENT


class Shutdown(msgspec.Struct, frozen=True, rename="camel"):
    """`session.shutdown`."""

    shutdown_type: str = ""


class TaskComplete(msgspec.Struct, frozen=True):
    """`session.task_complete`."""

    summary: str | None = None


_LINE: Final = msgspec.json.Decoder(Line)


def read_line(data: bytes, version: str | None) -> Line | Skipped:
    """The record in `data`. One with broken UTF-8 or lone surrogates is read with U+FFFD in their place."""
    line = rawjson.read(_LINE, data)
    return rawjson.skipped(None, line, version) if isinstance(line, str) else line
