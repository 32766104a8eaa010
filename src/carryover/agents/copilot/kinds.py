"""Names of records and tools, as the client writes them (1.0.48, 1.0.102, and the schema of events in 1.0.48)."""

from __future__ import annotations

from typing import Final

from carryover.model import Op

QUIET: Final = frozenset(
    "assistant.intent assistant.message_delta assistant.message_start assistant.reasoning assistant.reasoning_delta "
    "assistant.streaming_delta assistant.turn_end assistant.turn_start assistant.usage auto_mode_switch.completed "
    "auto_mode_switch.requested capabilities.changed command.completed command.execute command.queued "
    "commands.changed elicitation.completed elicitation.requested exit_plan_mode.completed exit_plan_mode.requested "
    "external_tool.completed external_tool.requested hook.end hook.progress hook.start human_response.recorded "
    "mcp.oauth_completed mcp.oauth_required model.call_failure model.message model.messages_snapshot "
    "model.model_call_failure model.model_call_started model.model_call_success model.response model.turn_ended "
    "model.turn_started pending_messages.modified permission.requested sampling.completed sampling.requested "
    "session.background_tasks_changed session.compaction_start session.custom_agents_updated "
    "session.custom_notification session.extensions_loaded session.handoff session.idle session.info "
    "session.mcp_server_status_changed session.mcp_servers_loaded session.mode_changed session.plan_changed "
    "session.remote_steerable_changed session.schedule_cancelled session.schedule_created session.skills_loaded "
    "session.snapshot_rewind session.title_changed session.todos_changed session.tools_updated session.truncation "
    "session.usage_checkpoint session.usage_info session.usage_record session.warning "
    "session.workspace_file_changed skill.invoked subagent.configured subagent.deselected subagent.selected "
    "subagent.started system.message tool.execution_partial_result tool.execution_progress user_input.completed "
    "user_input.requested".split()
)
"""Records that are known to hold nothing for us. Those of hooks repeat prompts and hold our own handoff."""

OPS: Final[dict[str, Op]] = {
    "bash": "shell",
    "powershell": "shell",
    "local_shell": "shell",
    "view": "read",
    "show_file": "read",
    "edit": "edit",
    "apply_patch": "edit",
    "str_replace_editor": "edit",
    "create": "write",
    "glob": "search",
    "grep": "search",
    "rg": "search",
    "web_fetch": "web",
    "web_search": "web",
    "fetch_copilot_cli_documentation": "web",
    "update_todo": "plan",
    "exit_plan_mode": "plan",
    "ask_user": "ask",
    "task": "agent",
}
"""What the known tools do. Every other tool, those of MCP servers among them, is `other`."""

SHELLS: Final = frozenset(("bash", "powershell", "local_shell"))

READ_SHELLS: Final = frozenset(("read_bash", "stop_bash", "write_bash", "read_powershell", "stop_powershell"))
"""Tools that deal with a command which runs on."""

QUIET_TOOLS: Final = frozenset(("report_intent", "task_complete"))
"""Tools that only say something, which a record of its own says as well."""

INJECTED: Final = ("agent-", "skill-", "command-", "system", "autopilot", "hook", "schedule", "extension")
"""How `source` of a message begins that the user did not type (1.0.102: `agent-<id>`)."""

LIMITS: Final = frozenset(("rate_limit", "quota", "quota_exceeded", "session_limit", "weekly_limit"))
"""`errorType` of a usage limit."""
