"""Names of records and tools as the client writes them (1.0.48, 1.0.102, and both versions' event schemas)."""

from __future__ import annotations

from typing import Final

from carryover.records.summary import Kinds

QUIET: Final = frozenset(
    "assistant.reasoning assistant.turn_end assistant.turn_start assistant.usage external_tool.requested "
    "human_response.recorded mcp.oauth_recovery_completed permission.requested session.auto_mode_resolved "
    "session.autopilot_objective_changed session.binary_asset session.compaction_start session.completion_receipt "
    "session.context_cleared session.handoff session.info session.mode_changed session.mode_notice_delivered "
    "session.model_deselected session.permission_recovery session.permissions_changed session.plan_changed "
    "session.remote_steerable_changed session.request_body_compression_disabled session.session_limits_changed "
    "session.todos_changed session.truncation session.usage_checkpoint session.usage_record session.warning "
    "session.workspace_file_changed subagent.configured subagent.deselected subagent.selected subagent.started "
    "system.message tool_search.activated".split()
)
QUIET_BEGINNINGS: Final = (
    *("assistant.fusion_", "hook.", "model.", "permission.assent", "permission.carried", "permission.contextual"),
    *("permission.message", "session.canvas.", "session.fusion_", "session.schedule_", "skill."),
)
"""Records without content for us, by type and by prefix. Hook records repeat prompts and contain our own handoff."""

INJECTED: Final = ("agent-", "skill-", "command-", "system", "autopilot", "hook", "schedule", "extension")
"""Prefix of `source` in messages that the user did not type (1.0.102: `agent-<id>`)."""

LIMITS: Final = frozenset(("rate_limit", "quota", "quota_exceeded", "session_limit", "weekly_limit"))
"""`errorType` of a usage limit."""

SUMMARY_KINDS: Final[Kinds] = {
    "overview": "request",
    "history": "other",
    "work_done": "current",
    "technical_details": "other",
    "important_files": "other",
    "next_steps": "next",
}
"""The tags that a compaction asks for in the terminal (reported)."""
