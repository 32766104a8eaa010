"""What Carryover itself writes into a project, for the probe that counts what others changed there."""

from __future__ import annotations

from typing import Final

from carryover.edits.record import AGENTS_MD, CLAUDE_MD, GITIGNORE
from carryover.probe.git_diff import OwnWrites
from carryover.publish.gitignore import without_rule
from carryover.publish.handoff_file import STORE
from carryover.publish.pointer import without_block

OWN_WRITES: Final = OwnWrites(
    folder=STORE, without={AGENTS_MD: without_block, CLAUDE_MD: without_block, GITIGNORE: without_rule}
)
