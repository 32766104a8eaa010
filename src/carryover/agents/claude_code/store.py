"""Where transcripts are as Claude Code keeps them: `<root>/<start folder>/.../<session>.jsonl`, sub-agents by name.

The name of the start folder is not reversible, so it groups files and never names a project.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from carryover.adapter.contract import Source

GROUP: Final = r"(?P<group>[^/]+)"
SESSION: Final = r"(?P<session>(?i:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}))"
SUBAGENT: Final = r"agent-(?P<subagent_id>[\w-]+)\.jsonl"
"""Parts of the patterns of layouts (`transcript.layouts`)."""


def copied(agent: str, path: Path, source_of: Callable[[Path, Path], Source | None], roots: Iterable[Path]) -> Source:
    """Returns the source for a transcript anywhere on disk, which its records have shown to be one.

    Session and sub-agent come from its path if that keeps the layout below one of `roots`, else from the records.
    """
    kept = (source_of(path, root) for root in roots)
    return next((source for source in kept if source is not None), Source(agent=agent, path=str(path)))
