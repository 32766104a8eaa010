"""Makes one project's handoff and writes it to the project's files. Blocks.

A project whose history was read only because a command printed something gets no file until an agent works there again.
"""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Callable, Collection
from contextlib import closing
from functools import partial
from pathlib import Path

import msgspec

from carryover.agents import adapters
from carryover.config import Config, handoffs_elsewhere, project_settings
from carryover.distill.header import PLACEHOLDER
from carryover.distill.render import names_page
from carryover.facts import GitFacts, is_foreign
from carryover.fsio import is_folder, is_there, read_bytes_bounded
from carryover.ledger.connect import connect_read_only
from carryover.ledger.queries import agents_in, changed_since_published, has_only_pins, project_by_id
from carryover.ledger.rows import ProjectRow
from carryover.probe.checkout import Checkout
from carryover.probe.git import TIMEOUT_S
from carryover.probe.looks import give_up_if_late
from carryover.projects.handoff_file import HANDOFF, STORE, Published, write_handoff
from carryover.projects.policy import AWAITS_WORK, TAKEN_OUT, refusal
from carryover.projects.root import StatePaths
from carryover.publish.loaded_files import write_loaded_files
from carryover.publish.make import MadeHandoff, made_handoff
from carryover.publish.project_files import publish
from carryover.redact import CleanText


def refresh(
    paths: StatePaths,
    project_id: int,
    config: Config,
    *,
    now_ms: int,
    last_git: GitFacts | None = None,
    newest: bool = True,
    git_s: float = TIMEOUT_S,
    asked: Collection[str] | None = None,
    started: bool = False,
) -> MadeHandoff:
    """Makes the handoff of a project and writes it to the project's files.

    `newest`: this project changed last, so its handoff is written to the state folder too. Git gets at most `git_s`.
    `asked`: the roots that commands asked about; a project that only they had read waits for work. `started`: a session
    has started there, so if there is nothing to hand over, its file says so. Raises LookupError for an unknown project
    and UserError if the ledger can't be read.
    """
    with closing(connect_read_only(paths.state.ledger)) as db:
        if asked is not None:
            refused = refused_before_work(db, project_id, config, asked=asked, started=started)
            if refused is not None:
                return refused
        made = made_handoff(db, project_id, config, now_ms=now_ms, last_git=last_git, git_s=git_s)
        if not started and _was_taken_out(project_by_id(db, project_id), made, config):
            return msgspec.structs.replace(made, published=Published(refusal=TAKEN_OUT, passing=True))
    give_up_if_late()
    made = put_in_place(made, config, paths, newest=newest)
    return with_placeholder(made, paths) if started else made


def _was_taken_out(project: ProjectRow | None, made: MadeHandoff, config: Config) -> bool:
    """Whether the folder of the last handoff is gone from a worktree. Git may be removing the worktree, which fails if
    the folder is made again meanwhile. So one publication is skipped; upkeep makes the next if the worktree remains.
    """
    if project is None or project.main_root is None or project.published_sha is None or project.refusal is not None:
        return False
    root = Path(project.root)
    is_gone = made.settings.folder is None and is_folder(root) and not is_folder(root / STORE)
    return is_gone and not is_there(handoffs_elsewhere(root, config.kept_in) / HANDOFF)  # else it was never inside


def put_in_place(made: MadeHandoff, config: Config, paths: StatePaths, *, newest: bool) -> MadeHandoff:
    """Writes a handoff as `refresh` does, and sets `published`."""
    if is_foreign(made.root):
        return msgspec.structs.replace(made, handoff=None, text=None)
    if made.text is None:
        return made
    published = _published(made, made.text, paths, partial(write_loaded_files, made, config))
    if newest and not made.settings.excluded:
        # A copy for people to look at, in a folder which the user may have linked to another disk.
        write_handoff(paths.state.root.resolve(), made.text, sync="never")
    return msgspec.structs.replace(made, published=published)


def awaits_handoff(root: Path, config: Config, paths: StatePaths) -> bool:
    """Whether the project at `root` may have a handoff but has none yet, or only the placeholder."""
    settings = project_settings(root, config)
    if settings.excluded is not None or not _is_free(settings.folder or root / STORE):
        return False
    return settings.folder is not None or refusal(Checkout(root), paths) is None


def with_placeholder(made: MadeHandoff, paths: StatePaths) -> MadeHandoff:
    """Publishes the placeholder, with all that accompanies a handoff, if there is neither content nor a handoff yet."""
    root = Path(made.root)
    if made.text is not None or not _is_free(made.settings.folder or root / STORE):
        return made
    return msgspec.structs.replace(made, published=_published(made, PLACEHOLDER, paths))


def _published(made: MadeHandoff, text: CleanText, paths: StatePaths, beside: Callable[[], bool] = bool) -> Published:
    has_page = made.handoff is not None and names_page(made.handoff, text)
    return publish(Path(made.root), text, made.settings, paths, beside=beside, has_page=has_page)


def _is_free(folder: Path) -> bool:
    """Whether there is no handoff, or only the placeholder, whose writer may have been interrupted."""
    placeholder = PLACEHOLDER.encode()
    try:
        return read_bytes_bounded(folder / HANDOFF, len(placeholder), follow=False) == placeholder
    except FileNotFoundError:
        return True
    except OSError as error:
        return error.errno == errno.ENOTDIR


def refused_before_work(
    db: sqlite3.Connection, project_id: int, config: Config, *, asked: Collection[str], started: bool = False
) -> MadeHandoff | None:
    """Returns the refusal for a project whose history was read only because its root is in `asked`, or of which only
    pins are recorded; None for others. Blocks.

    `started`: whether a session has started there, which has recorded nothing yet.
    """
    project = project_by_id(db, project_id)
    if project is None or project.published_sha is not None:
        return None
    if has_only_pins(db, project_id):
        awaits = not started
    elif project.published_ms is not None:
        awaits = project.refusal == AWAITS_WORK and not changed_since_published(db, project.id)
    else:
        in_projects = {agent.id for agent in adapters().values() if agent.in_projects}
        agents = agents_in(db, project.id)  # none if a session has only started there
        awaits = project.root in asked and bool(agents) and agents <= in_projects
    if not awaits:
        return None
    settings = project_settings(Path(project.root), config)
    refused = Published(refusal=AWAITS_WORK)
    return MadeHandoff(root=project.root, settings=settings, handoff=None, text=None, git=None, published=refused)
