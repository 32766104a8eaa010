"""Defines AGENT: how Continue's sessions are found, read and parsed. Its hooks are never run (1.5.47)."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Final

from carryover.adapter.contract import Agent, Reader, Source
from carryover.adapter.lazily import lazily
from carryover.agents.continue_dev.context import Context
from carryover.agents.continue_dev.spec import SPEC
from carryover.readers.by_kind import ReaderByKind
from carryover.readers.layouts import Layout, source_at, sources_below

_UUID: Final = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_LAYOUTS: Final = (Layout(globs=("*.json",), pattern=rf"(?P<session>{_UUID})\.json"),)
_HEAD: Final = re.compile(rf'\s*\{{\s*"sessionId":\s*"({_UUID})"'.encode())
_FOLDER: Final = re.compile(rb'"workspaceDirectory":\s*"')
_HEAD_BYTES: Final = 8192


def _readers() -> dict[str, Reader]:
    from carryover.agents.continue_dev.reader import session_in
    from carryover.readers.rewritten import SnapshotReader

    return {"": SnapshotReader(session_in)}


def _kind_of(_path: Path) -> str:
    return ""


def _exported(path: Path, head: bytes) -> Source | None:
    """Returns the session in a file anywhere on disk, recognised by its beginning."""
    found = _HEAD.match(head)
    if found is None or _FOLDER.search(head, 0, _HEAD_BYTES) is None:
        return None
    return Source(agent=SPEC.id, path=str(path), session=found[1].decode())


AGENT: Final = Agent(
    spec=SPEC,
    reader=ReaderByKind(_kind_of, _readers),
    context_type=Context,
    source_of=partial(source_at, SPEC.id, _LAYOUTS),
    sources=partial(sources_below, SPEC.id, _LAYOUTS),
    parse=lazily("carryover.agents.continue_dev.parse", "parse_record"),
    exported=_exported,
)
