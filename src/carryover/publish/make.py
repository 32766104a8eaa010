"""Makes a project's handoff from its view, git and files, for everything that publishes, answers or exports it.
Blocks."""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from carryover.agents import agent_names, startable_agents
from carryover.config import Config, ProjectSettings, project_settings, refuse_excluded
from carryover.distill.entry import Entry, Section
from carryover.distill.handoff import MAX_TOKENS, Handoff, distill, wanted_files
from carryover.distill.render import Printed, rendered
from carryover.distill.sections.open_questions import opinion_entries, still_named
from carryover.distill.sections.task import pin_entries
from carryover.distill.shared import shared_sections
from carryover.distill.trail import did_something, past_of
from carryover.distill.view import Opinion, ProjectView, SessionView, has_past, was_brought_in
from carryover.export.dial import Happened, dialed
from carryover.facts import Facts, GitFacts, ProjectRoot, is_foreign
from carryover.fsio import is_folder
from carryover.ledger.events import events_back, pins
from carryover.ledger.queries import (
    project_by_root,
    published_git,
    recorded_agents,
    related_projects,
    roots_below,
    session_of,
)
from carryover.model import Pin, UserPrompt
from carryover.paths import STORE
from carryover.probe.checkout import Checkout
from carryover.probe.files import file_facts
from carryover.projects.handoff_file import PAGE, Published, fingerprint_of
from carryover.projects.policy import Refusal, why_open
from carryover.projects.root import agents_checkouts, removed_checkouts
from carryover.publish.git_state import TIMEOUT_S, git_facts
from carryover.publish.gitignore import refused_by_git
from carryover.publish.limits import offered_at_limit
from carryover.publish.project_view import project_view
from carryover.redact import CleanText
from carryover.text.reset_times import on_this_machine


class MadeHandoff(msgspec.Struct, frozen=True, kw_only=True):
    """A project's handoff with its text, and what came of publishing it; `handoff` and `text` are None if it has no
    content."""

    root: str
    settings: ProjectSettings
    handoff: Handoff | None
    text: CleanText | None
    sections: Sequence[Printed] = ()
    """Those of the text, with the entries that its lines come from."""
    git: GitFacts | None
    """Git's state, for the next refresh in case git is then too slow."""
    refused: Refusal | None = None
    """Why git keeps it from being written, as far as is known: see `refused_by_git`."""
    published: Published = Published()
    at_ms: int = 0
    others_ms: int = 0
    """Time of the newest work (UTC ms) in sessions other than the leading one, or when one without work began."""
    at_work: bool = False
    """Whether the newest turn has not ended, as far as it is recorded."""
    agents: tuple[str, ...] = ()
    related: tuple[int, ...] = ()
    """Ids of the projects whose handoffs name this one: its main checkout, its worktrees."""
    below: tuple[str, ...] = ()
    """Roots of the projects in folders below this one."""
    head: int = 0
    """The `Checkout.head_stamp` of the project before git was asked."""

    @property
    def why_open(self) -> str | None:
        """Why a commit could take the handoff along, which is then not written; None if it could not."""
        return why_open(self.refused)

    @property
    def lacks_git(self) -> bool:
        """Whether git did not say in time how things are now, or could not."""
        return self.head != 0 and (self.git is None or self.git.stale)

    @property
    def sha(self) -> str | None:
        """The fingerprint of the text, for comparison with the last published one."""
        return fingerprint_of(self.text.encode()) if self.text is not None else None


