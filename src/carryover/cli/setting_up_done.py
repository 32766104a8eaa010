"""What `install` and `refresh` came to, for those who say it."""

from __future__ import annotations

from dataclasses import dataclass

from carryover.cli.background import Background
from carryover.cli.first_read import End, Held
from carryover.edits.apply import Applied
from carryover.install.setup import Setup


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it all."""

    setup: Setup
    asked: tuple[str, ...]
    """What was ticked or named, whether it is here or not."""
    applied: tuple[Applied, ...]
    background: Background
    read: End | None
    """How the first reading of the past ended; None where there was none to watch."""
    held: Held | None
    """What the ledger holds after that."""

    @property
    def changed(self) -> bool:
        return self.background.changed or any(done.outcome not in ("unchanged", "left alone") for done in self.applied)

    @property
    def failed(self) -> bool:
        return bool(self.background.trouble) or any(done.problem for done in self.applied)
