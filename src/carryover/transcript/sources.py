"""Lists an agent's sources, which `adapter/layouts.py` recognises."""

from __future__ import annotations

from glob import glob
from pathlib import Path

from carryover.adapter.contract import Agent, ProjectReader, Source
from carryover.adapter.layouts import is_root, source_below


def sources_of(agent: Agent, root: Path) -> list[Source]:
    """Returns every source of an agent below `root` that exists now, sorted by path."""
    if isinstance(agent.reader, ProjectReader):
        return agent.reader.sources(root)
    globs = (pattern for layout in agent.layouts if is_root(layout, root) for pattern in layout.globs)
    # No Path objects: for thousands of files they take several times as long.
    found = sorted(below for pattern in globs for below in glob(pattern, root_dir=root, include_hidden=True))  # noqa: PTH207
    if not found and root.is_file():
        root, found = root.parent, [root.name]
    each = (source_below(agent.id, agent.layouts, root, f"{root}/{below}", below) for below in found)
    return [source for source in each if source is not None]
