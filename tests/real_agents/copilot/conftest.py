"""Each row of this folder runs with the latest Copilot CLI, or with other versions where it says so.

CARRYOVER_COPILOT   versions of Copilot CLI to run, separated by blanks
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from real_agents.copilot import client
from real_agents.copilot.client import CopilotBox
from real_agents.lab import npm
from real_agents.lab.rows import Row


@pytest.fixture(params=client.NEWEST)
def copilot(request: pytest.FixtureRequest, row: Row) -> Iterator[CopilotBox]:
    """A box with that version of Copilot CLI, the fake API and an empty home."""
    version: str = request.param
    row.client(f"Copilot CLI {version}")
    try:
        found = client.get(version)
    except npm.NotInstalled as reason:
        pytest.skip(str(reason))
    with client.boxed(found) as box:
        yield box
