"""What Windsurf's folder claims."""

from __future__ import annotations

from contract.capabilities import Capabilities

CAPABILITIES = Capabilities(
    reads="what Cascade hands to its hooks, kept in `~/.carryover/spool`, and its transcripts; only what happens after `carryover install`",
    shows=frozenset(),
    synthetic="synthetic payloads, as Windsurf needs an account to run",
)
