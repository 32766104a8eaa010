"""An agent's sources, recognised by their location alone, from a table with one row per kind of source."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Final

import msgspec

_LOGS: Final = ("db-wal", "db-journal", "sqlite-wal", "sqlite-journal")
"""How the names of a database's logs end."""


class Source(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something that can be read: a transcript file, or a database."""

    agent: str
    path: str
    """Absolute path."""
    session: str | None = None
    """Session id, if the path has it."""
    subagent_id: str | None = None
    group: str = ""
    """Sources of one project are likely to share it. Only used to order the first read, never to name a project."""
    rank: int = 0
    """How completely this kind of source reports its sessions. If several report one session, only the best that has
    reported anything counts: what lesser ones report is dropped, and what they reported before is superseded."""
    forgotten_too: bool = False
    """Whether events that the user has forgotten are stored again. Only for a document that the user names."""

    @property
    def own_session(self) -> str:
        """The session, or the name of the file if it is a copy whose path names no session."""
        return self.session or PurePath(self.path).stem


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """Where the sources of one kind are."""

    kind: str = ""
    root: str = ""
    """Name of the root, or the last parts of its path; empty: any."""
    globs: tuple[str, ...]
    """What to look for below the root."""
    pattern: str
    """Regular expression for a source's path below the root; its groups may be `session`, `subagent_id` and `group`."""
    rank: int = 0
    beside: str = ""
    """Regular expression for paths of which a change counts as one of the source at `stands_for`, as `re.Match.expand`
    takes it."""
    stands_for: str = ""


def kind_of(layouts: Sequence[Layout], path: str | PurePath) -> str | None:
    """Returns the kind of the source at `path`, by the end of its path; None if it is not a source."""
    found = (each.kind for each in layouts if re.search(rf"/{each.root}/{each.pattern}\Z", str(path)))
    return next(found, None)


def source_at(agent: str, layouts: Sequence[Layout], path: Path, root: Path) -> Source | None:
    """Returns the source at `path` below `root`, or the one that a change there counts for; None if there is none.

    The log of a database counts as the database, and `root` may be the one source itself.
    """
    if path.name.endswith(_LOGS):
        path = path.with_name(path.name.rpartition("-")[0])
    root = root.parent if path == root else root
    if not path.is_relative_to(root):
        return None
    below = str(path.relative_to(root))
    besides = ((re.fullmatch(layout.beside, below), layout) for layout in layouts if layout.beside)
    below = next((found.expand(layout.stands_for) for found, layout in besides if found is not None), below)
    return source_below(agent, layouts, root, str(root / below), below)


def is_root(layout: Layout, root: Path) -> bool:
    """Whether a layout is one of sources below this root."""
    return not layout.root or f"/{root}".endswith(f"/{layout.root}")


def source_below(agent: str, layouts: Sequence[Layout], root: Path, path: str, below: str) -> Source | None:
    """Returns the source at `path`, which is `below` the root; None if it is something else."""
    for layout in layouts:
        if is_root(layout, root) and (found := re.fullmatch(layout.pattern, below)):
            named = {name: text for name, text in found.groupdict().items() if text is not None}
            return Source(agent=agent, path=path, rank=layout.rank, **named)  # type: ignore[arg-type]
    return None
