"""The text that a starting session gets: the project's handoff, under a header that suits the start reason. Blocks."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from carryover.adapter.contract import StartReason
from carryover.config import Config, ProjectSettings
from carryover.distill.header import Answering, Situation
from carryover.distill.render import render
from carryover.distill.sections.git_context import came_later
from carryover.distill.trail import did_something, is_bare
from carryover.distill.view import ProjectView
from carryover.facts import Facts, GitFacts, ProjectRoot
from carryover.ledger.queries import project_by_root
from carryover.model import conversation_of
from carryover.probe.checkout import Checkout
from carryover.projects.handoff_file import IN_PROJECT
from carryover.projects.policy import AWAITS_WORK, POINTERS_OFF, TAKEN_OUT, why_open
from carryover.publish.git_state import TIMEOUT_S, changed_since
from carryover.publish.gitignore import refused_by_git
from carryover.publish.make import distill_view, facts_now, settings_for_work, view_now, with_page
from carryover.records.text import READS_PAGE
from carryover.redact import CleanText

_SITUATIONS: Final[dict[StartReason, Situation]] = {"startup": "new", "clear": "new", "compact": "compacted"}
_SAME_MOMENT_MS: Final = 2_000  # between the response and the moment the idle time counts from


class Beginning(msgspec.Struct, frozen=True, kw_only=True):
    """How a session starts. `idle_s`: how long its parent was idle, if known. `forgets` and `reads` are its agent's:
    see `HookProtocol`."""

    session: str
    reason: StartReason
    idle_s: float | None = None
    forgets: bool = False
    reads: str = READS_PAGE
    folder: Path | None = None
    """The session's real working folder; None: the top of its project. Paths in the text begin there."""


@dataclass(eq=False, kw_only=True)
class AnswerTime:
    """A project at one moment, for all sessions that start about then: what they get is made once.

    `project`: see `view_now`. `then`: git's state when the handoff was last published. `now_ms`: when the first starts.
    `git_s`: how long git is waited for, each time it is asked. `revision`: the ledger's, if the moment is kept.
    """

    project: int | ProjectRoot
    config: Config
    now_ms: int
    then: GitFacts | None
    git_s: float = TIMEOUT_S
    revision: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)
    _view: ProjectView | None = field(default=None, init=False)
    _presents: dict[Path, _Present] = field(default_factory=dict, init=False)
    _texts: dict[tuple[Situation, str | None, str, Path, Path], CleanText | None] = field(
        default_factory=dict, init=False
    )

    def answer(self, db: sqlite3.Connection, beginning: Beginning) -> CleanText | None:
        """Returns the text for a session that starts now; None if it should get none. Raises LookupError for an unknown
        id.

        A continued conversation (`resume`, `fork`) still has its context, so it gets a text only if another session has
        worked here since, or if its agent forgot what it got at an earlier start.
        """
        with self._lock:
            self._view = self._view or view_now(db, self.project, self.config)
            view = self._view
            settings = settings_for_work(view, self.config)
            situation = _situation(view, beginning, self.now_ms)
            if settings.excluded or situation is None:
                return None
            led_by = beginning.session if situation in ("compacted", "resumed") else None
            handed = _without_first_prompt(view, beginning.session) if situation == "new" else view
            about = led_by if handed is view else beginning.session
            top = _top_from(beginning.folder, Path(view.root))
            work_top = _work_top(beginning.folder, view)
            which = (situation, about, beginning.reads, top, work_top)
            if which not in self._texts:
                if work_top not in self._presents:
                    self._presents[work_top] = _present_of(db, view, settings, self.then, self.git_s, work_top)
                present = self._presents[work_top]
                self._texts[which] = self._text(handed, settings, present, situation, led_by, beginning.reads, top)
            return self._texts[which]

    def _text(
        self,
        view: ProjectView,
        settings: ProjectSettings,
        present: _Present,
        situation: Situation,
        led_by: str | None,
        reads: str,
        top: Path,
    ) -> CleanText | None:
        made = distill_view(view, present.facts, now_ms=self.now_ms, resume=settings.resume_mode, led_by=led_by)
        if made is None:
            return None
        git = present.facts.git
        since = self.then or git
        head = since.head if since is not None else None
        made = with_page(made, settings, has_file=present.has_file)
        page = str(top / made.page) if made.page is not None else None
        came = since is not None and came_later(since, view)
        made = msgspec.structs.replace(made, head=head, commits_came=came, page=page)
        head_now, changed_files = _moved(present.checkout, git, made.head, self.git_s)
        answering = Answering(
            situation=situation,
            now_ms=self.now_ms,
            stale_after_days=self.config.resume.stale_days,
            file=str(top / IN_PROJECT) if present.has_file else None,
            is_open_to_git=present.is_open_to_git,
            reads=reads,
            head=head_now,
            changed_files=changed_files,
        )
        return render(made, answering)


