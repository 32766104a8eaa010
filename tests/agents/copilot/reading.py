"""Reads a session that a test writes, and tells what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from agents.copilot.session import CopilotSession
from carryover.agents.copilot.adapter import AGENT
from carryover.model import Body, Event
from contract.case import Reading, read_on

B = TypeVar("B", bound=Body)


def read(session: CopilotSession, reading: Reading | None = None) -> Reading:
    """What was written since `reading`."""
    source = AGENT.source_of(session.path, session.home / "session-state")
    assert source is not None
    return read_on(AGENT, source, reading)


def of(events: list[Event], kind: type[B], *, agent: str | None = None) -> list[B]:
    """The bodies of one kind, in their order: of the main conversation, or of a sub-agent."""
    return [event.body for event in events if isinstance(event.body, kind) and event.subagent_id == agent]


def begun(folder: Path) -> CopilotSession:
    """A session with a prompt, in a repository."""
    (folder / "shop" / ".git").mkdir(parents=True)
    session = CopilotSession(folder / ".copilot", folder / "shop")
    session.prompt("Fix the price.")
    return session
