"""The structure of a Codex transcript, as far as we rely on it, and the names it uses.

Each line is `{"timestamp", "type", "payload"}` (0.34 to 0.169). The payload stays raw until its type is known, so a
bulky record of no interest costs one pass over its bytes. Format facts: FACTS.md.
"""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.model import Op
from carryover.records.rawjson import ABSENT, part_of
from carryover.records.summary import Kinds

_MOST_DIGITS: Final = 18


class Line(msgspec.Struct, frozen=True):
    """One record of a rollout."""

    type: str
    timestamp: str | None = None
    payload: msgspec.Raw = ABSENT


class Kind(msgspec.Struct, frozen=True):
    """Only the type of a record, a payload or an item."""

    type: str | None = None


class SessionMeta(msgspec.Struct, frozen=True):
    """`session_meta`, the first line of a file."""

    id: str | None = None
    session_id: str | None = None
    """The root thread (0.150); absent in 0.125."""
    timestamp: str | None = None
    cwd: str | None = None
    cli_version: str | None = None
    """Version of the client that created the file."""
    history_mode: str | None = None
    thread_source: str | None = None
    source: msgspec.Raw = ABSENT
    """A string; for sub-agents `{"subagent": "review"}` or `{"subagent": {"thread_spawn": {...}}}` (0.169), for the
    client's own threads `{"internal": ...}` (reported)."""
    parent_thread_id: str | None = None
    forked_from_id: str | None = None
    forked_from_ordinal_exclusive: msgspec.Raw = ABSENT
    """Set if nothing of the parent is copied (0.169)."""
    git: msgspec.Raw = ABSENT


class TurnContext(msgspec.Struct, frozen=True):
    """`turn_context`: where a turn runs and with which model."""

    turn_id: str | None = None
    """Missing in 0.99."""
    cwd: str | None = None
    model: str | None = None


class SettingsApplied(msgspec.Struct, frozen=True):
    """`thread_settings_applied`: the settings of the next turn (0.150, 0.169)."""

    thread_id: str | None = None
    thread_settings: msgspec.Raw = ABSENT


class TurnEvent(msgspec.Struct, frozen=True):
    """The payload of `task_started`, `task_complete`, `turn_aborted` and `error`."""

    turn_id: str | None = None
    started_at: msgspec.Raw = ABSENT
    """Epoch seconds."""
    turn_attribution: msgspec.Raw = ABSENT
    """Field of `task_started`. Its `turn_trigger` is null for a reviewer's turn."""
    reason: str | None = None
    error: msgspec.Raw = ABSENT
    """Field of `task_complete` (0.169), which clients up to 0.145 don't write."""


class RolledBack(msgspec.Struct, frozen=True):
    """`thread_rolled_back`: how many turns the user took back (reported, not in a recording)."""

    num_turns: int = 0


class Message(msgspec.Struct, frozen=True):
    """The payload of `user_message` and `agent_message` in the legacy family."""

    message: str
    phase: str | None = None
    kind: msgspec.Raw = ABSENT
    """Before 0.99 (reported): `plain`, or the kind of text that the client writes in the user's place."""
    images: msgspec.Raw = ABSENT
    local_images: msgspec.Raw = ABSENT


class Compacted(msgspec.Struct, frozen=True):
    """`compacted`: the history was replaced by a summary."""

    message: str = ""


class ItemCompleted(msgspec.Struct, frozen=True):
    """`item_completed` of the paginated family (0.150, 0.169). `item` holds its own `type`."""

    item: msgspec.Raw = ABSENT
    turn_id: str | None = None
    thread_id: str | None = None


class ContentPart(msgspec.Struct, frozen=True):
    """One part of a message's content. `text` is None in parts of other types."""

    type: str = ""
    text: str | None = None


class MessageItem(msgspec.Struct, frozen=True):
    """The `UserMessage` and `AgentMessage` items of the paginated family."""

    content: list[ContentPart]
    phase: str | None = None


class PlanItem(msgspec.Struct, frozen=True):
    """`Plan`: the model's proposal in plan mode (0.144, in the legacy family too; reported, not in a recording)."""

    id: str
    text: str


class Command(msgspec.Struct, frozen=True):
    """A command that ended: `CommandExecution` (has `id`) or `exec_command_end` (has `call_id`, `turn_id`)."""

    command: list[str]
    id: str | None = None
    call_id: str | None = None
    turn_id: str | None = None
    cwd: str | None = None
    """A `file://` URL in `CommandExecution`, a path in `exec_command_end`."""
    source: str | None = None
    status: str | None = None
    aggregated_output: msgspec.Raw = ABSENT
    exit_code: msgspec.Raw = ABSENT


class FileChange(msgspec.Struct, frozen=True):
    """An applied patch: `FileChange` (has `id`) or `patch_apply_end` (has `call_id`, `turn_id`)."""

    changes: dict[str, ChangeDetail]
    id: str | None = None
    call_id: str | None = None
    turn_id: str | None = None
    status: str | None = None
    stdout: msgspec.Raw = ABSENT
    stderr: msgspec.Raw = ABSENT


