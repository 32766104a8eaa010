"""What a client refuses by a rule of its settings is no word of the user's, and what it did not run is no failure."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from carryover.model import ToolResult
from real_agents.lab import recorded, shop
from real_agents.lab.rows import Row, each_version
from real_agents.lab.shop import PROJECT, TASK
from real_agents.lab.tool import Tool

TESTS: Final = "python3 -m unittest"
RULES: Final[Mapping[str, Sequence[str]]] = {
    "claude-code": ("--settings", json.dumps({"permissions": {"deny": ["Bash(python3:*)"]}})),
    "copilot": ("--deny-tool", "shell(python3)"),
}


@each_version(*RULES)
def test_what_a_rule_refuses_is_not_the_users_refusal(tool: Tool, row: Row) -> None:
    shop.begin_installed(tool)
    tool.turn(PROJECT, TASK, tool.shell(TESTS), "The tests can't be run here.", options=RULES[tool.id])
    left = shop.left_by(tool)
    [result] = recorded.sessions(tool.box)[0].all(ToolResult)

    row.shown(f"{result.subject}: {result.status}, {result.output}")
    assert (result.status, result.never_ran, result.user_words) == ("error", True, "")
    assert "Refused" not in left and "failed" not in left
