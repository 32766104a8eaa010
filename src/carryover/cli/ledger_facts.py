"""What `carryover doctor` asks the ledger."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Final

from carryover.agents import agent_names
from carryover.errors import UserError
from carryover.ingest.scan import MS_PER_DAY
from carryover.install.facts import LedgerFacts
from carryover.install.wording import tilde
from carryover.ledger.queries import Totals, connect_read_only, gone_sources, totals
from carryover.paths import StateDir

LATELY_DAYS: Final = 7


def ledger_facts(state: StateDir, home: Path) -> LedgerFacts | None:
    """None where there is no ledger yet."""
    if not state.ledger.exists():
        return None
    aside = tuple(tilde(path, home) for path in sorted(state.root.glob(f"{state.ledger.stem}.corrupt-*")))
    try:
        with closing(connect_read_only(state.ledger, keep_index=True)) as db:
            damage = _damage(db)
            counts = totals(db)
            gone = gone_sources(db)
    except (UserError, sqlite3.Error) as error:
        return LedgerFacts(damage=str(error), moved_aside=aside)
    skipped, skipped_of = _skipped_lately(counts)
    return LedgerFacts(
        damage=damage,
        moved_aside=aside,
        sessions=counts.sessions,
        sources=counts.sources,
        gone_sources=gone,
        skipped=skipped,
        skipped_of=skipped_of,
        broken=len(counts.broken),
    )


def _damage(db: sqlite3.Connection) -> str | None:
    [answer] = db.execute("PRAGMA quick_check(1)").fetchone()
    return None if answer == "ok" else str(answer)


def _skipped_lately(counts: Totals) -> tuple[int, str]:
    """How many records were not understood lately, and of whom most of them are."""
    since_ms = int(time.time() * 1000) - LATELY_DAYS * MS_PER_DAY
    by_version: Counter[tuple[str, str]] = Counter()
    for row in counts.skipped:
        if row.last_ms >= since_ms:
            by_version[row.agent, row.agent_version] += row.n
    if not by_version:
        return 0, ""
    (agent, version), _ = by_version.most_common(1)[0]
    return by_version.total(), f"{agent_names().get(agent, agent)} {version}".rstrip()
