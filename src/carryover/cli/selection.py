"""Which agents are meant: those named on the command line, those ticked, or those ticked by themselves."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from carryover.cli.picker import can_ask, pick
from carryover.install.setup import Option


def tool_ids(text: str) -> tuple[str, ...]:
    """For argparse: `claude-code,codex`. Takes only names that can be used: whatever is not named is de-selected."""
    from carryover.agents import agent_ids, specs

    supported = [spec.id for spec in specs() if spec.supported]
    ids = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    refused = {
        "unknown": [tool for tool in ids if tool not in agent_ids()],
        "not supported yet": [tool for tool in ids if tool in agent_ids() and tool not in supported],
    }
    problems = [f"{what}: {', '.join(tools)}" for what, tools in refused.items() if tools]
    if not ids:
        problems = ["no agent is named; `carryover uninstall` takes every agent's hooks out"]
    if problems:
        raise argparse.ArgumentTypeError(
            f"{'; '.join(problems)}. Nothing was changed. Supported are: {', '.join(supported)}."
        )
    return ids


def chosen(options: Sequence[Option], named: tuple[str, ...] | None, *, ask: bool) -> tuple[str, ...]:
    """The ids of the agents that are meant. `named`: from the command line. Waits for an answer only with `ask`."""
    if named is not None:
        return named
    if ask and can_ask():
        return pick(options)
    return tuple(option.id for option in options if option.ticked)
