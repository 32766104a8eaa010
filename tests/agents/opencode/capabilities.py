"""What opencode's folder claims."""

from __future__ import annotations

from contract.capabilities import Capabilities

CAPABILITIES = Capabilities(
    reads="the database, the files of versions before 1.2, exported sessions",
    shows=frozenset({"compaction", "fork", "limit", "plan", "sub-agents"}),
    arrives="an entry in its settings, read at each request, and the pointer in `AGENTS.md`",
)
