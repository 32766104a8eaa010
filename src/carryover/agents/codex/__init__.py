"""Codex CLI: transcripts under `~/.codex/sessions`. Format facts: FACTS.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from carryover.adapter.contract import Folded, HookForm, Reader, Record, Source
from carryover.adapter.spec import AgentSpec
from carryover.agents.codex import transcripts
from carryover.agents.codex.context import Context
from carryover.agents.codex.hooks import CodexHooks
from carryover.agents.codex.spec import SPEC
from carryover.readers.jsonl import JsonlReader


@dataclass(frozen=True, slots=True)
class Codex:
    """The Codex adapter (see `carryover.adapter.contract.Agent`)."""

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
        from carryover.agents.codex import normalise  # `status` asks for the roots only, at a quarter of the cost

        return normalise.fold(source, context, record)


AGENT: Final = Codex(id=transcripts.AGENT_ID, spec=SPEC, reader=JsonlReader(), hooks=CodexHooks(), context_type=Context)
