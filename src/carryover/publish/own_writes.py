"""What Carryover itself writes into a project, for the probe that counts what others changed there."""

from __future__ import annotations

from carryover.agents import instruction_files
from carryover.edits.record import GITIGNORE
from carryover.probe.git_diff import OwnWrites
from carryover.publish.gitignore import without_rule
from carryover.publish.handoff_file import STORE
from carryover.publish.pointer import without_block


def own_writes() -> OwnWrites:
    """The folder of ours, and how to take what is ours out of the files that we edit."""
    return OwnWrites(
        folder=STORE, without={**dict.fromkeys(instruction_files(), without_block), GITIGNORE: without_rule}
    )
