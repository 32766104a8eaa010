"""What Windsurf's folder claims."""

from __future__ import annotations

from contract.capabilities import Capabilities

CAPABILITIES = Capabilities(
    reads="what Cascade hands to its hooks from `carryover install` on, and its transcripts",
    shows=frozenset(),
    synthetic="synthetic payloads, as Windsurf needs an account to run",
)
