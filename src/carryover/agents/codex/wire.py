"""The names that a Codex transcript uses. Each line is `{"timestamp", "type", "payload"}` (0.34 to 0.169): FACTS.md."""

from __future__ import annotations

from typing import Final

import msgspec

from carryover.model import Op
from carryover.records.rawjson import ABSENT
from carryover.records.summary import Kinds


class Line(msgspec.Struct, frozen=True):
    """One record of a rollout."""

    type: str
    timestamp: str | None = None
    payload: msgspec.Raw = ABSENT


LINE: Final = msgspec.json.Decoder(Line)

_EVENTS: Final = (
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
    "view_image_tool_call warning web_search_begin web_search_end"
)
_ITEMS: Final = (
    "CollabAgentToolCall ContextCompaction Reasoning "
    "DynamicToolCall HookPrompt ImageGeneration ImageView InjectedContext McpToolCall Sleep SubAgentActivity WebSearch"
)
_RESPONSES: Final = (
    "additional_tools reasoning "
    "agent_message compaction compaction_summary compaction_trigger context_compaction ghost_snapshot "
    "image_generation_call other tool_search_call tool_search_output"
)
QUIET: Final = frozenset(
    (
        *("world_state", "token_usage_record", "inter_agent_communication", "inter_agent_communication_metadata"),
        *("retained_context", "session_state"),
        *(f"event_msg/{name}" for name in _EVENTS.split()),
        *(f"item_completed/{name}" for name in _ITEMS.split()),
        *(f"response_item/{name}" for name in _RESPONSES.split()),
    )
)
"""Records without content for us. `context_compacted` only marks what `compacted` reports."""

SHELLS: Final = frozenset("exec_command shell local_shell shell_command container.exec unified_exec".split())
OPS: Final[dict[str, Op]] = {
    **dict.fromkeys(SHELLS, "shell"),
    **dict.fromkeys(("view_image", "read_file"), "read"),
    **dict.fromkeys(("list_dir", "grep_files"), "search"),
    **dict.fromkeys(("spawn_agent", "send_input", "resume_agent", "wait", "wait_agent", "close_agent"), "agent"),
    "apply_patch": "edit",
    "update_plan": "plan",
    "request_user_input": "ask",
}
"""Operations of the known tools. Others: `other`."""

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
