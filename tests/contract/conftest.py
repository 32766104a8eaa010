"""Runs the contract suite for every registered agent: a test asks for `agent`, for a `recording` too, for one that
grows by lines (`grown`), for the `stages` of one that is rewritten, or for the agent's `hooks` if it has any."""

from __future__ import annotations

import pytest

from carryover.adapter.contract import Agent, HookProtocol
from contract.case import Case, agent_of, agents, cases


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrise by what the test asks for."""
    names = metafunc.fixturenames
    wanted = next((name for name in ("recording", "grown") if name in names), None)
    if wanted is not None:
        pairs = [
            (case_id, recording)
            for case_id, case in cases().items()
            for recording in case.recordings
            if wanted == "recording" or case.grows_by_lines
        ]
        metafunc.parametrize(("case_id", wanted), pairs, ids=[f"{case_id}:{recording}" for case_id, recording in pairs])
    elif "stages" in names:
        named = [(case_id, stages) for case_id, case in cases().items() for stages in case.stages.items()]
        metafunc.parametrize(
            ("case_id", "stages"),
            [(case_id, stages) for case_id, (_, stages) in named],
            ids=[f"{case_id}:{name}" for case_id, (name, _) in named],
        )
    elif "hooks" in names:
        metafunc.parametrize("case_id", [agent_id for agent_id, agent in agents().items() if agent.hooks is not None])
    elif "case" in names:
        metafunc.parametrize("case_id", list(cases()))
    elif "case_id" in names:
        metafunc.parametrize("case_id", list(agents()))


@pytest.fixture
def agent(case_id: str) -> Agent:
    return agent_of(case_id)


@pytest.fixture
def agent_id(case_id: str) -> str:
    return case_id


@pytest.fixture
def case(case_id: str) -> Case:
    return cases()[case_id]


@pytest.fixture
def hooks(agent: Agent) -> HookProtocol:
    assert agent.hooks is not None
    return agent.hooks
