"""Each row of this folder runs with the latest opencode, or with other versions where it says so.

CARRYOVER_OPENCODE   versions of opencode to run, separated by blanks
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from real_agents.lab import npm
from real_agents.lab.rows import Row
from real_agents.opencode import client
from real_agents.opencode.client import OpencodeBox


@pytest.fixture(params=client.NEWEST)
def opencode(request: pytest.FixtureRequest, row: Row) -> Iterator[OpencodeBox]:
    """A box with that version of opencode, the fake chat API and a home of a user who has used it before."""
    try:
        found = client.get(request.param)
    except npm.NotInstalled as reason:
        pytest.skip(str(reason))
    row.client(f"opencode {found.version}")
    with client.boxed(found) as box:
        yield box
