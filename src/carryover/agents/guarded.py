"""Keeps what another package's agent raises from everything but its own sources, and remembers it for `status`."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from carryover.adapter.contract import Agent, Batch, FileStat, Parsed, ProjectReader, Reader, Record, Source
from carryover.adapter.layouts import Layout
from carryover.decoders import decoder_of
from carryover.records import rawjson
from carryover.transcript.by_kind import reader_of_copies

_T = TypeVar("_T")

FAULTS: Final = (Exception, SystemExit)
"""What another package may raise: code that was written as a program ends it where it can't go on."""
raised: Final[dict[str, str]] = {}
"""What agents raised since the process began, by their ids."""


def guarded(agent: Agent) -> Agent:
    """Returns an agent whose functions raise nothing but the OSErrors of its reader."""

    def safe(function: Callable[..., _T], otherwise: Any) -> Callable[..., _T]:
        def call(*given: Any) -> _T:
            try:
                return function(*given)
            except FAULTS as error:
                _remember(agent.id, error)
                return otherwise(*given) if callable(otherwise) else otherwise  # type: ignore[no-any-return]

        return call

    def unread(_source: Source, context: Any, _record: Record) -> tuple[Any, Parsed]:
        return context, Parsed(skipped=(rawjson.skipped(None, "the agent's package failed", None),))

    def parsed(source: Source, context: Any, record: Record) -> tuple[Any, Parsed]:
        context, result = agent.parse(source, context, record)
        return context, decoder_of(Parsed).decode(msgspec.json.encode(result))  # raises what could not be stored

    hooks = agent.hooks
    if hooks is not None:
        failed = rawjson.skipped("hook", "the agent's package failed", None)
        read, answer = safe(hooks.read, failed), safe(hooks.answer, b"")
        hooks = dataclasses.replace(hooks, read=read, answer=answer, layout_root=safe(hooks.layout_root, None))
    return dataclasses.replace(
        agent,
        reader=_Reader(agent.id, agent.reader),
        layouts=safe(_checked, ())(agent.layouts),
        parse=safe(parsed, unread),
        hooks=hooks,
        exported=safe(agent.exported, None) if agent.exported is not None else None,
    )


def _checked(layouts: tuple[Layout, ...]) -> tuple[Layout, ...]:
    """Returns layouts by which no source is looked for in vain. Raises what is wrong with others."""
    found = decoder_of(tuple[Layout, ...]).decode(msgspec.json.encode(layouts))
    for layout in found:
        re.sub(layout.beside, layout.stands_for, "")
        if others := re.compile(layout.pattern).groupindex.keys() - {"session", "subagent_id", "group"}:
            raise ValueError(f"no groups of a layout: {others}")
    return found


class _Reader:
    def __init__(self, agent_id: str, reader: Reader) -> None:
        self._id, self._reader = agent_id, reader
        if isinstance(reader, ProjectReader):  # as is then this one, by what it has
            self.last_input = lambda path: self._or_os_error(lambda: reader.last_input(path))
            self.source_of = lambda path, root: self._or(None, lambda: reader.source_of(path, root))
            self.sources = partial(self._sources, reader)

    def read(self, path: Path, cursor: bytes | None) -> Batch:
        return self._or_os_error(lambda: self._reader.read(path, cursor))

    def stat(self, path: Path) -> FileStat:
        return self._or_os_error(lambda: self._reader.stat(path))

    def of_copies(self) -> Reader:
        return _Reader(self._id, reader_of_copies(self._reader))

    def _sources(self, reader: ProjectReader, root: Path) -> list[Source]:
        return self._or([], lambda: reader.sources(root))

    def _or(self, otherwise: _T, function: Callable[[], _T]) -> _T:
        try:
            return function()
        except FAULTS as error:
            _remember(self._id, error)
            return otherwise

    def _or_os_error(self, function: Callable[[], _T]) -> _T:
        try:
            return function()
        except OSError:
            raise
        except FAULTS as error:
            _remember(self._id, error)
            raise OSError("the agent's package failed") from error


def _remember(agent_id: str, error: BaseException) -> None:
    raised[agent_id] = f"its code raises {type(error).__name__}"
