from __future__ import annotations

import argparse

import pytest

from carryover.agents import specs
from carryover.cli.agent_names import known_agent, listed


@pytest.mark.parametrize(("name", "agent"), [("codex", "codex"), ("Claude", "claude-code"), (" gemini ", "gemini-cli")])
def test_an_agent_is_named_by_its_id_or_an_everyday_name(name: str, agent: str) -> None:
    assert known_agent(name) == agent


def test_a_name_of_none_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match=r"knows no agent 'clippy'. .* claude-code \(claude\), codex"):
        known_agent("clippy")


def test_other_names_stand_behind_the_id() -> None:
    named = {spec.id: spec for spec in specs()}

    assert listed([named["claude-code"], named["codex"]]) == "claude-code (claude), codex"
