"""Which agents are meant: those named on the command line, those ticked, or those ticked by themselves."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from carryover.cli.picker import can_ask, pick
from carryover.install.setup import Option


def tool_ids(text: str) -> tuple[str, ...]:
    """For argparse: `claude-code,codex`."""
    from carryover.model import AGENT_NAMES

    ids = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    unknown = [tool for tool in ids if tool not in AGENT_NAMES]
    if unknown:
        raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)} (known: {', '.join(AGENT_NAMES)})")
    return ids


def chosen(options: Sequence[Option], named: tuple[str, ...] | None, *, ask: bool) -> tuple[str, ...]:
    """The ids of the agents that are meant. `named`: from the command line. Waits for an answer only with `ask`."""
    if named is not None:
        return named
    if ask and can_ask():
        return pick(options)
    return tuple(option.id for option in options if option.ticked)
