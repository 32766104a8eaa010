"""The script in an agent's settings, without a daemon: whatever is on its stdin, it says nothing but what the program
that answers then prints, and that as a whole.

It ends with 0, writes nothing to stderr, and leaves files in the state folder alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

from carryover.adapter.contract import HookProtocol
from carryover.agents import adapters
from contract.folder import folders
from fuzz.bytes import chosen
from support.hook_script import HookScript, installed, payload, stand_in

LARGEST: Final = 3_000
ANSWER: Final = "# [CARRYOVER] of the ledger\n"


@cache
def _events() -> tuple[tuple[str, str], ...]:
    return tuple((agent_id, event) for agent_id in _protocols() for event in adapters()[agent_id].spec.hooks.events)


@cache
def _protocols() -> dict[str, HookProtocol]:
    return {agent.id: agent.hooks for _, agent in sorted(adapters().items()) if agent.hooks is not None}


@cache
def _script(folder: Path) -> HookScript:
    state, shop = installed(folder / "state"), folder / "shop"
    shop.mkdir()
    stand_in(state, f"cat >/dev/null\nprintf '%s\\n' '{ANSWER.strip()}'")
    return HookScript(state, folder)


def check(data: bytes, folder: Path) -> None:
    script = _script(folder)
    (agent, event), given = chosen(data, _events())
    script.agent = agent
    shop = folder / "shop"
    said, error, code = script.said(event, given, shop)
    assert (error, code) == ("", 0)
    assert said in ("", ANSWER)
    assert list(shop.iterdir()) == []
    assert {each.name for each in folder.iterdir()} <= {"state", "shop", ".cache", "it's a stand-in"}


def seeds() -> Iterable[bytes]:
    numbers = {event: number for number, event in enumerate(_events())}
    for source in ("startup", "resume", "clear", "compact"):
        yield bytes([numbers["claude-code", "SessionStart"]]) + payload(source)
    for folder in folders():
        for case in folder.cases.values():
            for recorded in case.payloads:
                number = numbers.get((folder.id, recorded.event))
                if number is not None and len(recorded.data) < LARGEST:
                    yield bytes([number]) + recorded.data
