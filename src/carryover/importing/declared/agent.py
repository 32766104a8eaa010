"""Makes an agent of a declared source, which is then watched, read and stored like any other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, partial
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from carryover.adapter.contract import Agent
from carryover.adapter.spec import AgentSpec, Place
from carryover.agents import adapters
from carryover.declared_source import DeclaredSource, folder_of
from carryover.readers.jsonl import JsonlReader
from carryover.readers.layouts import Layout, source_at, sources_below

if TYPE_CHECKING:
    from carryover.adapter.contract import Reader


def all_agents(sources: tuple[DeclaredSource, ...]) -> Mapping[str, Agent]:
    """Returns the agents that Carryover knows and those of declared sources, by id."""
    return with_declared(adapters(), sources)


def with_declared(agents: Mapping[str, Agent], sources: tuple[DeclaredSource, ...]) -> Mapping[str, Agent]:
    """Returns `agents` and those of declared sources, by id."""
    return {**agents, **_declared(sources)} if sources else agents


@cache
def _declared(sources: tuple[DeclaredSource, ...]) -> Mapping[str, Agent]:
    return {source.agent: agent_of(source) for source in sources}


def agent_of(source: DeclaredSource) -> Agent:
    """Returns the agent that reads a declared source."""
    from carryover.importing.declared.parse import Context, Parser  # most users declare nothing

    layouts = tuple(map(_layout, source.files))
    places = tuple(Place(path=folder) for folder in dict.fromkeys(map(folder_of, source.files)))
    return Agent(
        spec=AgentSpec(id=source.agent, name=source.agent, binaries=(), folders=places, transcripts=places),
        reader=_reader(source),
        context_type=Context,
        source_of=partial(source_at, source.agent, layouts),
        sources=partial(sources_below, source.agent, layouts),
        parse=Parser(source).parse,
    )


def _reader(source: DeclaredSource) -> Reader:
    if source.format == "jsonl":
        return JsonlReader()
    from carryover.importing.declared.document import reader_of_documents

    return reader_of_documents(source.messages)


def _layout(pattern: str) -> Layout:
    """Returns where the files of a pattern are. The last part with a wildcard is the session's id."""
    folder = PurePosixPath(folder_of(pattern))
    below = PurePosixPath(pattern).relative_to(folder)
    last = max((at for at, part in enumerate(below.parts) if "*" in part), default=len(below.parts) - 1)
    parts = [_expression(part, names_session=at == last) for at, part in enumerate(below.parts)]
    return Layout(root=folder.name, globs=(str(below),), pattern="/".join(parts))


def _expression(part: str, *, names_session: bool) -> str:
    stem, dot, suffix = part.rpartition(".") if not part.startswith(".") else (part, "", "")
    if not stem:
        stem, dot, suffix = part, "", ""
    name = _plain(stem)
    return f"(?P<session>{name}){re.escape(dot)}{_plain(suffix)}" if names_session else _plain(part)


def _plain(text: str) -> str:
    return re.escape(text).replace(r"\*", "[^/]*")