class ChangeDetail(msgspec.Struct, frozen=True):
    """The change to one file in a `FileChange`. `move_path` is the new path of a renamed file."""

    type: str
    content: str | None = None
    unified_diff: str | None = None
    move_path: str | None = None


class Call(msgspec.Struct, frozen=True):
    """The payload of `function_call`, `custom_tool_call`, `local_shell_call` and `web_search_call`.

    `namespace`: the MCP server of a tool (`mcp__docs`), or a set of the client's own tools (0.169).
    """

    name: str | None = None
    namespace: str | None = None
    call_id: str | None = None
    id: str | None = None
    arguments: msgspec.Raw = ABSENT
    """A string that holds JSON."""
    input: msgspec.Raw = ABSENT
    action: msgspec.Raw = ABSENT


class Output(msgspec.Struct, frozen=True):
    """The payload of `function_call_output` and `custom_tool_call_output`."""

    call_id: str | None = None
    output: msgspec.Raw = ABSENT


class Words(msgspec.Struct, frozen=True):
    """A `message`, which mostly repeats what other records hold."""

    role: str | None = None
    content: msgspec.Raw = ABSENT


LINE: Final = msgspec.json.Decoder(Line)


def kind_of(raw: msgspec.Raw) -> str | None:
    """Returns the `type` of a payload or an item; None if it has none."""
    kind = part_of(raw, Kind)
    return kind.type if kind is not None else None


def whole_number(raw: msgspec.Raw) -> int | None:
    """Returns a raw field as a number of at most 18 digits; None if it holds something else."""
    text = bytes(raw)
    return int(text) if text.removeprefix(b"-").isdigit() and len(text) <= _MOST_DIGITS else None


QUIET_RECORDS: Final = frozenset(
    "world_state token_usage_record "
    "inter_agent_communication inter_agent_communication_metadata retained_context session_state".split()
)

QUIET_EVENTS: Final = frozenset(
    "agent_reasoning context_compacted token_count "
    "agent_message_content_delta agent_message_delta agent_reasoning_delta agent_reasoning_raw_content "
    "agent_reasoning_section_break apply_patch_approval_request background_event collab_agent_interaction_begin "
    "collab_agent_interaction_end collab_agent_spawn_begin collab_agent_spawn_end collab_close_begin collab_close_end "
    "collab_resume_begin collab_resume_end collab_waiting_begin collab_waiting_end deprecation_notice "
    "dynamic_tool_call_request dynamic_tool_call_response elicitation_request exec_approval_request exec_command_begin "
    "exec_command_output_delta guardian_assessment guardian_warning hook_completed hook_started image_generation_begin "
    "image_generation_end item_started mcp_startup_complete mcp_startup_update mcp_tool_call_begin mcp_tool_call_end "
    "model_reroute model_verification patch_apply_begin patch_apply_updated plan_delta plan_update "
    "raw_response_item request_permissions request_user_input session_configured shutdown_complete "
    "skills_update_available stream_error sub_agent_activity terminal_interaction thread_goal_updated "
    "thread_name_updated turn_diff turn_moderation_metadata undo_completed undo_started "
    "view_image_tool_call warning web_search_begin web_search_end".split()
)
"""`context_compacted` only marks what `compacted` reports."""

QUIET_ITEMS: Final = frozenset(
    "CollabAgentToolCall ContextCompaction Reasoning "
    "DynamicToolCall HookPrompt ImageGeneration ImageView InjectedContext McpToolCall Sleep SubAgentActivity "
    "WebSearch".split()
)

QUIET_RESPONSES: Final = frozenset(
    "additional_tools reasoning "
    "agent_message compaction compaction_summary compaction_trigger context_compaction ghost_snapshot "
    "image_generation_call other tool_search_call tool_search_output".split()
)
SHELLS: Final = frozenset("exec_command shell local_shell shell_command container.exec unified_exec".split())

OPS: Final[dict[str, Op]] = {
    "exec_command": "shell",
    "shell": "shell",
    "local_shell": "shell",
    "shell_command": "shell",
    "container.exec": "shell",
    "unified_exec": "shell",
    "apply_patch": "edit",
    "update_plan": "plan",
    "view_image": "read",
    "read_file": "read",
    "list_dir": "search",
    "grep_files": "search",
    "web_search": "web",
    "spawn_agent": "agent",
    "send_input": "agent",
    "resume_agent": "agent",
    "wait": "agent",
    "wait_agent": "agent",
    "close_agent": "agent",
    "request_user_input": "ask",
}
"""Operations of the known tools. In fixtures: exec_command, shell, apply_patch, update_plan, spawn_agent. Others:
`other`."""

SUMMARY_KINDS: Final[Kinds] = {
    "current progress": "current",
    "current progress and key decisions": "current",
    "current progress and key decisions made": "current",
    "progress": "current",
    "key decisions": "other",
    "important context": "other",
    "important context, constraints, or user preferences": "other",
    "what remains to be done": "next",
    "remaining work": "next",
    "clear next steps": "next",
    "next steps": "next",
    "critical data": "other",
}
"""Headings that models choose for a compaction, whose request is a list without headings (reported)."""
