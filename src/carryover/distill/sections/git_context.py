"""The line about git: where HEAD is, what is not committed, and what was done there since the newest work."""

from __future__ import annotations

from typing import Final

from carryover.distill.quotes import branch_name, clip, elapsed
from carryover.distill.view import ProjectView, SessionView
from carryover.facts import GitFacts, GitNotes

_SOON_MS: Final = 60 * 60_000
"""Within this time, people commit what they did with an agent."""
_LEAST_MS: Final = 5000
"""The times of a record that spans less than this only keep its order."""


def came_later(git: GitFacts, view: ProjectView) -> bool:
    """Whether HEAD is so much newer than the newest recorded work that it is likely not a commit of that."""
    newest = _newest(view)
    return newest is not None and git.committed_ms > newest.newest_ms + _SOON_MS


def is_clean(git: GitFacts, view: ProjectView) -> bool:
    """Whether git has just said that nothing is uncommitted or stashed."""
    return not (git.changed_files or git.untracked or git.stale or _stash(git, view))


def git_line(git: GitFacts, view: ProjectView, *, for_now: bool) -> str:
    """Returns a line with the branch, the commit and what is not committed, worded so that it stays true for a later
    reader unless `for_now`."""
    where = f"branch {branch_name(git.branch)}" if git.branch else "detached HEAD"
    subject = clip(git.subject.replace('"', "'"), chars=80)
    at = f' at {git.head} "{subject}"' if git.head else ", no commit yet"
    since = "".join(f", {one}" for one in (*_since(git, view), *_under_way(git.notes)))
    known = " (last known; git did not answer in time)" if git.stale else ""
    counts = []
    if git.changed_files:
        counts.append(f"{git.changed_files} changed (+{git.insertions} -{git.deletions})")
    if git.untracked:
        counts.append(f"{git.untracked} untracked")
    state = f"; not committed: {', '.join(counts)}" if counts else "; nothing uncommitted"
    if git.own:  # `git status` shows them too
        files = "files" if git.own > 1 else "file"
        state += f"{'; and' if counts else ' but'} Carryover's own text in {git.own} {files}"
    when = "" if for_now else "when this was written: "
    return f"{when}{where}{at}{since}{state}{_stash(git, view)}{known}"


def _newest(view: ProjectView) -> SessionView | None:
    """Returns the session with the newest work; None if its record has no time but that of its beginning (Aider 0.86,
    some documents): then what was done since may be part of it."""
    newest = max(view.sessions, key=lambda session: session.newest_ms, default=None)
    if newest is None or not newest.digest.turns:
        return None
    return newest if newest.newest_ms - newest.digest.turns[0].at_ms > _LEAST_MS else None


def _since(git: GitFacts, view: ProjectView) -> list[str]:
    """Returns what was done with HEAD after the newest work."""
    newest = _newest(view)
    done = []
    if newest is not None and came_later(git, view):
        done.append(f"committed {_from_work(git.committed_ms, newest)}")
    if newest is not None and git.notes.reset_ms > newest.newest_ms:
        done.append(f"`git reset` from {git.notes.reset_from} {_from_work(git.notes.reset_ms, newest)}")
    return done


def _under_way(notes: GitNotes) -> list[str]:
    if not notes.under_way:
        return []
    of = f" of {branch_name(notes.rebased)}" if notes.rebased else ""
    return [f"under way: {notes.under_way}{of}"]


def _stash(git: GitFacts, view: ProjectView) -> str:
    """Returns when the newest stash was made, if some of the newest session's work may be in it."""
    newest = _newest(view)
    if newest is None or git.notes.stashed_ms < newest.started_ms:
        return ""
    other = git.notes.stashed_on not in ("", git.branch)  # worktrees share their stashes
    on = f"on branch {branch_name(git.notes.stashed_on)} " if other else ""
    return f"; stashed {on}{_from_work(git.notes.stashed_ms, newest)}"


def _from_work(then_ms: int, newest: SessionView) -> str:
    at_ms = newest.newest_ms
    way = f"{elapsed(at_ms, then_ms)} after" if then_ms >= at_ms else f"{elapsed(then_ms, at_ms)} before"
    return f"{way} the newest work recorded here"
