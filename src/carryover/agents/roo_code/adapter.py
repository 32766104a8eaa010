"""Defines AGENT: how Roo Code's tasks are found, read and parsed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path, PurePath
from typing import Final

from carryover.adapter.contract import Agent, Reader, Source
from carryover.adapter.lazily import lazily
from carryover.agents.roo_code.spec import SPEC
from carryover.families.vscode_tasks import layout
from carryover.families.vscode_tasks.builder import Context
from carryover.readers.by_kind import ReaderByKind
from carryover.readers.layouts import source_at, sources_below

_FIRST: Final = re.compile(rb'\s*\[\s*\{\s*"ts"\s*:\s*\d+\s*,\s*"type"\s*:\s*"say"\s*,\s*"say"\s*:\s*"text"')
"""The beginning of a task, whose first message is a text like any other."""


def source_of(path: Path, root: Path) -> Source | None:
    """Returns the task at `path` below `root`, recognised by name alone."""
    return source_at(SPEC.id, (layout.TASKS,), layout.shown_beside(path, "history_item.json"), root)


def exported(path: Path, head: bytes) -> Source | None:
    """Returns the task in a file anywhere on disk, recognised by how it begins."""
    return Source(agent=SPEC.id, path=str(path)) if path.name == layout.SHOWN and _FIRST.match(head) else None


def _readers() -> Mapping[str, Reader]:
    from carryover.families.vscode_tasks.items import about_item
    from carryover.families.vscode_tasks.tasks import TaskReader

    return {layout.TASK: TaskReader(about_item)}


def _kind_of(path: PurePath) -> str:  # noqa: ARG001
    return layout.TASK


AGENT: Final = Agent(
    spec=SPEC,
    reader=ReaderByKind(_kind_of, _readers),
    context_type=Context,
    source_of=source_of,
    sources=partial(sources_below, SPEC.id, (layout.TASKS,)),
    parse=lazily("carryover.families.vscode_tasks.parse", "parse_record"),
    exported=exported,
)
