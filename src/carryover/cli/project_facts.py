"""What `carryover doctor` finds in the projects in which something happened lately."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Final

from carryover.adapter.spec import AGENTS_MD
from carryover.agents import instruction_files
from carryover.cli.where import agents_own
from carryover.config import Config, project_settings
from carryover.errors import UserError
from carryover.fsio import is_folder
from carryover.ingest.scan import MS_PER_DAY
from carryover.install.facts import ProjectFacts
from carryover.install.wording import tilde
from carryover.ledger.queries import connect_read_only, projects
from carryover.paths import StateDir
from carryover.publish import pointer
from carryover.publish.instruction_files import hidden_files, read_instructions
from carryover.publish.policy import refusal

MOST: Final = 20
"""Of the newest projects; git is asked about each."""


def project_facts(state: StateDir, config: Config, home: Path) -> tuple[ProjectFacts, ...]:
    """The newest active projects that are not left out on purpose."""
    since_ms = int(time.time() * 1000) - config.publish.active_days * MS_PER_DAY
    try:
        with closing(connect_read_only(state.ledger, keep_index=True)) as db:
            rows = [row for row in projects(db) if row.last_event_ms >= since_ms][:MOST]
    except (UserError, sqlite3.Error):  # said by what is found out about the ledger
        return ()
    roots = (Path(row.root) for row in rows)
    return tuple(_look(root, home, config) for root in roots if _wanted(root, config))


def _wanted(root: Path, config: Config) -> bool:
    settings = project_settings(root, config)
    return is_folder(root) and settings.excluded is None and settings.folder is None


def _look(root: Path, home: Path, config: Config) -> ProjectFacts:
    names = tuple(instruction_files())
    texts = {name: read_instructions(root, name) for name in names}
    states = {name: pointer.state(text) for name, text in texts.items()}
    return ProjectFacts(
        root=tilde(root, home),
        refusal=refusal(root, home=home, agents_own=agents_own(config.tools)),
        edited=tuple(name for name in names if states[name] == "edited"),
        broken=tuple(name for name in names if states[name] == "broken"),
        pointer_end_bytes=pointer.block_end(texts[AGENTS_MD]),
        hidden=hidden_files(root),
    )
