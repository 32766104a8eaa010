"""Keeps what another package's agent raises from everything but its own sources, and remembers it for `status`."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from functools import partial
from typing import Any, Final, TypeVar

import msgspec

from carryover.adapter.contract import Agent, Parsed, ProjectReader, Reader, Record, Source
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
    safe = partial(_safe, agent.id)

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
    """A reader that raises nothing but OSErrors; it reads projects if the one that it guards does."""

    def __init__(self, agent_id: str, reader: Reader) -> None:
        self._id, self._reader = agent_id, reader
        # Functions are looked up only inside the guard: what an agent has as its reader may not be one.
        self.read = _safe(agent_id, lambda path, cursor: reader.read(path, cursor), _unreadable, OSError)
        self.stat = _safe(agent_id, lambda path: reader.stat(path), _unreadable, OSError)
        if isinstance(reader, ProjectReader):
            self.last_input = _safe(agent_id, lambda path: reader.last_input(path), _unreadable, OSError)
            self.source_of = _safe(agent_id, lambda path, root: reader.source_of(path, root), None)
            self.sources = _safe(agent_id, lambda root: reader.sources(root), lambda _: [])

    def of_copies(self) -> Reader:
        return _Reader(self._id, reader_of_copies(self._reader))


def _safe(agent_id: str, function: Callable[..., _T], otherwise: Any, *passed: type[Exception]) -> Callable[..., _T]:
    """Returns the function, changed so that it raises only the exceptions in `passed`. After any other one it returns
    `otherwise`, or what `otherwise` returns if that is a function."""

    def call(*given: Any) -> _T:
        try:
            return function(*given)
        except passed:
            raise
        except FAULTS as error:
            raised[agent_id] = f"its code raises {type(error).__name__}"
            return otherwise(*given) if callable(otherwise) else otherwise  # type: ignore[no-any-return]

    return call


def _unreadable(*_given: Any) -> None:
    raise OSError("the agent's package failed")
