"""Makes a project's handoff: view, git, files, distil. Whatever hands over, publishes, answers or exports begins here.

Blocks; writes nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from carryover.agents import agent_names, instruction_files, startable_agents
from carryover.config import Config, ProjectSettings, project_settings
from carryover.distill.handoff import Handoff, distill, has_past, wanted_files
from carryover.distill.render import render
from carryover.distill.view import ProjectView
from carryover.edits.record import GITIGNORE
from carryover.facts import Facts, FileFacts, GitFacts
from carryover.fsio import is_folder
from carryover.ledger.queries import by_last_use
from carryover.probe.files import file_facts
from carryover.probe.git import TIMEOUT_S, git_facts
from carryover.probe.git_diff import OwnWrites
from carryover.projects.handoff_file import STORE, Published, sha_of
from carryover.projects.root import AgentFolders, agents_checkouts
from carryover.publish.gitignore import without_rule
from carryover.publish.pointer import without_block
from carryover.publish.project_view import project_view
from carryover.redact import CleanText


class Refreshed(msgspec.Struct, frozen=True, kw_only=True):
    """A project's handoff, and the result of publishing it. `handoff` and `text` are None if there is nothing to hand
    over."""

    root: str
    settings: ProjectSettings
    handoff: Handoff | None
    text: CleanText | None
    git: GitFacts | None
    """For the next refresh, in case git does not answer in time then."""
    published: Published = Published()

    @property
    def sha(self) -> str | None:
        """The fingerprint of the text, which shows whether the last published one differed."""
        return sha_of(self.text.encode()) if self.text is not None else None


def made_handoff(
    db: sqlite3.Connection,
    project_id: int,
    config: Config,
    *,
    now_ms: int,
    last_git: GitFacts | None = None,
    agents_own: AgentFolders | None = None,
    own: str | None = None,
) -> Refreshed:
    """The project's handoff as it would be published now; nothing is written. Raises LookupError: unknown project.

    With `own` the work of that session leads.
    """
    view = view_now(db, project_id, agents_own)
    root = Path(view.root)
    settings = project_settings(root, config)
    if not has_past(view):
        return Refreshed(root=view.root, settings=settings, handoff=None, text=None, git=last_git)
    facts = Facts(git_now(root, last_git), files_now(view))
    startable = by_last_use(db, startable_agents(config.agents.selected), project_id)
    handoff = make(view, facts, now_ms=now_ms, resume=settings.resume_mode, own=own, startable=startable)
    text = render(handoff) if handoff is not None else None
    return Refreshed(root=view.root, settings=settings, handoff=handoff, text=text, git=facts.git)


def make(
    view: ProjectView,
    facts: Facts,
    *,
    now_ms: int,
    resume: str,
    own: str | None = None,
    startable: Sequence[str] = (),
    names: Mapping[str, str] | None = None,
) -> Handoff | None:
    """The handoff of a project as `distill` makes it; None if nothing happened in it.

    `names`: those of agents, by id, if others than the known ones may occur.
    """
    return distill(
        view,
        facts,
        resume=resume,
        now_ms=now_ms,
        own=own,
        startable=startable,
        agent_names=agent_names() if names is None else names,
    )


def view_now(db: sqlite3.Connection, project_id: int, agents_own: AgentFolders | None) -> ProjectView:
    """The ledger's view of a project with its current checkouts. Raises LookupError: unknown project."""
    view = project_view(db, project_id)
    return msgspec.structs.replace(view, checkouts=agents_checkouts(Path(view.root), agents_own=agents_own))


def git_now(root: Path, last: GitFacts | None = None, *, timeout_s: float = TIMEOUT_S) -> GitFacts | None:
    """Git's state now or, if git is too slow, the `last` known one, marked as stale. None without a repository."""
    try:
        return git_facts(root, own=own_writes(), timeout_s=timeout_s) if is_folder(root) else None
    except TimeoutError:
        return msgspec.structs.replace(last, stale=True) if last is not None else None


def own_writes() -> OwnWrites:
    """Carryover's own writes in a project, for the probe that counts what others changed there."""
    return OwnWrites(
        folder=STORE, without={**dict.fromkeys(instruction_files(), without_block), GITIGNORE: without_rule}
    )


def files_now(view: ProjectView) -> dict[str, FileFacts]:
    """Facts of the files that a handoff of the project would name, as they are now."""
    root = Path(view.root)
    return file_facts(root, wanted_files(view)) if is_folder(root) else {}
