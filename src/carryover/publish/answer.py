"""Answers a session that starts: the project's handoff, with a header that suits the reason of the start. Blocks."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final

from carryover.adapter.contract import StartReason
from carryover.config import Config, project_settings
from carryover.distill.header import Answering, Situation
from carryover.distill.render import render
from carryover.distill.trail import did_something, is_bare
from carryover.distill.view import ProjectView
from carryover.facts import GitFacts
from carryover.fsio import is_folder
from carryover.model import conversation_of
from carryover.probe.git import ChangedSince, begin_changed_since
from carryover.publish.handoff_file import place_of
from carryover.publish.make import git_now, make, own_writes, view_now
from carryover.publish.offline_answers import SITUATIONS
from carryover.publish.project_root import AgentFolders
from carryover.redact import CleanText

_SAME_MOMENT_MS: Final = 2_000  # between the response and the moment the idle time counts from


def start_answer(
    db: sqlite3.Connection,
    project_id: int,
    config: Config,
    *,
    reason: StartReason,
    session: str,
    idle_s: float | None,
    now_ms: int,
    then: GitFacts | None,
    agents_own: AgentFolders | None = None,
    forgets: bool = False,
) -> CleanText | None:
    """The text for a session that starts now; None where it should get none.

    `then`: git's state when the handoff was last published, with which the present one is compared. A continued
    conversation (`resume`, `fork`) has its context, so it gets a text only where another session has moved the project
    on since, or where its agent has forgotten what an earlier start gave it (`forgets`). `idle_s`: how long its parent
    was idle, in seconds, where the agent says so.
    Raises LookupError for an unknown project.
    """
    view = view_now(db, project_id, agents_own)
    root = Path(view.root)
    settings = project_settings(root, config)
    if settings.excluded:
        return None
    situation = _situation(view, reason, session, idle_s, now_ms, forgets=forgets)
    if situation is None:
        return None
    own = session if situation in ("compacted", "resumed") else None
    git = then or git_now(root)
    moved_since = _begin_changed_since(root, git)  # git's processes take longer than everything else
    made = make(view, git, now_ms=now_ms, resume=settings.resume_mode, own=own)
    if made is None:
        return None
    try:
        moved = moved_since()
    except TimeoutError:
        moved = None
    answering = Answering(
        situation=situation,
        now_ms=now_ms,
        stale_after_days=config.resume.stale_days,
        file=place_of(settings.folder),
        head=moved.head if moved is not None else None,
        changed_files=moved.changed_files if moved is not None else None,
    )
    return render(made, answering)


def _situation(
    view: ProjectView, reason: StartReason, session: str, idle_s: float | None, now_ms: int, *, forgets: bool
) -> Situation | None:
    """How the session begins; None if it has all of its context, and the project is where it left it."""
    own_past = next((known.digest for known in view.sessions if known.session == session), None)
    # Not every agent says why a session starts (Cursor). One that has done something before is continued.
    continued = reason == "startup" and own_past is not None and did_something(own_past)
    situation: Situation = "moved_on" if continued else SITUATIONS.get(reason, "moved_on")
    if situation != "moved_on" or _moved_on(view, session, idle_s, now_ms, prompted=forgets):
        return situation
    return "resumed" if forgets else None


def _begin_changed_since(root: Path, then: GitFacts | None) -> Callable[[], ChangedSince | None]:
    if then is None or then.head is None or not is_folder(root):
        return lambda: None
    return begin_changed_since(root, since=then.head, own=own_writes())


def _moved_on(view: ProjectView, session: str, idle_s: float | None, now_ms: int, *, prompted: bool) -> bool:
    """Whether another session did something after this conversation's last response.

    `prompted`: the agent starts a session with its first prompt, which may be recorded by then.
    """
    last_ms = _last_response_ms(view, session, idle_s, now_ms, prompted=prompted)
    if last_ms is None:
        return False
    others = (known for known in view.sessions if conversation_of(known.session) != conversation_of(session))
    return any(other.digest.last_ms > last_ms and did_something(other.digest) for other in others)


def _last_response_ms(
    view: ProjectView, session: str, idle_s: float | None, now_ms: int, *, prompted: bool
) -> int | None:
    """When this conversation last responded, in Unix milliseconds; None where that is not known.

    The ledger has it for a resumed session, and for a fork without events yet through its parent, where the transcript
    has named that (Codex). Otherwise it follows from how long the parent was idle.
    """
    known = {one.session: one for one in view.sessions}
    own = known.get(session)
    if own is not None and own.parent is not None and not did_something(own.digest):
        own = known.get(own.parent)
    if own is not None and prompted:
        return max((turn.last_ms for turn in own.digest.turns if not is_bare(turn)), default=None)
    if own is not None:
        return own.last_ms
    return now_ms - round(idle_s * 1000) + _SAME_MOMENT_MS if idle_s is not None else None
