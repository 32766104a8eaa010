"""What Copilot's folder claims."""

from __future__ import annotations

from contract.capabilities import Capabilities

CAPABILITIES = Capabilities(
    reads="sessions of the terminal client; chats of VS Code",
    shows=frozenset({"limit", "compaction", "plan", "sub-agents"}),
)
