from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from carryover.adapter.contract import Agent, Source
from carryover.agents import adapters
from carryover.daemon.context import DaemonContext
from carryover.daemon.roots import ReadRoots


async def test_a_hooks_call_looks_into_no_project_of_an_agent_without_hooks(context: DaemonContext, home: Path) -> None:
    agents = adapters()
    project = home / "shop"
    project.mkdir()
    keeping = next(agent for agent in agents.values() if agent.in_projects)
    looked: list[Path] = []

    def sources(root: Path) -> list[Source]:
        looked.append(root)
        return []

    def known(agent: Agent) -> ReadRoots:
        found = ReadRoots(replace(context, agents={agent.id: agent}))
        found.known.add(str(project))
        return found

    without_hooks = replace(keeping, sources=sources, hooks=None)
    assert known(without_hooks).of_hooks() == known(without_hooks).folders()
    assert looked == []
    assert known(without_hooks).all() == known(without_hooks).folders()
    assert looked == [project]

    known(replace(without_hooks, hooks=agents["claude-code"].hooks)).of_hooks()
    assert looked == [project, project]
