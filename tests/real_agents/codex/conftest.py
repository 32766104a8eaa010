"""Each row of this folder runs with the latest Codex CLI, or with other versions where it says so.

CARRYOVER_CODEX   versions of Codex CLI to run, separated by blanks
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from real_agents.codex import client
from real_agents.codex.client import CodexBox
from real_agents.lab import npm
from real_agents.lab.rows import Row


@pytest.fixture(params=client.NEWEST)
def codex(request: pytest.FixtureRequest, row: Row) -> Iterator[CodexBox]:
    """A box with that version of Codex CLI, the fake Responses API and a home of a user who has used it before."""
    version: str = request.param
    row.client(f"Codex CLI {version}")
    try:
        found = client.get(version)
    except npm.NotInstalled as reason:
        pytest.skip(str(reason))
    with client.boxed(found) as box:
        yield box
