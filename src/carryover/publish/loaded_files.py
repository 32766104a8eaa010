"""Writes the handoff for agents that load a file of the project with each request (`AgentSpec.handoff_entry`).

Such a file precedes the conversation: if it changes, the model's provider reads the whole conversation again and bills
it. So it is left unchanged while its agent is at work, since that knows its own work, and updated when another session
has worked on the project. After `CACHE_MS` without work, nothing is cached any more. The file points to the handoff,
which a session that begins earlier has to read, since the end of a session is not reported.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from carryover.adapter.spec import AgentSpec
from carryover.agents import specs
from carryover.config import Config
from carryover.distill.header import loaded
from carryover.projects.handoff_file import CHOSEN, HANDOFF, STORE, write_handoff
from carryover.publish.make import Refreshed

CACHE_MS: Final = 5 * 60_000


def write_loaded_files(made: Refreshed, config: Config) -> bool:
    """Writes the files that these agents load; returns whether one was left unchanged for now. Raises OSError."""
    if made.handoff is None or made.text is None:
        return False
    is_held = False
    for spec, name in _loaded():
        if not config.selects(spec.id):
            continue
        file = Path(made.root) / STORE / name
        written_ms = _written_ms(file)
        if _is_at_work(made, spec) and written_ms is not None and made.others_ms <= written_ms:
            is_held = True
        else:
            write_handoff(file.parent, loaded(made.text), name)
    return is_held


def loaded_names() -> tuple[str, ...]:
    """Returns the names of these files."""
    return tuple(name for _, name in _loaded())


def handoff_names() -> tuple[str, ...]:
    """Returns the names of all files in a project's store that hold a handoff."""
    return (HANDOFF, CHOSEN, *loaded_names())


def _loaded() -> list[tuple[AgentSpec, str]]:
    return [(spec, Path(spec.handoff_entry.entry).name) for spec in specs() if spec.handoff_entry is not None]


def _is_at_work(made: Refreshed, spec: AgentSpec) -> bool:
    """Whether the newest work is this agent's and may continue; a usage limit ends it."""
    handoff = made.handoff
    if handoff is None or handoff.agent_id != spec.id or handoff.limit is not None:
        return False
    return made.at_ms - handoff.updated_ms < CACHE_MS


def _written_ms(file: Path) -> int | None:
    try:
        return file.lstat().st_mtime_ns // 1_000_000
    except OSError:
        return None
