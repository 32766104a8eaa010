"""Agents as people name them on the command line: by id, or by an everyday name."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from carryover.adapter.spec import AgentSpec
from carryover.agents import agent_id_of, specs
from carryover.terminal.output import did_you_mean


def known_agent(text: str) -> str:
    """The id of an agent, by its id or another name of it; for argparse, which turns the error into a message."""
    found = agent_id_of(text.strip())
    if found is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no agent that Carryover knows{meant(text)}. Known are: {listed(specs())}."
        )
    return found


def meant(text: str) -> str:
    """`; did you mean 'codex'?` for a misspelt name of an agent, else empty."""
    return did_you_mean(text.strip(), [name for spec in specs() for name in (spec.id, *spec.aliases)])


def listed(specs: Iterable[AgentSpec]) -> str:
    """The agents' ids, each with its other names, for people: `claude-code (claude), codex`."""
    return ", ".join(f"{spec.id} ({', '.join(spec.aliases)})" if spec.aliases else spec.id for spec in specs)
