"""What install wrote down of the machine, for commands that are called from another shell than install was."""

from __future__ import annotations

from carryover.config import ToolsConfig


def recorded_env(tools: ToolsConfig) -> dict[str, str]:
    """The variables that moved the folders of any agent when it was installed."""
    return {name: value for tool in tools.each.values() for name, value in tool.env.items()}
