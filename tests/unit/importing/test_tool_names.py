"""What a tool does is said by the agent that has it, whichever program copied the call."""

from __future__ import annotations

import pytest

from carryover.importing.calls import op_of


@pytest.mark.parametrize(
    ("name", "op"),
    [
        ("ToolSearch", "search"),  # Claude Code's
        ("functions.exec_command", "shell"),  # Codex', as OpenAI's form has it
        ("request_user_input", "ask"),
        ("copilot_replaceString", "edit"),  # VS Code's
        ("read_lints", "read"),  # Cursor's
        ("run_terminal_command_v2", "shell"),
        ("exit_plan_mode", "plan"),  # Gemini CLI's
        ("execute_bash", "shell"),  # OpenHands', for which there is no agent
        ("todo", "plan"),  # Mistral Vibe's, in the documents that it wrote in 2025
        ("mystery", None),
    ],
)
def test_a_tool_is_known_by_the_agent_that_has_it(name: str, op: str | None) -> None:
    assert op_of(name) == op
