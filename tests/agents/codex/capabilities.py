"""What Codex's folder claims."""

from __future__ import annotations

from contract.capabilities import Capabilities

CAPABILITIES = Capabilities(
    reads="rollouts, archived ones too",
    shows=frozenset({"limit", "compaction", "plan", "sub-agents", "resume", "fork"}),
)
