"""What holds of all agents together."""

from __future__ import annotations

from carryover.agents import adapters, startable_agents


def test_those_are_offered_that_can_be_started_and_that_it_was_installed_for() -> None:
    assert startable_agents(("windsurf", "claude-code")) == ("claude-code",)
    assert startable_agents(()) == ()


def test_where_nobody_was_asked_all_that_are_covered_are_offered() -> None:
    expected = tuple(agent.id for agent in adapters().values() if agent.spec.start is not None)

    assert "claude-code" in expected
    assert startable_agents(None) == expected
