"""What Aider's folder claims."""

from __future__ import annotations

from contract.capabilities import Capabilities

CAPABILITIES = Capabilities(
    reads="`.aider.chat.history.md` in the project",
    shows=frozenset({"limit"}),
    arrives="`read` in the project's `.aider.conf.yml`, or `carryover to aider`",
)
