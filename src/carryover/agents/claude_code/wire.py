"""The structure of a Claude Code transcript, as far as we rely on it, and the names it uses.

Unknown fields are ignored. Parts whose shape depends on the tool or the record type stay raw until they are needed, so
a bulky record costs one pass over its bytes. Format facts: FACTS.md.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from carryover.records.rawjson import ABSENT
from carryover.records.summary import Kinds


class Line(msgspec.Struct, frozen=True, rename="camel"):
    """One record (seen: 2.0.65, 2.1.11-16, 2.1.111, 2.1.126, 2.1.328)."""

    type: str
    uuid: str | None = None
    timestamp: str | None = None
    cwd: str | None = None
    session_id: str | None = None
    version: str | None = None
    git_branch: str | None = None
    is_sidechain: bool | None = None
    agent_id: str | None = None
    forked_from: msgspec.Raw = ABSENT

    message: msgspec.Raw = ABSENT
    is_meta: bool | None = None
    is_compact_summary: bool | None = None
    is_visible_in_transcript_only: bool | None = None
    origin: msgspec.Raw = ABSENT
    prompt_source: str | None = None
    tool_use_result: msgspec.Raw = ABSENT
    tool_denial_kind: str | None = None
    tool_denial_before_run: bool | None = None

    is_aborted_mid_stream: bool | None = None
    is_api_error_message: bool | None = None
    error: msgspec.Raw = ABSENT
    api_error_status: msgspec.Raw = ABSENT

    subtype: str | None = None
    content: msgspec.Raw = ABSENT
    compact_metadata: msgspec.Raw = ABSENT
    attachment: msgspec.Raw = ABSENT

    operation: str | None = None
    custom_title: str | None = None
    ai_title: str | None = None


class Block(msgspec.Struct, frozen=True):
    """One entry of `message.content`: text, thinking, tool_use, tool_result, image..."""

    type: str
    text: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = ABSENT
    tool_use_id: str | None = None
    content: msgspec.Raw = ABSENT
    is_error: bool | None = None


class Message(msgspec.Struct, frozen=True):
    """The API message inside a `user` or `assistant` record."""

    content: str | list[Block]
    model: str | None = None
    stop_reason: str | None = None


class AttachmentKind(msgspec.Struct, frozen=True):
    """The `type` of an attachment, which decides whether the rest is read."""

    type: str


class Attachment(msgspec.Struct, frozen=True, rename="camel"):
    """Context given to the model beside the conversation. Only `queued_command` holds the user's words."""

    type: str
    prompt: msgspec.Raw = ABSENT
    command_mode: str | None = None
    is_meta: bool | None = None
    origin: msgspec.Raw = ABSENT


LINE: Final = msgspec.json.Decoder(Line)
MESSAGE: Final = msgspec.json.Decoder(Message)


QUIET_RECORDS: Final = frozenset(
    "agent-name api-request api-request-blob api-request-shape atis-latch cost-state file-history-delta "
    "file-history-snapshot last-prompt mode permission-mode progress summary tools-used "
    "agent-color agent-setting attribution-snapshot bridge-session content-replacement fork-context-ref frame-link "
    "history-suppression pr-link relocated saved_hook_context speculation-accept tag task-summary "
    "worktree-state".split()
)
"""`summary` lines describe other sessions (2.0.65); `api-request-blob` repeats prompts and is the bulk of a file."""

QUIET_SYSTEM: Final = frozenset(
    "api_error informational local_command stop_hook_summary turn_duration "
    "agents_killed bridge_status memory_saved microcompact_boundary model_consent_fallback model_refusal_fallback "
    "permission_retry scheduled_task_fire".split()
)
"""`api_error` is a retry, not the end of a turn (2.1.15)."""

QUIET_ATTACHMENTS: Final = frozenset(
    "agent_listing_delta auto_mode command_permissions date deferred_tools_delta environment file instructions model "
    "plan_mode plan_mode_exit prompt_snapshot remote_session_change session_context skill_listing task_reminder "
    "advisor_stripped agent_mention already_read_file async_hook_response async_hook_response_batch auto_mode_exit "
    "bash_output_audience_note batching_reminder batching_reminder_sent budget_usd compact_file_reference "
    "compaction_reminder context_efficiency coordinator_context credential_org critical_system_reminder "
    "current_session_memory date_change deferred_tools_record diagnostics directory dynamic_skill edited_image_file "
    "edited_text_file goal_status harness_map_delta inlined_image_paths invoked_skills language max_turns_reached "
    "mcp_dropped_tools_delta mcp_instructions_delta mcp_resource memory_update nested_memory opened_file_in_ide "
    "output_style output_style_instructions output_token_usage pdf_reference plan_file_reference plan_mode_reentry "
    "proactivity read_truncation_notice relevant_memories sandbox_instructions secondary_reminder "
    "secondary_reminder_sent selected_lines_in_diff selected_lines_in_ide silent_turn_reminder structured_output "
    "task_status team_context teammate_shutdown_batch thinking_drop thinking_stripped todo_reminder token_usage "
    "tool_search_usage_reminder total_tokens_reminder ultra_effort_enter ultra_effort_exit ultrathink_effort "
    "verify_plan_reminder workflow_keyword_request workflow_size_guideline_change".split()
)

QUIET_BLOCKS: Final = frozenset("thinking redacted_thinking fallback server_tool_use tool_reference".split())
"""Thinking is not kept."""

IMAGE_BLOCKS: Final = frozenset(("image", "document"))

INJECTED_ORIGINS: Final = frozenset(
    "task-notification auto-continuation channel coordinator observer observer-activity peer teammate "
    "unclassified".split()
)
"""Origins of `user` records that are not from the user (2.1.328: task-notification)."""

BUILT_IN: Final = frozenset(
    "/clear /compact /exit /plugin /rename "
    "/add-dir /agents /bashes /bug /config /context /cost /doctor /effort /export /fast /feedback /help /hooks /ide "
    "/install-github-app /keybindings /login /logout /mcp /memory /model /output-style /permissions /plugins "
    "/privacy-settings /quit /release-notes /resume /rewind /settings /skills /stats /status /tasks /terminal-setup "
    "/theme /todos /upgrade /usage /vim".split()
)
"""Commands that the client runs itself, without asking the model."""

TaskState = Literal["running", "done", "failed", "stopped"]
TASK_STATES: Final[dict[str, TaskState]] = {
    "completed": "done",
    "failed": "failed",
    "killed": "stopped",
    "stopped": "stopped",
    "running": "running",
}

LOOKS_AT_JOB: Final = frozenset(("BashOutput", "TaskOutput", "AgentOutputTool"))
"""Tools that check a background job (the first in 1.0 and 2.0, reported)."""
STOPS_JOB: Final = frozenset(("TaskStop", "KillShell", "KillBash"))

SUMMARY_KINDS: Final[Kinds] = {
    "primary request and intent": "request",
    "key technical concepts": "other",
    "files and code sections": "other",
    "errors and fixes": "errors",
    "problem solving": "other",
    "all user messages": "other",
    "pending tasks": "pending",
    "current work": "current",
    "optional next step": "next",
    "work completed": "other",
    "context for continuing work": "next",
}
"""The sections that a compaction asks for (2.1.126); the last two if only a part is summarised (reported)."""
