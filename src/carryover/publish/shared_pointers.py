"""Puts the pointer into files that are meant to be committed, only once per repository: if git removes it, it stays
removed.

Until it is committed, git refuses a checkout, a merge or a `stash pop` that would overwrite it. If it were written
again each time, these would never succeed. A text that HEAD has comes and goes with git.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from carryover.adapter.spec import AGENTS_MD
from carryover.agents import instruction_files
from carryover.fsio import is_same, is_there
from carryover.outside.apply import plan_edit
from carryover.outside.in_project import Pass
from carryover.outside.journal import write_down
from carryover.outside.listed import Listed
from carryover.platform import here
from carryover.probe.checkout import Checkout
from carryover.probe.git_notes import git_notes
from carryover.probe.ignore_rules import GITIGNORE
from carryover.publish.pointers import block_state, pointer, stands_alone
from carryover.publish.store import holds_folders_with

_TIMEOUT_S: Final = 1.0


def place_shared_pointers(edits: Pass, agents: Collection[str] | None = None, agreed_ms: int = 0) -> set[str]:
    """Puts the pointer into AGENTS.md and whatever else one of `agents` (None: any) reads, where it may be written
    under this agreement (see `ProjectSettings.agreed_ms`), and returns the files in which ours may stay. Blocks (git).
    """
    if edits.checkout.git_dir is None and holds_folders_with(edits.root, ".git"):  # theirs too (Claude Code 2.1.328)
        edits.left_alone(AGENTS_MD, "the folder holds repositories, and its text would apply to each of them")
        return {GITIGNORE, *instruction_files()}
    shared, kept = pointer(edits.root, AGENTS_MD).path, {GITIGNORE}
    wanted = [
        name
        for name, readers in instruction_files().items()
        if name == AGENTS_MD or agents is None or not readers.keys().isdisjoint(agents)
    ]
    for name in wanted:
        edit = plan_edit(pointer(edits.root, name))
        is_linked = name != AGENTS_MD and is_same(shared, edit.path)
        if name != AGENTS_MD and not is_linked and edit.before is not None and not stands_alone(edit.before):
            continue  # since ours came in, the user's own text was removed, or the import added
        kept.add(name)
        if is_linked or (edit.changes and not _may_write(edits, agreed_ms, name)):
            continue
        edits.carry_out(edit)
    return kept


def _may_write(edits: Pass, agreed_ms: int, name: str) -> bool:
    """Whether a file may get our text: if it is the first time under this agreement, or if other files have that text
    in HEAD."""
    checkout = edits.checkout
    if git_notes(checkout).under_way == "rebase":  # git continues it only while no tracked file is changed
        return False
    if not is_there(edits.root / name):
        try:
            if checkout.is_tracked(name):  # as in a sparse checkout: ours would be all that is in the file
                return False
        except OSError:
            return False
    placed = _placed(edits, agreed_ms)
    return not placed or (name not in placed and bool(committed_names(checkout)))


def _placed(edits: Pass, agreed_ms: int) -> set[str]:
    """Returns the files that had our text in any checkout of the repository, under this agreement."""
    same = (str(repository_path(edits.checkout)), agreed_ms)
    return {one.name for one in edits.journal.live if one.form == "once" and (one.repository, one.agreed_ms) == same}


def list_placed(edits: Pass, agreed_ms: int) -> None:
    """Lists what is in the files of a checkout now, which is not written again under this agreement. Raises OSError."""
    root, repository = edits.root, str(repository_path(edits.checkout))
    names = present_names(root, instruction_files().keys() - _placed(edits, agreed_ms))
    new = Listed(path="", form="once", root=str(root), repository=repository, agreed_ms=agreed_ms)
    write_down(edits.state, *(replace(new, path=str(root / name)) for name in sorted(names)))


def list_none_placed(edits: Pass) -> None:
    """Lists that all may be written again in a checkout. Raises OSError."""
    listed = (one for one in edits.journal.live if one.form == "once" and one.root == str(edits.root))
    write_down(edits.state, *(replace(one, gone=True) for one in listed))


def repository_path(checkout: Checkout) -> Path:
    """Returns the path that all checkouts of one repository share: git's data folder; the root itself outside of
    git."""
    return Path(here().canonical(checkout.common)) if checkout.common is not None else checkout.root


def present_names(root: Path, names: Iterable[str] | None = None) -> set[str]:
    """Returns which files of the checkout, of all that agents read or of these, have our text."""
    names = instruction_files() if names is None else names
    return {name for name in names if block_state(pointer(root, name).found()) == "intact"}


def committed_names(checkout: Checkout) -> set[str]:
    """Returns which of the files that agents read have our text in HEAD; none if git does not answer. Blocks."""
    try:
        contents = checkout.in_commit("HEAD", list(instruction_files()), time.monotonic() + _TIMEOUT_S)
    except OSError:
        return set()
    return {name for name, content in contents.items() if block_state(content) == "intact"}
