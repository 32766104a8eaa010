"""Makes a project's handoff: view, git, files, distil. Whatever hands over, publishes, answers or exports begins here.

Blocks; writes nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from carryover.agents import agent_names, instruction_files
from carryover.distill.handoff import Handoff, distill, wanted_files
from carryover.distill.view import ProjectView
from carryover.edits.record import GITIGNORE
from carryover.facts import FileFacts, GitFacts
from carryover.fsio import is_folder
from carryover.probe.files import file_facts
from carryover.probe.git import TIMEOUT_S, git_facts
from carryover.probe.git_diff import OwnWrites
from carryover.publish.gitignore import without_rule
from carryover.publish.handoff_file import STORE
from carryover.publish.pointer import without_block
from carryover.publish.project_root import AgentFolders, agents_checkouts
from carryover.publish.project_view import project_view


def make(
    view: ProjectView,
    git: GitFacts | None,
    *,
    now_ms: int,
    resume: str,
    own: str | None = None,
    startable: Sequence[str] = (),
    names: Mapping[str, str] | None = None,
    files: Mapping[str, FileFacts] | None = None,
) -> Handoff | None:
    """The handoff of a project as `distill` makes it; None where nothing happened in it.

    `names`: those of agents, by id, where others than the known ones may occur. `files`: facts of the files that the
    handoff would name, by path; None: as they are now.
    """
    return distill(
        view,
        git,
        _files_now(view) if files is None else files,
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
    """Git's state now or, where git is too slow, the `last` known one, marked as stale. None without a repository."""
    try:
        return git_facts(root, own=own_writes(), timeout_s=timeout_s) if is_folder(root) else None
    except TimeoutError:
        return msgspec.structs.replace(last, stale=True) if last is not None else None


def own_writes() -> OwnWrites:
    """What Carryover itself writes into a project, for the probe that counts what others changed there."""
    return OwnWrites(
        folder=STORE, without={**dict.fromkeys(instruction_files(), without_block), GITIGNORE: without_rule}
    )


def _files_now(view: ProjectView) -> dict[str, FileFacts]:
    root = Path(view.root)
    return file_facts(root, wanted_files(view)) if is_folder(root) else {}
