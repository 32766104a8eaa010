"""The whole way, live: a real session, a real daemon beside it, and the next session that takes over."""

from __future__ import annotations

import pytest

from real_agents.claude_code.client import PROJECT, ClaudeBox
from real_agents.lab import product
from real_agents.lab.rows import Row
from real_agents.lab.waiting import wait_until

pytestmark = pytest.mark.real_agents

TASK = "Print two instead of one"
EDIT = {
    "tool": "Edit",
    "input": {"file_path": f"{PROJECT}/main.py", "old_string": "print(1)", "new_string": "print(2)"},
}
READ = {"tool": "Read", "input": {"file_path": f"{PROJECT}/main.py"}}
FRESH_S = 2
"""A second is promised; the other is for a machine that has more to do."""
LOOK = {"tool": "Bash", "input": {"command": "cat .carryover/handoff.md"}}


def test_the_next_session_takes_over_where_the_last_one_stopped(claude: ClaudeBox, row: Row) -> None:
    claude.make_project({"main.py": "print(1)\n", "CLAUDE.md": "Be brief.\n"})
    handoff = claude.box.here(PROJECT / ".carryover" / "handoff.md")
    daemon = product.start_daemon(claude.box)
    claude.script(READ, EDIT, "The second step is still open.")
    claude.print_mode(TASK)
    waited = wait_until(lambda: handoff.exists() and "The second step is still open." in handoff.read_text())
    left = handoff.read_text()
    row.shown(f"the handoff was whole {waited:.2f} s after the session's end")

    claude.script(LOOK, "You were printing two instead of one. Do you want to continue from here?")
    claude.print_mode("Go on")
    [result] = claude.tool_results()
    product.settle(claude.box)

    assert waited < FRESH_S
    assert TASK in left and "main.py" in left and len(_work(left)) == 2
    assert "read it before starting" in claude.told()
    assert _work(str(result["content"])) == _work(left)
    assert _work(handoff.read_text()) == _work(left)
    assert daemon.stop() == 0


def _work(handoff: str) -> list[str]:
    """What a handoff says of the work, less the times and the state of the repository."""
    sections = [section.strip() for section in handoff.split("\n## ")]
    return [section for section in sections if section.startswith(("Task", "Where it stands"))]
