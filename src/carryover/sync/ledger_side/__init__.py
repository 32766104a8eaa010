"""The ledger's side of sync: what is told of it, what is taken into it, and what of that a project may show."""

from __future__ import annotations

from carryover.ledger.store import Ledger
from carryover.paths import StateDir
from carryover.projects.root import StatePaths
from carryover.sync.ledger_side.allowing import allow, begin, end
from carryover.sync.ledger_side.incoming import LedgerIncoming
from carryover.sync.ledger_side.outgoing import LedgerOutgoing
from carryover.sync.payload import Incoming, Outgoing

__all__ = ["allow", "begin", "end", "incoming", "outgoing"]


def outgoing(state: StateDir, projects: tuple[str, ...] | None) -> Outgoing:
    """Returns what this machine's ledger has to tell of these projects, by their roots; None: of all."""
    return LedgerOutgoing(state, projects)


def incoming(ledger: Ledger, paths: StatePaths) -> Incoming:
    """Returns where payloads of other machines go."""
    return LedgerIncoming(ledger, paths)
