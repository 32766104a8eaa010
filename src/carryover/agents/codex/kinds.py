"""Names of records, events, items and tools. Known ones that hold nothing for a handoff are quiet; others are counted.

The first lines of each set are in fixtures (0.99 to 0.169); the names after them come from the client's public source
and are in no recording. A name too many costs nothing here: it only keeps a known kind from being reported.
"""

from __future__ import annotations

from typing import Final

from carryover.model import Op
from carryover.records.summary import Kinds

QUIET_RECORDS: Final = frozenset(
    "world_state token_usage_record "
    "inter_agent_communication inter_agent_communication_metadata retained_context session_state".split()
)

QUIET_EVENTS: Final = frozenset(
    "agent_reasoning context_compacted "
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
"""What the known tools do. In fixtures: exec_command, shell, apply_patch, update_plan, spawn_agent. Others: `other`."""

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
"""What a compaction asks for, as a list without headings (read about): these are what models make of it."""
