"""Each row of this folder runs once with each version of Claude Code."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from real_agents.claude_code import client
from real_agents.claude_code.client import ClaudeBox
from real_agents.lab import npm, product
from real_agents.lab.box import Box
from real_agents.lab.rows import Row


@pytest.fixture(params=client.CHOSEN)
def claude(request: pytest.FixtureRequest, row: Row) -> Iterator[ClaudeBox]:
    """A box with that version of Claude Code, the fake Messages API and a home of a user who has used it before."""
    version: str = request.param
    row.client(f"Claude Code {version}")
    try:
        found = client.get(version)
    except npm.NotInstalled as reason:
        pytest.skip(str(reason))
    environment = {**product.ENVIRONMENT, **client.ENVIRONMENT}
    with Box(npm.cache_dir() / "runs", [*product.SHOWN, *found.shown], environment) as box:
        yield ClaudeBox(box, found)
