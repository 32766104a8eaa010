"""Writes the copies of the handoff that agents load with each request (`AgentSpec.loads_from`).

A copy precedes the conversation: if it changes, the model's provider reads the whole conversation again and bills it.
So it is left unchanged while its agent is at work.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from carryover.adapter.spec import AgentSpec
from carryover.agents import specs
from carryover.config import Config
from carryover.distill.header import loaded
from carryover.fsio import is_there
from carryover.projects.handoff_file import CHOSEN, HANDOFF, PAGE, STORE, write_handoff
from carryover.publish.gitignore import own_ignore_file
from carryover.publish.make import MadeHandoff

CACHE_MS: Final = 5 * 60_000
"""After this long without work, the provider has nothing of a conversation in its cache any more."""


def write_loaded_files(made: MadeHandoff, config: Config) -> bool:
    """Writes the copies that agents load; returns whether one was left unchanged for now. Raises OSError."""
    if made.handoff is None or made.text is None:
        return False
    is_held = False
    for spec, name in _loaded():
        if config.selects(spec.id):
            file = Path(made.root) / STORE / name
            # The newest work is this agent's and may continue; a usage limit ends it.
            is_its = made.handoff.agent_id == spec.id and made.handoff.limit is None
            is_at_work = is_its and made.at_ms - made.handoff.updated_ms < CACHE_MS
            if is_at_work and is_there(file) and made.others_ms <= file.lstat().st_mtime_ns // 1_000_000:
                is_held = True
            else:
                write_handoff(file.parent, loaded(made.text), name)
    return is_held


def loaded_names() -> tuple[str, ...]:
    """Returns the names of the copies."""
    return tuple(name for _, name in _loaded())


def handoff_names() -> tuple[str, ...]:
    """Returns the names of all files in a project's store that hold a handoff or its second page."""
    return (HANDOFF, CHOSEN, PAGE, *loaded_names())


def own_files(store: Path) -> list[Path]:
    """Returns our files in a folder for handoffs, which need not be there, in the order in which they may go: the
    folder's own rule last, since until then it keeps the others out of a commit. None are behind a symlink that a
    checkout has put in the folder's place."""
    if store.is_symlink():
        return []
    own = own_ignore_file(store)
    cut_off = sorted(store.glob(".*.tmp"))
    return [*(store / name for name in handoff_names()), *cut_off, *([own] if own is not None else [])]


def _loaded() -> list[tuple[AgentSpec, str]]:
    return [(spec, Path(spec.loaded_file).name) for spec in specs() if spec.loads_from]
