from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from carryover.adapter.contract import Agent, Source
from carryover.agents import adapters
from carryover.config import AgentsConfig, Config
from carryover.daemon import roots as module
from carryover.daemon.context import DaemonContext
from carryover.daemon.roots import ReadRoots
from carryover.ingest.scan import TranscriptRoot, roots_to_read
from carryover.paths import StateDir


@pytest.fixture
def context(home: Path) -> DaemonContext:
    return DaemonContext(StateDir(home / ".carryover"), home, {}, Config())


def test_folders_are_worked_out_once_for_each_setting(context: DaemonContext, monkeypatch: pytest.MonkeyPatch) -> None:
    agents = adapters()
    asked: list[Config] = []

    def counted(known: object, config: Config, home: Path, env: dict[str, str]) -> tuple[TranscriptRoot, ...]:
        asked.append(config)
        return roots_to_read(agents.values(), config, home, env)

    monkeypatch.setattr(module, "roots_to_read", counted)
    roots = ReadRoots(context, agents)
    assert roots.folders() == roots.folders() == roots_to_read(agents.values(), Config(), context.home, {})
    assert len(asked) == 1

    context.use(Config(agents=AgentsConfig(selected=("codex",))))
    assert {root.agent_id for root in roots.folders()} == {"codex"}
    context.use(Config(paused=True))
    assert roots.all() == ()


def test_a_hooks_call_looks_into_no_project_of_an_agent_without_hooks(context: DaemonContext, home: Path) -> None:
    agents = adapters()
    project = home / "shop"
    project.mkdir()
    keeping = next(agent for agent in agents.values() if agent.in_projects)
    looked: list[Path] = []

    def sources(root: Path) -> list[Source]:
        looked.append(root)
        return []

    def known(agent: Agent) -> ReadRoots:
        found = ReadRoots(context, {agent.id: agent})
        found.know(str(project))
        return found

    without_hooks = replace(keeping, sources=sources, hooks=None)
    assert known(without_hooks).of_hooks() == known(without_hooks).folders()
    assert looked == []
    assert known(without_hooks).all() == known(without_hooks).folders()
    assert looked == [project]

    known(replace(without_hooks, hooks=agents["claude-code"].hooks)).of_hooks()
    assert looked == [project, project]
