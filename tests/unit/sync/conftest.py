"""Machines without a store between them, and machines with one in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest

from support.machines import OneMachine, machines
from support.sync_world import MemoryMachine, Remote, everybody, joined, signing_quickly


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[Mapping[str, OneMachine]]:
    async with machines(tmp_path, "laptop", "desktop") as found:
        yield found


@pytest.fixture
def laptop(both: Mapping[str, OneMachine]) -> OneMachine:
    return both["laptop"]


@pytest.fixture
def desktop(both: Mapping[str, OneMachine]) -> OneMachine:
    return both["desktop"]


@pytest.fixture
def remote() -> Iterator[Remote]:
    """A store in memory, of which the machines sign quickly."""
    with signing_quickly():
        yield Remote()


@pytest.fixture
def first(remote: Remote) -> MemoryMachine:
    """The first machine of the store."""
    machine = MemoryMachine(remote, 1)
    machine.sync()
    return machine


@pytest.fixture
def second(remote: Remote, first: MemoryMachine) -> MemoryMachine:
    """Another one; both have what the first recorded."""
    machine = joined(remote, first, number=2)
    first.ledger.work("one", b"said here")
    everybody(first, machine)
    return machine


@pytest.fixture
def third(remote: Remote, first: MemoryMachine, second: MemoryMachine) -> MemoryMachine:
    machine = joined(remote, first, second, number=3)
    everybody(first, second, machine)
    return machine
