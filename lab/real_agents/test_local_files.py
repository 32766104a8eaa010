"""With `local`, the pointer is in files that git does not show, and reaches the model of each client all the same."""

from dataclasses import dataclass, field

import pytest

from real_agents.lab import shop
from real_agents.lab.handoffs import POINTER
from real_agents.lab.publish import publish
from real_agents.lab.rows import Row, newest_of
from real_agents.lab.shop import PROJECT
from real_agents.lab.tool import Tool

HANDOFF = "# [CARRYOVER] THE-HANDOFF"
SOURCES = {"main.py": "print(1)\n"}
TEAM = "RULES-OF-THE-TEAM"


@dataclass(frozen=True)
class Case:
    """What git tracks, and the hidden file by which the pointer has to arrive then."""

    agent: str
    hidden: str
    tracked: dict[str, str] = field(default_factory=dict)


CASES = (
    *(
        Case(agent, "AGENTS.md")
        for agent in (
            "claude-code",
            "cline",
            "codex",
            "continue-dev",
            "copilot",
            "droid",
            "gptme",
            "kilo",
            "openclaw",
            "opencode",
            "qwen-code",
        )
    ),
    Case("claude-code", "CLAUDE.local.md", {"CLAUDE.md": TEAM}),
    Case("cline", ".cline/rules/carryover-handoff.md", {"AGENTS.md": TEAM}),
    Case("continue-dev", ".continue/rules/carryover.md", {"AGENTS.md": TEAM}),
    Case("copilot", ".github/instructions/carryover.instructions.md", {"AGENTS.md": TEAM}),
    Case("qwen-code", ".qwen/rules/carryover.md", {"AGENTS.md": TEAM}),
)


@pytest.mark.parametrize(
    ("client", "case"),
    [pytest.param(newest_of(case.agent)[0], case, id=f"{case.agent} {case.hidden}") for case in CASES],
    indirect=["client"],
)
def test_the_pointer_arrives_and_git_shows_nothing(tool: Tool, row: Row, case: Case) -> None:
    shop.make_project(tool.box, files={**SOURCES, **case.tracked})
    before = tool.turn(PROJECT, "Hello", "OK.").requests[-1]
    publish(tool.box, PROJECT, HANDOFF, local_for=tool.id)
    after = tool.turn(PROJECT, "Hello", "OK.").requests[-1]

    row.shown(f"by {case.hidden}, beside {', '.join(case.tracked) or 'nothing'}")
    assert (before.count(POINTER), after.count(POINTER)) == (0, 1)
    assert after.count(TEAM) == before.count(TEAM) == len(case.tracked)
    assert tool.box.must("git", "status", "--porcelain", cwd=PROJECT) == ""
    assert tool.box.here(PROJECT / case.hidden).is_file()
