"""What an agent's folder claims to do, and what its fixtures show of that.

A new agent's `contract_case.py` has `CAPABILITIES`; its row in docs/agents.md comes from there.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Literal, get_args

from carryover.adapter.contract import Agent, HookEvent
from carryover.model import AgentSummary, Event, PlanProposal, PlanUpdate, SessionInfo, TurnEnd
from contract.case import Case, read_on, source_at

Capability = Literal["limit", "compaction", "plan", "sub-agents", "resume", "fork"]
EVERY: Final[tuple[Capability, ...]] = get_args(Capability)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """One agent's claims. The contract suite compares `shows` with the fixtures: no more, no less."""

    reads: str
    """What is read, as people know it: "transcripts", "the editor's database"."""
    shows: frozenset[Capability]
    arrives: str = ""
    """How the next session gets the handoff; empty where SPEC says it: by a hook, or by a file that the agent reads."""
    synthetic: str = ""
    """Why no real client was recorded or run; empty: fixtures and rows are the real client's."""


HOW_SHOWN: Final[dict[Capability, str]] = {
    "limit": "a recording yields TurnEnd(reason='limit')",
    "compaction": "a recording yields AgentSummary(source='compaction')",
    "plan": "a recording yields PlanUpdate or PlanProposal",
    "sub-agents": "a recording yields events with a subagent_id",
    "resume": "a hook payload is read as a session start with reason 'resume'",
    "fork": "the case has a `fork`, or a recording yields SessionInfo(parent=...)",
}


def shown(agent: Agent, cases: Collection[Case]) -> frozenset[Capability]:
    """Returns what the recordings and hook payloads of an agent show."""
    recordings = [each for case in cases for each in case.recordings]
    events = [event for each in recordings for event in read_on(agent, source_at(agent, each)).events]
    found = {_kind(event) for event in events} - {None}
    tests: dict[Capability, bool] = {
        "sub-agents": any(event.subagent_id is not None for event in events),
        "resume": any(_resumes(agent, case) for case in cases),
        "fork": any(case.fork is not None for case in cases),
    }
    return frozenset(name for name in EVERY if name in found or tests.get(name))


def _kind(event: Event) -> Capability | None:
    """What a single event shows by its body."""
    match event.body:
        case TurnEnd(reason="limit"):
            return "limit"
        case AgentSummary(source="compaction"):
            return "compaction"
        case PlanUpdate() | PlanProposal():
            return "plan"
        case SessionInfo(parent=str()):
            return "fork"
        case _:
            return None


def _resumes(agent: Agent, case: Case) -> bool:
    if agent.hooks is None:
        return False
    read = (agent.hooks.read(payload.event, payload.data, 0) for payload in case.payloads)
    return any(isinstance(event, HookEvent) and event.reason == "resume" for event in read)
