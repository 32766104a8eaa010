"""Resolves agent names on the command line: an id, or an everyday name such as `claude`."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from carryover.adapter.spec import AgentSpec
from carryover.agents import agent_id_of, specs
from carryover.terminal.output import did_you_mean


def known_agent(text: str) -> str:
    """Returns the id of the agent that `text` names; an argparse type, so its error becomes a usage message."""
    found = agent_id_of(text.strip())
    if found is None:
        raise argparse.ArgumentTypeError(
            f"Carryover knows no agent {text!r}{meant(text) or '.'} It knows: {listed(specs())}."
        )
    return found


def meant(text: str) -> str:
    """Returns `; did you mean 'codex'?` for a misspelled agent name, otherwise an empty string."""
    return did_you_mean(text.strip(), [name for spec in specs() for name in (spec.id, *spec.aliases)])


def listed(specs: Iterable[AgentSpec]) -> str:
    """Lists agent ids for people, each with its other names: `claude-code (claude), codex`."""
    return ", ".join(f"{spec.id} ({', '.join(spec.aliases)})" if spec.aliases else spec.id for spec in specs)
