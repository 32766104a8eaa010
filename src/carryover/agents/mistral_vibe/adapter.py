"""Defines AGENT: how Mistral Vibe's sessions are found, read and parsed."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

from carryover.adapter.contract import Agent, Source
from carryover.adapter.lazily import lazily
from carryover.agents.mistral_vibe.spec import SPEC
from carryover.agents.mistral_vibe.store import SessionReader
from carryover.families.states import Context
from carryover.readers.layouts import Layout, source_at, sources_below

_POINTER: Final = "CURRENT"
_PATTERN: Final = rf"unified/(?P<session>[A-Za-z0-9][A-Za-z0-9._-]*)/{_POINTER}"
_LAYOUTS: Final = (Layout(globs=(f"unified/*/{_POINTER}",), pattern=_PATTERN),)


def source_of(path: Path, root: Path) -> Source | None:
    """Returns the source at `path`, by name alone. A change of a session's journal counts as a change of it."""
    is_journal = path.parent.name == "journal" and path.suffix == ".jsonl"
    return source_at(SPEC.id, _LAYOUTS, path.parent.parent / _POINTER if is_journal else path, root)


AGENT: Final = Agent(
    spec=SPEC,
    reader=SessionReader(),
    context_type=Context,
    source_of=source_of,
    sources=partial(sources_below, SPEC.id, _LAYOUTS),
    parse=lazily("carryover.agents.mistral_vibe.parse", "parse_record"),
)
