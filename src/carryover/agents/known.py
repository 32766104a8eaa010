"""Agents that Carryover knows by name only: enough to find them, and to say that they are not supported yet.

An agent leaves this list when it gets an adapter, whose spec then says everything.
"""

from __future__ import annotations

from typing import Final

from carryover.adapter.spec import AgentSpec, Place
from carryover.model import AGENT_NAMES

_COPILOT: Final = AgentSpec(
    id="copilot",
    name=AGENT_NAMES["copilot"],
    binaries=("copilot",),
    # The chat in VS Code keeps its data among the editor's own, which says nothing of whether the chat is used.
    folders=(Place(path="~/.copilot", env="COPILOT_HOME"),),  # 1.0.102
)
_GEMINI: Final = AgentSpec(
    id="gemini-cli",
    name=AGENT_NAMES["gemini-cli"],
    binaries=("gemini",),
    folders=(Place(path="~/.gemini", env="GEMINI_CLI_HOME", below=".gemini"),),  # 0.61.0
)
_OPENCODE: Final = AgentSpec(
    id="opencode",
    name=AGENT_NAMES["opencode"],
    binaries=("opencode",),
    binary_folders=(Place(path="~/.opencode/bin"),),
    folders=(  # 1.18.33, on macOS too
        Place(path="~/.local/share/opencode", env="XDG_DATA_HOME", below="opencode"),
        Place(path="~/.config/opencode", env="XDG_CONFIG_HOME", below="opencode"),
        Place(path="~/.config/opencode", env="OPENCODE_CONFIG_DIR"),
    ),
)
_AIDER: Final = AgentSpec(
    id="aider",
    name=AGENT_NAMES["aider"],
    binaries=("aider",),
    folders=(Place(path="~/.aider"),),  # 0.86.2
)
_WINDSURF: Final = AgentSpec(
    id="windsurf",
    name=AGENT_NAMES["windsurf"],
    binaries=("windsurf",),
    folders=(Place(path="~/.codeium/windsurf"), Place(path="~/.windsurf")),
    other_folders=(Place(path="~/.codeium"),),
)

NAME_ONLY: Final = {spec.id: spec for spec in (_COPILOT, _GEMINI, _OPENCODE, _AIDER, _WINDSURF)}
"""By id."""
