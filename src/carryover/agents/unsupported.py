"""Agents that Carryover knows by name only: enough to find them, and to say that they are not supported yet.

An agent that gets a folder of its own is taken from there; its entry here is then dead and can go.
"""

from __future__ import annotations

from typing import Final

from carryover.adapter.spec import AgentSpec, Place

_GEMINI: Final = AgentSpec(
    id="gemini-cli",
    name="Gemini CLI",
    aliases=("gemini",),
    binaries=("gemini",),
    folders=(Place(path="~/.gemini", env="GEMINI_CLI_HOME", below=".gemini"),),  # 0.61.0
)
_OPENCODE: Final = AgentSpec(
    id="opencode",
    name="opencode",
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
    name="Aider",
    binaries=("aider",),
    folders=(Place(path="~/.aider"),),  # 0.86.2
)
_WINDSURF: Final = AgentSpec(
    id="windsurf",
    name="Windsurf",
    binaries=("windsurf",),
    folders=(Place(path="~/.codeium/windsurf"), Place(path="~/.windsurf")),
    other_folders=(Place(path="~/.codeium"),),
)

UNSUPPORTED: Final = (_GEMINI, _OPENCODE, _AIDER, _WINDSURF)
"""In the order shown to people."""
