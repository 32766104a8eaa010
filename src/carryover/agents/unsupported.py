"""Agents that Carryover knows by name only: enough to find them, and to say that they are not supported yet.

An agent that gets a folder of its own is taken from there; its entry here is then dead and can go.
"""

from __future__ import annotations

from typing import Final

from carryover.adapter.spec import AgentSpec, Place

_COPILOT: Final = AgentSpec(
    id="copilot",
    name="Copilot",
    binaries=("copilot",),
    # The chat in VS Code keeps its data among the editor's own, which says nothing of whether the chat is used.
    folders=(Place(path="~/.copilot", env="COPILOT_HOME"),),  # 1.0.102
)
UNSUPPORTED: Final = (_COPILOT,)
"""In the order shown to people."""
