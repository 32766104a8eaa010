"""Tells whether a commit could take a project's handoff along."""

from __future__ import annotations

from carryover.config import ProjectSettings
from carryover.fsio import is_folder
from carryover.outside.in_project import Pass, PlannedPass
from carryover.probe.checkout import Checkout
from carryover.projects.policy import Refusal, refusal_by_git
from carryover.publish.gitignore import keep_out


def open_to_git(checkout: Checkout, settings: ProjectSettings) -> str | None:
    """Returns why a commit could take a handoff in this project along, which is then not written; None if it can't.

    Reads only. Blocks (git).
    """
    if settings.folder is not None or settings.excluded or settings.pointers == "off" or not is_folder(checkout.root):
        return None
    refused = kept_out(PlannedPass(checkout))
    return refused.reason if refused is not None and refused.in_git else None


def kept_out(edits: Pass) -> Refusal | None:
    """Puts in the rule that keeps the handoff out of commits; returns why it is not kept out, None if it is."""
    problem = keep_out(edits)
    return Refusal(problem, in_git=True) if problem is not None else refusal_by_git(edits.checkout)
