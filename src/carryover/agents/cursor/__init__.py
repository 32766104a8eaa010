"""Cursor: the editor's databases, the terminal client's chats, and the transcripts of both. Format facts: FACTS.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from carryover.adapter.contract import Folded, HookForm, Reader, Record, Source
from carryover.adapter.spec import AgentSpec
from carryover.agents.cursor import transcripts
from carryover.agents.cursor.context import Context
from carryover.agents.cursor.hooks import CursorHooks
from carryover.agents.cursor.spec import SPEC


@dataclass(frozen=True, slots=True)
class Cursor:
    """The Cursor adapter (see `carryover.adapter.contract.Agent`)."""

    id: str
    spec: AgentSpec
    reader: Reader
    hooks: HookForm
    context_type: type[Context]

    def roots(self, home: Path, env: Mapping[str, str]) -> tuple[Path, ...]:
        return transcripts.roots(home, env)

    def source_of(self, path: Path, root: Path) -> Source | None:
        return transcripts.source_of(path, root)

    def sources(self, root: Path) -> list[Source]:
        return transcripts.sources(root)

    def fold(self, source: Source, context: Context, record: Record) -> tuple[Context, Folded]:
        from carryover.agents.cursor import normalise  # `status` asks for the roots only, at a quarter of the cost

        return normalise.fold(source, context, record)


AGENT: Final = Cursor(
    id=transcripts.AGENT_ID,
    spec=SPEC,
    reader=transcripts.CursorReader(),
    hooks=CursorHooks(),
    context_type=Context,
)