def made_handoff(
    db: sqlite3.Connection,
    project: int | ProjectRoot,
    config: Config,
    *,
    now_ms: int,
    tokens: int = MAX_TOKENS,
    led_by: str | None = None,
    git_s: float = TIMEOUT_S,
    recorded: str | None = None,
) -> MadeHandoff:
    """Returns the handoff as it would be published now; one for a budget above the file's is filled from the ledger's
    events. Git gets at most `git_s`. `recorded`: as for `refused_by_git`. Raises LookupError like `view_now`."""
    view = view_now(db, project, config)
    checkout = Checkout(Path(view.root))
    settings = settings_for_work(view, config)
    related = related_projects(db, view.root, view.main_root)
    project_id = project if isinstance(project, int) else None
    last_git = published_git(db, project_id)
    if not has_past(view) and not was_brought_in(view):
        return MadeHandoff(root=view.root, settings=settings, handoff=None, text=None, git=last_git, related=related)
    head = checkout.head_stamp() if _is_here(checkout.root) else 0
    facts = facts_now(view, checkout, last_git, git_s=git_s)
    # Not what is on PATH: the same ledger gives the same handoff, in the daemon and in each shell.
    found = config.agents.selected if config.agents.selected is not None else recorded_agents(db)
    startable = offered_at_limit(db, view, project_id, startable_agents(found), now_ms=now_ms)
    made = distill_view(view, facts, now_ms=now_ms, resume=settings.resume_mode, led_by=led_by, startable=startable)
    refused = refused_by_git(checkout, settings, recorded) if made is not None else None
    has_file = refused is None and settings.is_inside
    handoff = with_page(made, settings, has_file=has_file) if made is not None else None
    if handoff is not None and tokens != MAX_TOKENS:
        handoff = filled(handoff, db, view, tokens, now_ms=now_ms, led_by=led_by)
    text, sections = rendered(handoff) if handoff is not None else (None, [])
    lead = (handoff.agent_id, handoff.session) if handoff is not None else None
    newest = max(view.sessions, key=lambda one: one.last_ms, default=None)
    others = (one for one in view.sessions if (one.agent, one.session) != lead)
    return MadeHandoff(
        root=view.root,
        settings=settings,
        handoff=handoff,
        text=text,
        sections=sections,
        git=facts.git,
        refused=refused,
        at_ms=now_ms,
        others_ms=max((one.newest_ms if did_something(one.digest) else one.started_ms for one in others), default=0),
        at_work=newest is not None and bool(newest.digest.turns) and not newest.digest.turns[-1].end,
        agents=tuple(dict.fromkeys(session.agent for session in view.sessions)),
        related=related,
        below=roots_below(db, view.root),
        head=head,
    )


def filled(
    handoff: Handoff, db: sqlite3.Connection, view: ProjectView, tokens: int, *, now_ms: int, led_by: str | None = None
) -> Handoff:
    """Returns the handoff of the view for another budget; one above the file's is filled from the ledger's events."""
    past = past_of(view, now_ms=now_ms, led_by=led_by, names=agent_names())
    return dialed(handoff, past, newest_first(db, view), tokens)


def with_page(handoff: Handoff, settings: ProjectSettings, *, has_file: bool) -> Handoff:
    """Returns the handoff with its second page, as set: in a file, if the handoff itself is. What was brought in has
    none, since no conversation is recorded."""
    depth = settings.resume_depth if handoff.agent_id else 0
    page = f"{STORE}/{PAGE}" if depth and has_file else None
    return msgspec.structs.replace(handoff, depth=depth, page=page)


def distill_view(
    view: ProjectView,
    facts: Facts,
    *,
    now_ms: int,
    resume: str,
    led_by: str | None = None,
    startable: Sequence[str] | None = None,
    names: Mapping[str, str] | None = None,
) -> Handoff | None:
    """Distils the handoff of a project; None if nothing happened in it and nothing was brought in. `names`: agents'
    names by id."""
    by_id = agent_names() if names is None else names
    made = distill(view, facts, resume=resume, now_ms=now_ms, led_by=led_by, startable=startable, agent_names=by_id)
    return made if made is not None or not was_brought_in(view) else _of_what_was_brought_in(view, resume)


