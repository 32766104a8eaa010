"""The state of the repository, as the probe saw it."""

from __future__ import annotations

from carryover.distill.clip import clip
from carryover.facts import GitFacts


def git_line(git: GitFacts) -> str:
    """Returns a line with branch, commit, and what is not committed."""
    where = f"branch {git.branch}" if git.branch else "detached HEAD"
    at = f' at {git.head} "{clip(git.subject, chars=80)}"' if git.head else ", no commit yet"
    known = " (last known; git did not answer in time)" if git.stale else ""
    counts = []
    if git.changed_files:
        counts.append(f"{git.changed_files} changed (+{git.insertions} -{git.deletions})")
    if git.untracked:
        counts.append(f"{git.untracked} untracked")
    state = f"; not committed: {', '.join(counts)}" if counts else "; nothing uncommitted"
    return f"{where}{at}{state}{known}"
