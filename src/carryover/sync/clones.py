"""Recognises other machines' projects that are clones of one here. Until the user joins them (`carryover link`), no
handoff contains any of them."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import msgspec

from carryover.decoders import decoder_of
from carryover.facts import is_foreign
from carryover.ledger.rows import Whereabouts
from carryover.projects.moved_folders import identity_of
from carryover.sync.payload import ProjectState


def same_projects(root: str, known: Iterable[Whereabouts]) -> list[Whereabouts]:
    """Returns other machines' projects that begin with the same commit as the repository at `root` and are not joined
    yet. Blocking."""
    waiting: list[tuple[Whereabouts, str | None]] = []
    for row in known:
        if is_foreign(row.root) and row.moved_to is None and row.identity is not None:
            with suppress(msgspec.MsgspecError, UnicodeError):
                waiting.append((row, decoder_of(ProjectState).decode(row.identity).first_commit))
    here = identity_of(Path(root)) if waiting else None
    return [row for row, first_commit in waiting if here is not None and here.first_commit == first_commit]