def made_for_elsewhere(view: ProjectView, *, now_ms: int, git_s: float = TIMEOUT_S) -> Handoff | None:
    """Returns the handoff for readers without our hooks: in a chat, or on another person's machine. Git gets at most
    `git_s` seconds."""
    facts = facts_now(view, Checkout(Path(view.root)), git_s=git_s)
    return distill_view(view, facts, now_ms=now_ms, resume="silent")


def _of_what_was_brought_in(view: ProjectView, resume: str) -> Handoff:
    """Returns a handoff of what the user pinned, of what another person shared, and of the names of other texts from
    outside."""
    shared = view.shared
    theirs = shared_sections(shared) if shared is not None else []
    brought_in: list[Opinion | Pin] = [*view.opinions, *view.pins]
    newest = max(brought_in, key=lambda each: each.at_ms)
    session = shared.session if shared is not None and theirs else newest.session
    # Nothing else happened here, so "now" is the newest of them: the handoff stays the same as time goes by.
    now_ms = newest.at_ms
    named = tuple(each for each in view.opinions if not theirs or each.session != session)
    outside = opinion_entries(still_named(named, now_ms), now_ms)
    # Nobody here has decided to go on with another person's work: at most, the user is asked.
    gate = "ask" if theirs and resume != "silent" else "silent"
    return Handoff(
        updated_ms=newest.at_ms,
        agent="another person" if theirs else "outside",
        resume=gate,
        session=session,
        head=None,
        sections=_joined(
            [Section("Task", tuple(pin_entries(view))), *theirs, Section("Open questions", tuple(outside))]
        ),
        is_anothers=bool(theirs),
    )


def _joined(sections: Sequence[Section]) -> tuple[Section, ...]:
    """Returns the sections that have entries; those with the same title as one."""
    entries: dict[str, tuple[Entry, ...]] = {}
    for section in sections:
        entries[section.title] = (*entries.get(section.title, ()), *section.entries)
    return tuple(Section(title, found) for title, found in entries.items() if found)


def view_now(db: sqlite3.Connection, project: int | ProjectRoot, config: Config) -> ProjectView:
    """Returns the view of a project with its current checkouts; for a worktree without work, the view of its main
    checkout.

    `project`: its id, or its root if the ledger may not know it. Raises LookupError for an unknown id.
    """
    if isinstance(project, int):
        view = project_view(db, project)
    else:
        view = ProjectView(root=project.root, main_root=project.main_root, sessions=())
    checkout = Checkout(Path(view.root))
    view = _without_left_out(db, project, view, checkout, config)
    if view.main_root is not None and not has_past(view) and (main := project_by_root(db, view.main_root)):
        view = _for_worktree(project_view(db, main.id), view.root)
    return _with_places(view, checkout, config)


def _without_left_out(
    db: sqlite3.Connection, project: int | ProjectRoot, recorded: ProjectView, checkout: Checkout, config: Config
) -> ProjectView:
    """Returns the view without checkouts that are excluded, or no longer what they were when they were recorded."""
    view = _of_true_worktrees(recorded, checkout)
    left_out = {root for root in _others(view) if project_settings(Path(root), config).excluded is not None}
    view = msgspec.structs.replace(view, worktrees=tuple(one for one in view.worktrees if one.root not in left_out))
    # What was pinned in another main checkout, or in one that is left out, is not for it either.
    if isinstance(project, int) and (view.main_root != recorded.main_root or view.main_root in left_out):
        view = msgspec.structs.replace(view, pins=tuple(pins(db, project)))
    return view


def _for_worktree(main: ProjectView, root: str) -> ProjectView:
    """Returns the view of a main checkout for its worktree at `root`, in which nothing has happened yet."""
    former = (*main.former_roots, main.root)
    return msgspec.structs.replace(
        main, root=root, main_root=main.root, is_of_main=True, worktrees=(), former_roots=former
    )


