"""Writes the copies of the handoff that agents load with each request (`AgentSpec.loads_from`).

A copy precedes the conversation: if it changes, the model's provider reads the whole conversation again and bills it.
So it is left unchanged while its agent is at work, until another session works or begins, be it with "Hello".

Outside of git, the agent also loads the copies in all folders above (opencode 1.18.34). So a folder without git that
holds projects, however far down, has none.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from carryover.config import Config
from carryover.distill.header import loaded
from carryover.fsio import is_folder, is_there
from carryover.paths import STORE
from carryover.probe.checkout import Checkout
from carryover.probe.looks import look_at_each
from carryover.projects.handoff_file import write_handoff
from carryover.publish.make import MadeHandoff
from carryover.publish.store import holds_folders_with, is_taken, loaded_copies

CACHE_MS: Final = 5 * 60_000
"""After this long without work, the provider has nothing of a conversation in its cache any more."""


def write_loaded_files(made: MadeHandoff, config: Config) -> bool:
    """Writes the copies that agents load; returns whether one was left unchanged for now. Raises OSError."""
    if made.handoff is None or made.text is None:
        return False
    root, is_held = Path(made.root), False
    named = ((spec.id, root / STORE / name) for spec, name in loaded_copies() if config.selects(spec.id))
    copies = [(agent, file) for agent, file in named if not is_taken(file)]
    if copies and Checkout(root).git_dir is None and _holds_projects(root, made.below):
        for _, file in copies:
            file.unlink(missing_ok=True)
        return False
    for agent, file in copies:
        # The newest work is this agent's and may continue; a usage limit ends it.
        is_its = made.handoff.agent_id == agent and made.handoff.limit is None
        is_at_work = is_its and made.at_ms - made.handoff.updated_ms < CACHE_MS
        if is_at_work and is_there(file) and made.others_ms <= file.lstat().st_mtime_ns // 1_000_000:
            is_held = True
        else:
            write_handoff(file.parent, loaded(made.text), file.name)
    return is_held


def _holds_projects(root: Path, known: Iterable[str]) -> bool:
    """Whether repositories or projects are directly in the folder, or projects that are `known` anywhere below it."""
    if holds_folders_with(root, ".git", STORE):
        return True
    return any(there for _, there in look_at_each(map(Path, known), is_folder))
