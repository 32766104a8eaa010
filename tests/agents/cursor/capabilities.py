"""What Cursor's folder claims."""

from __future__ import annotations

from contract.capabilities import Capabilities

CAPABILITIES = Capabilities(
    reads="the editor's database, the terminal client's chats, agent transcripts",
    shows=frozenset({"limit", "compaction", "plan", "sub-agents"}),
    synthetic="synthetic stores, as Cursor does not run offline",
)
