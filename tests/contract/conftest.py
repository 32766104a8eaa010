"""Runs the contract suite for every agent that has a folder, or for one: `pytest tests/contract --agent ID`.

A test asks for `folder`, for X It runs for the agents that have these:
what a folder lacks fails in `test_spec.py` and is listed at the end of a run for one agent, so such a run is of use
from the first file on. What concerns events runs for each kind of source that has its own case, as `<id>/<kind>`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest

from carryover.adapter.contract import Agent, HookProtocol
from carryover.adapter.spec import AgentSpec
from contract.case import Case, Recording
from contract.checklist import checklist
from contract.folder import Folder, folders
from support.tools import CODEX, CURSOR

Part = TypeVar("Part")
OPTION: Final = "--agent"
NEEDS: Final[dict[str, Callable[[Folder], object]]] = {
    "spec": lambda folder: folder.spec,
    "agent": lambda folder: folder.agent and folder.spec,
    "case": lambda folder: folder.agent and folder.cases.get(folder.id),
    "hooks": lambda folder: folder.agent and folder.agent.hooks,
    # Installing looks for the sessions that are there.
    "before": lambda folder: folder.agent,
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, metavar="ID", help="test this agent alone, and list what its folder lacks")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrises by what the test asks for. `rows` of its module says what an agent's settings are `before`."""
    names = metafunc.fixturenames
    one = _chosen(metafunc.config)
    all_folders = folders() if one is None else (one,)
    able = [each for each in all_folders if all(needed(each) for name, needed in NEEDS.items() if name in names)]
    cases = {name: case for each in able for name, case in each.cases.items() if "grown" not in names or case.grown}
    if "before" in names:
        rows = metafunc.module.rows([each.spec for each in able if each.spec is not None])
        metafunc.parametrize(("case_id", "before"), rows)
    elif "stages" in names:
        named = [(case_id, name) for case_id, case in cases.items() for name in case.stages]
        stages = [(case_id, cases[case_id].stages[name]) for case_id, name in named]
        metafunc.parametrize(("case_id", "stages"), stages, ids=map(":".join, named))
    elif "known_spec" in names:
        specs = [each.spec for each in all_folders if each.spec is not None]
        _parametrize_specs(metafunc, "known_spec", specs)
    elif "hooked_spec" in names:
        specs = [each.spec for each in all_folders if each.spec is not None and each.spec.hooks.sets]
        _parametrize_specs(metafunc, "hooked_spec", [*specs, *((CURSOR, CODEX) if one is None else ())])
    elif ("case" in names or "grown" in names) and "hooks" not in names:
        metafunc.parametrize("case_id", list(cases))
    elif "case_id" in names:
        metafunc.parametrize("case_id", [each.id for each in able])


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what a run for one agent does not test, or cannot yet."""
    if _chosen(config) is None:
        return
    left_out = [item for item in items if item.path.is_relative_to(Path(__file__).parent) and not _is_for_one(item)]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the checklist of the one agent."""
    folder = _chosen(terminalreporter.config)
    if folder is None:
        return
    items = checklist(folder)
    terminalreporter.section(f"{folder.id}: what its folders have and lack")
    for item in items:
        terminalreporter.line(str(item))
    missing = sum(bool(item.problem) for item in items)
    terminalreporter.line(f"{missing} of {len(items)} parts missing" if missing else "nothing is missing")


@pytest.fixture
def agent_id(case_id: str) -> str:
    return case_id.partition("/")[0]


@pytest.fixture
def folder(agent_id: str) -> Folder:
    return Folder(agent_id)


@pytest.fixture
def spec(folder: Folder) -> AgentSpec:
    return _there(folder.spec)


@pytest.fixture
def agent(folder: Folder) -> Agent:
    return _there(folder.agent)


@pytest.fixture
def case(folder: Folder, case_id: str) -> Case:
    return folder.cases[case_id]


@pytest.fixture
def grown(case: Case) -> Sequence[Recording]:
    return case.grown


@pytest.fixture
def hooks(agent: Agent) -> HookProtocol:
    return _there(agent.hooks)


def _there(part: Part | None) -> Part:
    assert part is not None
    return part


def _chosen(config: pytest.Config) -> Folder | None:
    """The one agent that the run is for; None: every agent."""
    agent_id: str | None = config.getoption(OPTION, None)
    return Folder(agent_id.lower().replace("_", "-")) if agent_id else None


def _is_for_one(item: pytest.Item) -> bool:
    """Whether it is parametrised by an agent, and the agent has what it needs."""
    params: dict[str, Any] = (
        item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
    )
    return isinstance(params.get("case_id"), str) or any(
        isinstance(params.get(name), AgentSpec) for name in ("known_spec", "hooked_spec")
    )


def _parametrize_specs(metafunc: pytest.Metafunc, name: str, specs: list[AgentSpec]) -> None:
    metafunc.parametrize(name, specs, ids=[spec.name for spec in specs])
