"""What Claude Code's folder claims."""

from __future__ import annotations

from contract.capabilities import Capabilities

CAPABILITIES = Capabilities(
    reads="transcripts, of sub-agents too",
    shows=frozenset({"limit", "compaction", "plan", "sub-agents", "resume", "fork"}),
)
