"""Two homes for the whole table: with hooks, and with the hooks of all clients switched off."""

from collections.abc import Iterator

import pytest

from real_agents.handover import world
from real_agents.handover.world import World
from real_agents.lab.rows import missing


@pytest.fixture(scope="module")
def hooks_on() -> Iterator[World]:
    yield from _world(hooks=True)


@pytest.fixture(scope="module")
def hooks_off() -> Iterator[World]:
    yield from _world(hooks=False)


def _world(*, hooks: bool) -> Iterator[World]:
    if reason := missing():
        pytest.skip(reason)
    with world.made(hooks=hooks) as made:
        yield made
