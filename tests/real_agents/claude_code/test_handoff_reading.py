"""An agent that follows the pointer can read the handoff, although git ignores it."""

from __future__ import annotations

import pytest

from real_agents.claude_code.client import HANDOFF, PROJECT, ClaudeBox
from real_agents.lab.rows import Row

pytestmark = pytest.mark.real_agents

WAYS = {
    "Bash": {"command": "cat .carryover/handoff.md"},
    "Read": {"file_path": f"{PROJECT}/.carryover/handoff.md"},
}


@pytest.mark.parametrize("tool", WAYS)
def test_the_ignored_handoff_can_be_read_with_each_tool(claude: ClaudeBox, row: Row, tool: str) -> None:
    claude.make_project({"main.py": "print(1)\n"})
    claude.publish()
    claude.box.must("git", "check-ignore", "-q", ".carryover/handoff.md", cwd=PROJECT)
    claude.script({"tool": tool, "input": WAYS[tool]}, "I have read it.")
    claude.print_mode("Hello")

    [result] = claude.tool_results()
    assert not result.get("is_error")
    shown = [line for line in HANDOFF.splitlines() if line in str(result["content"])]
    row.shown(f"{len(shown)} of {len(HANDOFF.splitlines())} lines of the handoff came back")
    assert shown == HANDOFF.splitlines()
