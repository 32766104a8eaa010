"""Agents that can be started on this machine with a first prompt."""

from __future__ import annotations

from collections.abc import Collection

from carryover.adapter.spec import AgentSpec, places_on
from carryover.agents import specs, startable_agents
from carryover.install.machine import Command, Machine, copies


def start_command(spec: AgentSpec, machine: Machine) -> Command | None:
    """The command that starts an agent, as a shell would find it; None where it is not here or takes no prompt."""
    if spec.start is None:
        return None
    return next(iter(copies((spec.start.binary,), machine, places_on(spec.binary_folders, machine.platform))), None)


def startable_here(selected: Collection[str] | None, machine: Machine) -> tuple[str, ...]:
    """The ids of the agents that are here and take a first prompt; of the `selected` ones, if not None."""
    able = startable_agents(selected)
    return tuple(spec.id for spec in specs() if spec.id in able and start_command(spec, machine) is not None)