class _Present(NamedTuple):
    """What is asked of git in the checkout that a session is in, and of the disk, and what came of publishing.
    `is_open_to_git`: a commit could take a handoff along. `has_file`: the handoff is in a file, or will be at once."""

    checkout: Checkout
    facts: Facts
    is_open_to_git: bool
    has_file: bool


def _present_of(
    db: sqlite3.Connection,
    view: ProjectView,
    settings: ProjectSettings,
    then: GitFacts | None,
    git_s: float,
    work_top: Path,
) -> _Present:
    root, checkout = Checkout(Path(view.root)), Checkout(work_top)
    last = then if work_top == root.root else None
    facts = facts_now(view, checkout, last, git_s=git_s, for_now=True)
    is_open = why_open(refused_by_git(root, settings)) is not None
    project = project_by_root(db, view.root)
    is_refused = project is not None and project.refusal not in (None, AWAITS_WORK, POINTERS_OFF, TAKEN_OUT)
    return _Present(checkout, facts, is_open, has_file=settings.is_inside and not (is_open or is_refused))


def _work_top(folder: Path | None, view: ProjectView) -> Path:
    """Returns the top of the checkout that a session is in: its agent's own (Codex's `--worktree`) or the project's."""
    own = (Path(tree) for tree in view.checkouts)
    return next((tree for tree in own if folder is not None and folder.is_relative_to(tree)), Path(view.root))


def _top_from(folder: Path | None, root: Path) -> Path:
    """Returns the path by which a session in `folder` finds the top of its project: it may begin below it, or in a
    checkout of its agent's own, which is elsewhere."""
    if folder is None:
        return Path()
    return Path(*[".."] * len(folder.relative_to(root).parts)) if folder.is_relative_to(root) else root


def _moved(checkout: Checkout, git: GitFacts | None, since: str | None, git_s: float) -> tuple[str | None, int | None]:
    """Returns HEAD, and how many files differ from a commit; None if that is unknown, or if git is too slow to say."""
    if git is None or git.stale or since is None:
        return None, None
    if git.head == since:
        return since, git.changed_files
    moved = None
    with contextlib.suppress(TimeoutError):
        moved = changed_since(checkout, since=since, timeout_s=git_s)
    return moved or (None, None)


def _situation(view: ProjectView, beginning: Beginning, now_ms: int) -> Situation | None:
    """Returns how the session begins; None if it has all of its context and the project has not changed since."""
    own_past = next((known.digest for known in view.sessions if known.session == beginning.session), None)
    # Not every agent says why a session starts (Cursor). A session with earlier work is continued.
    continued = beginning.reason == "startup" and own_past is not None and did_something(own_past)
    situation: Situation = "moved_on" if continued else _SITUATIONS.get(beginning.reason, "moved_on")
    if situation != "moved_on" or _moved_on(view, beginning, now_ms):
        return situation
    return "resumed" if beginning.forgets else None


def _without_first_prompt(view: ProjectView, session: str) -> ProjectView:
    """Returns the view without a session that has only begun: a client may write its first prompt before it asks."""
    others = tuple(known for known in view.sessions if known.session != session or did_something(known.digest))
    return view if len(others) == len(view.sessions) else msgspec.structs.replace(view, sessions=others)


def _moved_on(view: ProjectView, beginning: Beginning, now_ms: int) -> bool:
    last_ms = _last_response_ms(view, beginning, now_ms)
    own = conversation_of(beginning.session)
    others = (known.digest for known in view.sessions if conversation_of(known.session) != own)
    return last_ms is not None and any(other.last_ms > last_ms and did_something(other) for other in others)


def _last_response_ms(view: ProjectView, beginning: Beginning, now_ms: int) -> int | None:
    """Returns when this conversation, or the parent of an empty fork, last responded (UTC ms); None if unknown."""
    known = {one.session: one for one in view.sessions}
    own = known.get(beginning.session)
    if own is not None and own.parent is not None and not did_something(own.digest):
        own = known.get(own.parent)
    if own is None:
        idle_s = beginning.idle_s
        return now_ms - round(idle_s * 1000) + _SAME_MOMENT_MS if idle_s is not None else None
    if beginning.forgets:  # such an agent starts with the first prompt, which may be recorded
        return max((turn.last_ms for turn in own.digest.turns if not is_bare(turn)), default=None)
    return own.last_ms