def _with_places(view: ProjectView, checkout: Checkout, config: Config) -> ProjectView:
    """Returns the view with the other places where work on it is or was done."""
    checkouts = () if is_foreign(view.root) else agents_checkouts(checkout, config.agents)
    digests = [session.digest for session in view.sessions]
    branches = {turn.branch for digest in digests for turn in digest.turns} | {digest.branch for digest in digests}
    lost = checkout.without_branches(filter(None, branches))
    edited = (file.path for digest in view.digests for file in digest.touched)
    gone = removed_checkouts(view.root, edited, config.agents)
    former = (*view.former_roots, *gone)
    return msgspec.structs.replace(view, checkouts=checkouts, former_roots=former, lost_branches=lost)


def _others(view: ProjectView) -> set[str]:
    """Returns the roots of the other checkouts of the repository that the view says something of."""
    return {tree.root for tree in view.worktrees} | ({view.main_root} if view.main_root is not None else set())


def _of_true_worktrees(view: ProjectView, checkout: Checkout) -> ProjectView:
    """Returns the view without checkouts that are no longer what they were taken for when they were last recorded."""
    main_root = view.main_root
    if main_root is not None and is_folder(checkout.root) and checkout.main != main_root:
        main_root = None
    others = (tree for tree in view.worktrees if tree.root != view.main_root)
    true = [tree for tree in others if Checkout(Path(tree.root)).main == view.root]
    main = [tree for tree in view.worktrees if tree.root == main_root]
    return msgspec.structs.replace(view, main_root=main_root, worktrees=(*main, *true))


def refuse_excluded_past(view: ProjectView, config: Config) -> None:
    """Raises UserError (REFUSED) if the view is of a main checkout that is excluded, for a worktree that is not."""
    if view.is_of_main and view.main_root is not None:
        refuse_excluded(view.main_root, config)


def settings_for_work(view: ProjectView, config: Config) -> ProjectSettings:
    """Returns the project's settings as they apply to its newest work; in a worktree without work, an exclusion of
    the main checkout counts too."""
    settings = project_settings(Path(view.root), config)
    if view.is_of_main and view.main_root is not None:  # an agent is about to work in the worktree
        excluded = project_settings(Path(view.main_root), config).excluded
        return msgspec.structs.replace(settings, excluded=settings.excluded or excluded)
    return settings.at(max((session.last_ms for session in view.sessions), default=settings.since_ms))


def facts_now(
    view: ProjectView, checkout: Checkout, last: GitFacts | None = None, *, git_s: float, for_now: bool = False
) -> Facts:
    """Returns the state of git in a checkout, and of the files that a handoff of the project would name; nothing of
    another machine's. If git is too slow, `last` stands in, marked as stale."""
    root = Path(view.root)
    wanted = wanted_files(view) if _is_here(root) else ()
    try:
        queries = wanted if checkout.root == root else ()
        git = git_facts(checkout, queries, timeout_s=git_s) if _is_here(checkout.root) else None
    except TimeoutError:
        git = msgspec.structs.replace(last, stale=True) if last is not None else None
    files = file_facts(root, wanted) if wanted else {}
    if git is not None:
        files |= {path: msgspec.structs.replace(files[path], undone=True) for path in git.undone if path in files}
        git = msgspec.structs.replace(git, undone=())  # it is stored, and its files' sessions may be forgotten
    return Facts(git, files, for_now=for_now, clock=on_this_machine)


def _is_here(root: Path) -> bool:
    return not is_foreign(str(root)) and is_folder(root)


def newest_first(db: sqlite3.Connection, view: ProjectView) -> Iterator[Happened]:
    """Yields the events of the view's sessions with their turns, newest first; reads only as many as are consumed."""
    return heapq.merge(*(_of_session(db, session) for session in view.sessions), key=lambda event: -event.at_ms)


def _of_session(db: sqlite3.Connection, view: SessionView) -> Iterator[Happened]:
    row = session_of(db, view.agent, view.session)
    turn = view.digest.prompts
    for at_ms, body in events_back(db, row.id) if row is not None else ():
        yield Happened(view, turn, at_ms, body)
        turn -= isinstance(body, UserPrompt) and body.begins_turn
