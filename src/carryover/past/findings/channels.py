"""Determines by which channels a new session in one project would get the handoff, for each agent. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from carryover.adapter.spec import AGENTS_MD, AgentSpec, LocalFile
from carryover.agents import specs
from carryover.config import ProjectSettings
from carryover.fsio import is_there
from carryover.past.findings.facts import AgentFacts, Channels
from carryover.projects.handoff_file import HANDOFF, STORE
from carryover.publish.local_pointers import local_names, local_text
from carryover.publish.pointers import block_end, block_state, pointer, stands_alone
from carryover.publish.read_lists import lists_handoff
from carryover.text.yaml_list import YamlList

_NO_HANDOFF: Final = "no handoff is in the project"
_SAY: Final = 'say "read .carryover/handoff.md" in it'


def project_channels(root: Path, settings: ProjectSettings, agents: Iterable[AgentFacts]) -> tuple[Channels, ...]:
    """Returns the channels of the agents that are on this machine. Blocks (files)."""
    by_id = {spec.id: spec for spec in specs()}
    return tuple(_channels(root, settings, agent, by_id[agent.id]) for agent in agents if agent.is_here)


def _channels(root: Path, settings: ProjectSettings, agent: AgentFacts, spec: AgentSpec) -> Channels:
    if settings.excluded:
        return Channels(agent.name, missing=f"the project is left out by {settings.excluded}")
    ways = [*_by_hook(agent, spec), *_by_list(root, agent, spec), *_by_file(root, agent, spec)]
    missing = "; ".join(_missing(root, agent, spec))
    if not ways and not missing:  # an editor has no command to start it with
        can_start = spec.start is not None and agent.binary is not None
        missing = f"`carryover to {spec.id}` starts it with the handoff" if can_start else _SAY
    return Channels(agent.name, tuple(ways), missing=missing)


def _by_hook(agent: AgentFacts, spec: AgentSpec) -> Iterator[str]:
    hooks = agent.hooks
    if hooks is None or hooks.switched_off or hooks.dropped:
        return
    working = [event for event in hooks.present if event in spec.hooks.injects_on and event not in hooks.to_review]
    yield from (f"the hook {event}" for event in working)


def _by_list(root: Path, agent: AgentFacts, spec: AgentSpec) -> Iterator[str]:
    if agent.entry is not None and agent.entry.present and is_there(root / STORE / Path(agent.entry.entry).name):
        yield f"the list `{agent.entry.key}` in its settings"
    listed = spec.local_file
    if isinstance(listed, YamlList) and lists_handoff(root, listed):
        yield f"the list `{listed.key}` in {listed.name}"


def _by_file(root: Path, agent: AgentFacts, spec: AgentSpec) -> Iterator[str]:
    if not is_there(root / STORE / HANDOFF):
        return
    for file in spec.instructions:
        text = pointer(root, file.name).found()
        is_hidden = any(is_there(root / by) for by in file.hidden_by) or _is_unread(root, spec, file.name)
        is_in_reach = agent.reads_bytes is None or block_end(text) <= agent.reads_bytes
        if block_state(text) == "intact" and is_in_reach and not is_hidden:
            yield f"the pointer in {file.name}"
    local = spec.local_file
    if isinstance(local, LocalFile) and local_text(root, local.name).found() == local_names()[local.name]:
        yield f"the pointer in {local.name}"


def _is_unread(root: Path, spec: AgentSpec, name: str) -> bool:
    """Whether a file of the agent's own keeps it from reading AGENTS.md."""
    if name != AGENTS_MD or spec.instead_of_agents_md is None:
        return False
    return stands_alone(pointer(root, spec.instead_of_agents_md).found())


def _missing(root: Path, agent: AgentFacts, spec: AgentSpec) -> Iterator[str]:
    """Yields why channels that the agent could have do not work, as clauses."""
    hooks = agent.hooks
    if agent.selected is False:
        yield "it is not selected"
    elif hooks is not None and hooks.switched_off:
        yield f"its hooks are switched off (`{hooks.switched_off_by}`)"
    elif hooks is not None and (hooks.dropped or hooks.problem):
        yield "its hooks do not run"
    elif hooks is not None and set(hooks.to_review) & set(spec.hooks.injects_on):
        yield "its hooks wait for your review"
    if not is_there(root / STORE / HANDOFF):
        yield _NO_HANDOFF
