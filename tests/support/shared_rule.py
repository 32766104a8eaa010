"""The rule that `shared` wrote into a project's .gitignore up to 0.1.0."""

from __future__ import annotations

from pathlib import Path

from carryover.edits.apply import ProjectEdits, plan
from carryover.edits.record import GITIGNORE
from carryover.publish.gitignore import project_change, with_rule


def add_shared_rule(root: Path) -> None:
    """Adds the rule, and lists the file as ours, in a project whose folder for the handoff is there."""
    change = project_change(root / GITIGNORE, "a rule", with_rule, follow=False)
    assert ProjectEdits(root / ".carryover").carry_out(GITIGNORE, plan(change), ours=True)
