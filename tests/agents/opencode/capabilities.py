"""What opencode's folder claims."""

from __future__ import annotations

from contract.capabilities import Capabilities

CAPABILITIES = Capabilities(
    reads="the database, the files of versions before 1.2, exported sessions",
    shows=frozenset({"limit", "compaction", "plan", "sub-agents", "fork"}),
    arrives="an entry in its settings, read at each request; the pointer",
)
