"""A hook's payload for any agent and event: read or skipped with a reason. The paths of an accepted call are absolute,
without `..`."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

from carryover.adapter.contract import Agent, HookEvent
from carryover.agents import adapters
from carryover.daemon.hooks.call import Refused, check_call
from carryover.facts import ProjectRoot
from carryover.model import Skipped
from carryover.projects.root import find_root
from contract.folder import folders
from fuzz.bytes import chosen

LARGEST: Final = 4_000
NOW_MS: Final = 1_800_000_000_000


@cache
def _events() -> tuple[tuple[Agent, str], ...]:
    hooked = [agent for _, agent in sorted(adapters().items()) if agent.hooks is not None]
    return tuple((agent, event) for agent in hooked if agent.hooks for event in (*agent.spec.hooks.events, "unknown"))


def check(data: bytes, folder: Path) -> None:
    (agent, event), payload = chosen(data, _events())
    assert agent.hooks is not None
    read = agent.hooks.read(event, payload)
    assert read == agent.hooks.read(event, payload)
    if isinstance(read, Skipped):
        assert read.reason
        return
    roots = (folder / "transcripts",)
    _check_paths(agent, read, roots, folder)


def _check_paths(agent: Agent, read: HookEvent, roots: tuple[Path, ...], home: Path) -> None:
    def root_of(cwd: str) -> ProjectRoot:
        return find_root(cwd, home=home, agents_own=frozenset)

    try:
        call = check_call(agent, read, roots, root_of=root_of)
    except Refused as error:
        assert str(error)
        return
    if call.transcript is not None:
        path = Path(call.transcript.path)
        assert path.is_absolute() and ".." not in path.parts
    assert call.project is None or Path(call.project.root).is_absolute()


def seeds() -> Iterable[bytes]:
    numbers = {(agent.id, event): number for number, (agent, event) in enumerate(_events())}
    for folder in folders():
        for case in folder.cases.values():
            for payload in (*case.payloads, *case.foreign):
                number = numbers.get((folder.id, payload.event))
                if number is not None and len(payload.data) < LARGEST:
                    yield bytes([number]) + payload.data
