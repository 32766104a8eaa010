"""What Gemini CLI's folder claims."""

from __future__ import annotations

from contract.capabilities import Capabilities

CAPABILITIES = Capabilities(
    reads="chats in lines and as documents, of sub-agents too",
    shows=frozenset({"limit", "compaction", "plan", "sub-agents", "resume"}),
)
