"""The JSON of the page's own routes; what is known of the past is answered with the types of `carryover.past.types`."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """What the page needs to begin."""

    agents: Mapping[str, str]
    """Display names, by id."""
    now_ms: int
    home: str
