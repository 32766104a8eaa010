"""Each row of this folder runs with the latest Gemini CLI, or with other versions where it says so.

CARRYOVER_GEMINI_CLI   versions of Gemini CLI to run, separated by blanks
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from real_agents.gemini_cli import client
from real_agents.gemini_cli.client import Client, GeminiBox
from real_agents.lab import npm
from real_agents.lab.rows import Row


@pytest.fixture
def installed(request: pytest.FixtureRequest, row: Row) -> Client:
    """That version of Gemini CLI."""
    version: str = getattr(request, "param", client.LATEST)
    row.client(f"Gemini CLI {version}")
    try:
        return client.get(version)
    except npm.NotInstalled as reason:
        pytest.skip(str(reason))


@pytest.fixture(params=client.NEWEST)
def gemini(request: pytest.FixtureRequest, row: Row) -> Iterator[GeminiBox]:
    """A box with that version of Gemini CLI, the fake Gemini API and a home of a user who has used it before."""
    version: str = request.param
    row.client(f"Gemini CLI {version}")
    try:
        found = client.get(version)
    except npm.NotInstalled as reason:
        pytest.skip(str(reason))
    with client.boxed(found) as box:
        yield box
