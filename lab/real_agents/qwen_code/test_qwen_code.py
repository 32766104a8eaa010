"""What only Qwen Code has: a goal that it works on by itself."""

from typing import Final

from real_agents.lab import handoffs, shop
from real_agents.lab.rows import Row, newest
from real_agents.lab.shop import PROJECT, TASK
from real_agents.lab.tool import Tool

NEWEST: Final = newest("qwen-code")


@NEWEST
def test_a_goal_that_the_user_sets_is_the_users_request(tool: Tool, row: Row) -> None:
    shop.begin(tool)
    tool.turn(PROJECT, f"/goal {TASK}", "The goal is clear.", code=None)
    task = handoffs.sections(shop.left_by(tool))["Task"]

    for line in task:
        row.shown(line)
    assert len(task) == 1 and TASK in task[0]
