"""What the product has recorded in a box, as its own commands tell it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import msgspec

from carryover.ledger.queries import StoredEvent
from carryover.model import Body
from real_agents.lab import product
from real_agents.lab.box import Box

B = TypeVar("B", bound=Body)


class Listed(msgspec.Struct, frozen=True):
    id: str
    agent: str
    agent_version: str | None
    model: str | None
    project: str | None
    branch: str | None
    task: str | None
    prompts: int


@dataclass(frozen=True, slots=True)
class Session:
    listed: Listed
    events: tuple[StoredEvent, ...]

    def all(self, kind: type[B], *, sidechains: bool = False) -> list[B]:
        chosen = [event.body for event in self.events if sidechains or event.subagent_id is None]
        return [body for body in chosen if isinstance(body, kind)]


class _Shown(msgspec.Struct, frozen=True):
    events: tuple[StoredEvent, ...]


def sessions(box: Box) -> list[Session]:
    listed = msgspec.json.decode(product.carryover(box, "sessions", "--all", "--json"), type=list[Listed])
    return [Session(session, _events(box, session.id)) for session in listed]


def _events(box: Box, session: str) -> tuple[StoredEvent, ...]:
    return msgspec.json.decode(product.carryover(box, "show", session, "--json"), type=_Shown).events


def not_understood(box: Box) -> int:
    return sum(row.n for row in _status(box).ledger.skipped)


class _Skipped(msgspec.Struct, frozen=True):
    n: int


class _Ledger(msgspec.Struct, frozen=True):
    skipped: tuple[_Skipped, ...]


class _Status(msgspec.Struct, frozen=True):
    ledger: _Ledger


def _status(box: Box) -> _Status:
    return msgspec.json.decode(product.carryover(box, "status", "--json"), type=_Status)
