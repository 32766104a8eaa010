"""Names of messages and tools. Known ones that hold nothing for a handoff are quiet; others are counted."""

from __future__ import annotations

from typing import Final

from carryover.model import Op
from carryover.records.summary import Kinds

SHELL: Final = "run_shell_command"
TODOS: Final = "write_todos"
ASK: Final = "ask_user"
TOPIC: Final = "update_topic"
COMPLETE: Final = "complete_task"
"""By which a sub-agent gives its result."""

OPS: Final[dict[str, Op]] = {
    SHELL: "shell",
    "read_file": "read",
    "read_many_files": "read",
    "get_internal_docs": "read",
    "replace": "edit",
    "edit": "edit",
    "write_file": "write",
    "glob": "search",
    "list_directory": "search",
    "grep_search": "search",
    "search_file_content": "search",
    "web_fetch": "web",
    "google_web_search": "web",
    TODOS: "plan",
    "enter_plan_mode": "plan",
    "exit_plan_mode": "plan",
    "tracker_create_task": "plan",
    "tracker_update_task": "plan",
    ASK: "ask",
    "invoke_agent": "agent",
    "delegate_to_agent": "agent",
    "codebase_investigator": "agent",
}
"""What the known tools do (0.26 to 0.61). Every other tool, those of MCP servers among them, is `other`."""

QUIET_MESSAGES: Final = frozenset(("warning",))
"""What the client says to the user by itself."""

SUMMARY_KINDS: Final[Kinds] = {
    "overall_goal": "request",
    "key_knowledge": "other",
    "file_system_state": "other",
    "recent_actions": "current",
    "current_plan": "next",
    "task_state": "next",
}
"""The tags inside the `<state_snapshot>` that a compaction asks for (read about; 0.44 and 0.61 have the outer one)."""
