"""The rule that `shared` wrote into a project's .gitignore up to 0.1.0."""

from __future__ import annotations

from pathlib import Path

from carryover.outside.apply import Ours, plan
from carryover.outside.listed import GITIGNORE
from carryover.publish.gitignore import has_our_rule, project_change, rule_removal, with_rule
from support.passes import begun


def add_shared_rule(root: Path) -> None:
    """Adds the rule, and lists the file as ours."""
    ours = Ours(has_our_rule, lambda data, _: rule_removal(root).edit(data))
    change = project_change(root, GITIGNORE, "a rule", with_rule, ours=ours, follow=False)
    assert begun(root).carry_out(GITIGNORE, plan(change))
