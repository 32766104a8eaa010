"""Makes one project's handoff as it is published, and writes it to the project's files. Blocks."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import msgspec

from carryover.agents import adapters, startable_agents
from carryover.config import Config, ProjectSettings, project_settings
from carryover.distill.handoff import Handoff, has_past
from carryover.distill.render import render
from carryover.edits.record import PublishedProject, published_projects, remember_project
from carryover.errors import os_reason
from carryover.facts import GitFacts
from carryover.fsio import is_folder
from carryover.ledger.connect import connect_read_only
from carryover.publish.handoff_file import STORE, place_of, sha_of, write_handoff
from carryover.publish.make import git_now, make, view_now
from carryover.publish.offline_answers import forget_answers, keep_answers
from carryover.publish.project_files import Published, publish, take_back
from carryover.publish.project_root import AgentFolders
from carryover.redact import CleanText


class Refreshed(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one refresh. `handoff` and `text` are None where there is nothing to hand over yet."""

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
    git = git_now(root, last_git)
    handoff = make(
        view,
        git,
        now_ms=now_ms,
        resume=settings.resume_mode,
        own=own,
        startable=startable_agents(config.agents.selected),
    )
    text = render(handoff) if handoff is not None else None
    return Refreshed(root=view.root, settings=settings, handoff=handoff, text=text, git=git)


def refresh(
    ledger: Path,
    project_id: int,
    config: Config,
    *,
    state: Path,
    home: Path,
    now_ms: int,
    last_git: GitFacts | None = None,
    newest: bool = True,
    agents_own: AgentFolders | None = None,
) -> Refreshed:
    """Makes the handoff of a project and writes it to the project's files, as far as they differ.

    `newest`: this project changed last, so its handoff is also written to the `state` folder. That also holds the
    answers for sessions that start while no daemon runs, as long as the project may be published.
    Raises LookupError for an unknown project and UserError where the ledger cannot be read.
    """
    db = connect_read_only(ledger)
    try:
        made = made_handoff(db, project_id, config, now_ms=now_ms, last_git=last_git, agents_own=agents_own)
    finally:
        db.close()
    return put_in_place(made, config, state=state, home=home, newest=newest, agents_own=agents_own)


def put_in_place(
    made: Refreshed,
    config: Config,
    *,
    state: Path,
    home: Path,
    newest: bool,
    agents_own: AgentFolders | None = None,
) -> Refreshed:
    """Writes a handoff to the project's files, as `refresh` does. The result has `published`."""
    if made.text is None:
        return made
    notes = _taken_back(state, made)
    published = publish(Path(made.root), made.text, made.settings, home=home, agents_own=agents_own)
    published = msgspec.structs.replace(published, notes=(*published.notes, *notes))
    if published.refusal is None:
        published = _remember(state, made, published)
    if newest and not made.settings.excluded:
        write_handoff(state, made.text)
    note = _update_offline_answers(state, made, published, config, home)
    if note is not None:
        published = msgspec.structs.replace(published, notes=(*published.notes, note))
    return msgspec.structs.replace(made, published=published)


def _taken_back(state: Path, made: Refreshed) -> tuple[str, ...]:
    """Takes everything out of a project whose settings are `off` now; returns what had to stay, and why."""
    root = Path(made.root)
    if made.settings.pointers != "off" or made.settings.excluded or not is_folder(root / STORE):
        return ()
    try:
        if PublishedProject(made.root, str(root / STORE)) not in published_projects(state):
            return ()  # it came with the repository
        return tuple(take_back(root, made.settings).notes)
    except OSError as error:
        return (f"what was written into the project is still there: {os_reason(error)}",)


def _remember(state: Path, made: Refreshed, published: Published) -> Published:
    folder = made.settings.folder or Path(made.root) / STORE
    try:
        remember_project(state, PublishedProject(made.root, str(folder)))
    except OSError as error:
        note = f"the project is missing from the list that uninstall uses: {os_reason(error)}"
        return msgspec.structs.replace(published, notes=(*published.notes, note))
    return published


def _update_offline_answers(
    state: Path, made: Refreshed, published: Published, config: Config, home: Path
) -> str | None:
    """Updates the offline answers to what was published; returns why that failed, as a sentence for people, or None."""
    try:
        if made.handoff is None or published.refusal is not None or made.root == os.path.realpath(home):
            forget_answers(state, made.root)
        else:
            # One that was not selected has no hook of ours; for all eight, a line of a transcript would write 60 files.
            forms = {
                agent.id: agent.hooks
                for agent in adapters().values()
                if agent.hooks is not None and config.selects(agent.id)
            }
            file = place_of(made.settings.folder)
            keep_answers(state, made.root, made.handoff, forms, stale_days=config.resume.stale_days, file=file)
    except OSError as error:
        return f"there is no answer for sessions that start while the daemon is down: {os_reason(error)}"
    return None
