"""The rule that `shared` wrote into a project's .gitignore up to 0.1.0."""

from __future__ import annotations

from pathlib import Path

from carryover.publish.gitignore import shared_rule
from support.passes import begun


def add_shared_rule(root: Path) -> None:
    """Adds the rule, and lists the file as ours."""
    assert begun(root).put(shared_rule(root))
