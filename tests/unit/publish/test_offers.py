from __future__ import annotations

from carryover.agents import adapters
from carryover.config import AgentsConfig, Config
from carryover.publish.offers import startable


def test_those_are_offered_that_can_be_started_and_that_it_was_installed_for() -> None:
    selected = Config(agents=AgentsConfig(selected=("windsurf", "claude-code")))

    assert startable(selected) == ("claude-code",)
    assert startable(Config(agents=AgentsConfig(selected=()))) == ()


def test_where_nobody_was_asked_all_that_are_covered_are_offered() -> None:
    expected = tuple(agent.id for agent in adapters().values() if agent.spec.start is not None)

    assert "claude-code" in expected
    assert startable(Config()) == expected
