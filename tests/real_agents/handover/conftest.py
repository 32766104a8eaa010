"""Two homes for the whole table: with hooks, and with the hooks of both clients switched off."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from real_agents.claude_code import client as claude_client
from real_agents.codex import client as codex_client
from real_agents.handover import world
from real_agents.handover.world import World
from real_agents.lab import npm, prerequisites


@pytest.fixture(scope="module")
def hooks_on() -> Iterator[World]:
    yield from _world(hooks=True)


@pytest.fixture(scope="module")
def hooks_off() -> Iterator[World]:
    yield from _world(hooks=False)


def _world(*, hooks: bool) -> Iterator[World]:
    if reason := prerequisites.missing():
        pytest.skip(reason)
    for name, module in (("Claude Code", claude_client), ("Codex CLI", codex_client)):
        if module.LATEST not in module.CHOSEN:
            pytest.skip(f"{name} {module.LATEST} was not chosen")
    try:
        with world.made(hooks=hooks) as made:
            yield made
    except npm.NotInstalled as reason:
        pytest.skip(str(reason))
