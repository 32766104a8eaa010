"""Answers a starting session with the project's handoff, and a header that suits the start reason. Blocks."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

import msgspec

from carryover.adapter.contract import StartReason
from carryover.config import Config
from carryover.distill.header import Answering, Situation
from carryover.distill.render import render
from carryover.distill.trail import did_something, is_bare
from carryover.distill.view import ProjectView
from carryover.facts import Facts, GitFacts, ProjectRoot
from carryover.fsio import is_folder
from carryover.model import conversation_of
from carryover.probe.git import ChangedSince, changed_since
from carryover.projects.handoff_file import place_of
from carryover.projects.root import AgentFolders
from carryover.publish.elsewhere import elsewhere_lines
from carryover.publish.make import files_now, git_now, make, own_writes, settings_of, view_now
from carryover.publish.offline_answers import SITUATIONS
from carryover.redact import CleanText

_SAME_MOMENT_MS: Final = 2_000  # between the response and the moment the idle time counts from


class Beginning(msgspec.Struct, frozen=True, kw_only=True):
    """How a session starts. `idle_s`: how long its parent was idle, if known. `forgets`: see `HookProtocol.forgets`."""

    session: str
    reason: StartReason
    idle_s: float | None = None
    forgets: bool = False


def start_answer(
    db: sqlite3.Connection,
    project: int | ProjectRoot,
    config: Config,
    beginning: Beginning,
    *,
    now_ms: int,
    then: GitFacts | None,
    agents_own: AgentFolders | None = None,
) -> CleanText | None:
    """Returns the text for a session that starts now; None if it should get none.

    `then`: git's state when the handoff was last published, to compare with the current one. A continued conversation
    (`resume`, `fork`) still has its context, so it gets a text only if another session has since worked on the project,
    or if its agent has forgotten what it got at an earlier start.
    `project`: see `view_now`. Raises LookupError for an unknown id.
    """
    view = view_now(db, project, agents_own)
    root, settings = Path(view.root), settings_of(view, config)
    if settings.excluded:
        return None
    situation = _situation(view, beginning, now_ms)
    if situation is None:
        return None
    own = beginning.session if situation in ("compacted", "resumed") else None
    git = then or git_now(root)
    made = make(
        view,
        Facts(git, files_now(view), elsewhere_lines(db, view)),
        now_ms=now_ms,
        resume=settings.resume_mode,
        own=own,
    )
    if made is None:
        return None
    moved = _changed_since(root, git)
    answering = Answering(
        situation=situation,
        now_ms=now_ms,
        stale_after_days=config.resume.stale_days,
        file=place_of(settings.folder),
        head=moved.head if moved is not None else None,
        changed_files=moved.changed_files if moved is not None else None,
    )
    return render(made, answering)


def _situation(view: ProjectView, beginning: Beginning, now_ms: int) -> Situation | None:
    """Returns how the session begins; None if it has all of its context and the project has not changed since."""
    own_past = next((known.digest for known in view.sessions if known.session == beginning.session), None)
    # Not every agent says why a session starts (Cursor). A session with earlier work is continued.
    continued = beginning.reason == "startup" and own_past is not None and did_something(own_past)
    situation: Situation = "moved_on" if continued else SITUATIONS.get(beginning.reason, "moved_on")
    if situation != "moved_on" or _moved_on(view, beginning, now_ms):
        return situation
    return "resumed" if beginning.forgets else None


def _changed_since(root: Path, then: GitFacts | None) -> ChangedSince | None:
    if then is None or then.head is None or not is_folder(root):
        return None
    try:
        return changed_since(root, since=then.head, own=own_writes())
    except TimeoutError:
        return None


def _moved_on(view: ProjectView, beginning: Beginning, now_ms: int) -> bool:
    last_ms = _last_response_ms(view, beginning, now_ms)
    if last_ms is None:
        return False
    own = conversation_of(beginning.session)
    others = (known for known in view.sessions if conversation_of(known.session) != own)
    return any(other.digest.last_ms > last_ms and did_something(other.digest) for other in others)


def _last_response_ms(view: ProjectView, beginning: Beginning, now_ms: int) -> int | None:
    """Returns when this conversation last responded (UTC ms); None if unknown.

    The ledger has it for a resumed session. A fork without events has its parent's, if the transcript names that
    (Codex). Otherwise it follows from how long the parent was idle.
    """
    known = {one.session: one for one in view.sessions}
    own = known.get(beginning.session)
    if own is not None and own.parent is not None and not did_something(own.digest):
        own = known.get(own.parent)
    if own is not None and beginning.forgets:  # such an agent starts with the first prompt, which may be recorded
        return max((turn.last_ms for turn in own.digest.turns if not is_bare(turn)), default=None)
    if own is not None:
        return own.last_ms
    idle_s = beginning.idle_s
    return now_ms - round(idle_s * 1000) + _SAME_MOMENT_MS if idle_s is not None else None
