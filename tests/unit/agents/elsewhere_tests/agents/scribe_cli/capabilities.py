"""What Scribe's folder claims."""

from __future__ import annotations

from contract.capabilities import Capabilities

CAPABILITIES = Capabilities(
    reads="talks", shows=frozenset({"limit", "resume"}), synthetic="written for tests, as there is no Scribe"
)
