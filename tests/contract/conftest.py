"""Runs the contract suite for every registered agent: a test asks for `agent`, for a `recording` too, for one that
grows by lines (`grown`), for the `stages` of one that is rewritten, or for the agent's `hooks` if it has any."""

from __future__ import annotations

import pytest

from carryover.adapter.contract import Agent, HookProtocol
from contract.case import Case, agents, case_of


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrise by what the test asks for."""
    names = metafunc.fixturenames
    wanted = next((name for name in ("recording", "grown") if name in names), None)
    if wanted is not None:
        pairs = [
            (agent_id, recording)
            for agent_id in agents()
            for recording in case_of(agent_id).recordings
            if wanted == "recording" or case_of(agent_id).grows_by_lines
        ]
        metafunc.parametrize(
            ("agent_id", wanted), pairs, ids=[f"{agent_id}:{recording}" for agent_id, recording in pairs]
        )
    elif "stages" in names:
        named = [(agent_id, stages) for agent_id in agents() for stages in case_of(agent_id).stages.items()]
        metafunc.parametrize(
            ("agent_id", "stages"),
            [(agent_id, stages) for agent_id, (_, stages) in named],
            ids=[f"{agent_id}:{name}" for agent_id, (name, _) in named],
        )
    elif "hooks" in names:
        metafunc.parametrize("agent_id", [agent_id for agent_id, agent in agents().items() if agent.hooks is not None])
    elif "agent_id" in names:
        metafunc.parametrize("agent_id", list(agents()))


@pytest.fixture
def agent(agent_id: str) -> Agent:
    return agents()[agent_id]


@pytest.fixture
def case(agent_id: str) -> Case:
    return case_of(agent_id)


@pytest.fixture
def hooks(agent: Agent) -> HookProtocol:
    assert agent.hooks is not None
    return agent.hooks
