"""What the product has recorded in a box, as its own commands tell it."""

import json
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from carryover.model import Body, StoredEvent
from real_agents.lab import product
from real_agents.lab.box import Box

B = TypeVar("B", bound=Body)


class Listed(msgspec.Struct, frozen=True):
    """A line of `carryover sessions --json`."""

    id: str
    agent: str
    agent_version: str | None
    model: str | None
    project: str | None


class _Shown(msgspec.Struct, frozen=True):
    events: tuple[StoredEvent, ...]


@dataclass(frozen=True, slots=True)
class Session:
    listed: Listed
    events: tuple[StoredEvent, ...]

    def all(self, kind: type[B], *, sidechains: bool = False) -> list[B]:
        chosen = [event.body for event in self.events if sidechains or event.subagent_id is None]
        return [body for body in chosen if isinstance(body, kind)]


def sessions(box: Box) -> list[Session]:
    listed = msgspec.json.decode(product.carryover(box, "sessions", "--all", "--json"), type=list[Listed])
    shown = [product.carryover(box, "show", each.id, "--json") for each in listed]
    return [
        Session(each, msgspec.json.decode(text, type=_Shown).events) for each, text in zip(listed, shown, strict=True)
    ]


def not_understood(box: Box) -> int:
    """How many records were skipped because they were not understood."""
    return sum(row["n"] for row in json.loads(product.carryover(box, "status", "--json"))["ledger"]["skipped"])
