"""Kilo (Kilo Code CLI): a fork of opencode, with whose family it shares the database."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from carryover.adapter.contract import Agent, Source
from carryover.agents.kilo import SPEC
from carryover.agents.opencode.adapter import parse_record
from carryover.agents.opencode.database import DATABASES, database_reader, tables_of_copy
from carryover.transcript.stored import StoredContext

_OWN_TABLE: Final = "kilo_board"
"""What its relatives' databases do not have (7.7.9); nor had its own before (7.0.46)."""
_OWN_NAME: Final = "kilo"
"""How the name of its databases begins."""


def _exported(path: Path, head: bytes) -> Source | None:
    tables = tables_of_copy(path, head)
    is_own = _OWN_TABLE in tables or (bool(tables) and path.name.startswith(_OWN_NAME))
    return Source(agent=SPEC.id, path=str(path)) if is_own else None


AGENT: Final = Agent(
    spec=SPEC,
    reader=database_reader(),
    context_type=StoredContext,
    layouts=(DATABASES,),
    parse=parse_record,
    exported=_exported,
)
