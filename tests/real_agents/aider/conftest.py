"""Each row of this folder runs with the latest Aider, or with other versions where it says so.

CARRYOVER_AIDER   versions of Aider to run, separated by blanks
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from real_agents.aider import client
from real_agents.aider.client import AiderBox
from real_agents.lab.npm import NotInstalled
from real_agents.lab.rows import Row


@pytest.fixture(params=[client.LATEST])
def aider(request: pytest.FixtureRequest, row: Row) -> Iterator[AiderBox]:
    """A box with that version of Aider, the fake chat API and an empty home."""
    version: str = request.param
    row.client(f"Aider {version}")
    try:
        found = client.get(version)
    except NotInstalled as reason:
        pytest.skip(str(reason))
    with client.boxed(found) as box:
        yield box
