"""Projects whose history was read only on request: nothing is written there until an agent works on.

A command that prints makes such a project known; its handoff is first written after its next turn.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from pathlib import Path
from typing import Final

from carryover.agents import adapters
from carryover.config import Config, project_settings
from carryover.ledger.queries import ProjectRow, agents_in, changed_since_published, project_by_id
from carryover.projects.handoff_file import Published
from carryover.publish.make import Refreshed

AWAITS_WORK: Final = "no agent has worked there since it became known; the next turn there writes its handoff"


def refused_before_work(
    db: sqlite3.Connection, project_id: int, config: Config, *, asked: Collection[str]
) -> Refreshed | None:
    """Returns the refusal for a project whose history was only read for a root in `asked`; None for others. Blocks."""
    project = project_by_id(db, project_id)
    if project is None or not _awaits_work(db, project, asked):
        return None
    settings = project_settings(Path(project.root), config)
    refused = Published(refusal=AWAITS_WORK)
    return Refreshed(root=project.root, settings=settings, handoff=None, text=None, git=None, published=refused)


def _awaits_work(db: sqlite3.Connection, project: ProjectRow, asked: Collection[str]) -> bool:
    if project.published_sha is not None:
        return False
    if project.published_ms is not None:
        return project.refusal == AWAITS_WORK and not changed_since_published(db, project.id)
    in_projects = {agent.id for agent in adapters().values() if agent.in_projects}
    agents = agents_in(db, project.id)  # none if a session has only started there
    return project.root in asked and bool(agents) and agents <= in_projects
