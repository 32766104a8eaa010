"""The facts that git alone knows: whether it runs, and what it sees, or would see, of ours in recent projects."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Final

from carryover.config import Config, project_settings
from carryover.daemon.health import Health
from carryover.fsio import is_there
from carryover.past.findings.facts import LedgerFacts, ProjectFacts
from carryover.probe.checkout import is_top
from carryover.probe.git_command import git_trouble
from carryover.probe.looks import look_at, look_at_each
from carryover.projects.handoff_file import STORE
from carryover.projects.policy import COMMITTED

_MOST_PROJECTS: Final = 20
"""How many of the newest projects git is asked about."""
_GITS_AT_ONCE: Final = 4


def trouble_with_git(health: Health | None, ledger: LedgerFacts | None) -> str | None:
    """Returns why the daemon can't run git, or this command if none runs; None if no project is in git."""
    trouble = health.git_trouble if health is not None else git_trouble()
    if trouble is None or ledger is None:
        return None
    roots = [Path(row.root) for row in ledger.projects[:_MOST_PROJECTS]]
    return trouble if any(is_repository for _, is_repository in look_at_each(roots, is_top)) else None


def project_facts(ledger: LedgerFacts | None, config: Config) -> tuple[ProjectFacts, ...]:
    """Asks git about the newest projects that have, or should have, something of ours; several at once."""
    since_ms = int(time.time() * 1000) - config.publish.active_ms
    rows = [row for row in ledger.projects if row.last_event_ms >= since_ms] if ledger is not None else []
    there = look_at_each(rows, lambda row: is_there(Path(row.root) / STORE), at=lambda row: Path(row.root))
    ours = [Path(row.root) for row, has_store in there if has_store or COMMITTED in (row.refusal or "")]
    return tuple(_of_each(ours[:_MOST_PROJECTS], config))


def _of_each(roots: Sequence[Path], config: Config) -> list[ProjectFacts]:
    if len(roots) <= 1:
        return [_asked(root, config) for root in roots]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(_GITS_AT_ONCE) as threads:
        return list(threads.map(partial(_asked, config=config), roots))


def _asked(root: Path, config: Config) -> ProjectFacts:
    settings = project_settings(root, config)

    from carryover.publish.once import refuses_pull, uncommitted_names
    from carryover.publish.open_to_git import open_to_git

    def ask() -> ProjectFacts:
        shown = uncommitted_names(root) if settings.pointers == "shared" and not settings.excluded else ()
        open_to = open_to_git(root, settings)
        return ProjectFacts(root=str(root), open_to=open_to, uncommitted=shown, refuses_pull=refuses_pull(root, shown))

    try:
        return look_at(root, ask)
    except OSError:
        return ProjectFacts(root=str(root))
