"""Taking Carryover out of one project: pointers, ignore rules, and the folder with the handoff."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final

from carryover.configedit.json_document import Refused
from carryover.fsio import is_folder
from carryover.install.plan import Change, Edit, plan
from carryover.publish import pointer
from carryover.publish.edits import AGENTS_MD, CLAUDE_MD, GITIGNORE, LIST, Edits
from carryover.publish.gitignore import exclude_file, is_only_rule, without_rule
from carryover.publish.handoff_file import HANDOFF, STORE
from carryover.publish.memory_files import look_at
from carryover.publish.project_root import git_dir_of
from carryover.publish.published import PublishedProject

_REMEDY: Final = "Take out what Carryover added by hand."
_OURS: Final = (HANDOFF, LIST)


def project_edits(project: PublishedProject) -> Iterator[Edit]:
    """The edits of the user's files. Reads only, but that git is asked where it keeps its rules."""
    root = Path(project.root)
    mine = Edits(root / STORE).mine
    for name in (CLAUDE_MD, AGENTS_MD):
        if name in mine:
            yield _pointer_edit(root, name)
    if GITIGNORE in mine:
        yield _rule_edit(root / GITIGNORE)
    if (exclude := _exclude_file(root)) is not None:
        yield _rule_edit(exclude)


def store_files(project: PublishedProject) -> list[Path]:
    """What is ours in the folder with the handoff, and the folder itself at the end; nothing where it is a symlink."""
    folder = Path(project.folder)
    if not is_folder(folder) or folder.is_symlink():
        return []
    cut_off = sorted(folder.glob(".*.tmp"))
    return [*(path for name in _OURS if os.path.lexists(path := folder / name)), *cut_off, folder]


def _pointer_edit(root: Path, name: str) -> Edit:
    file = look_at(root, name)
    change = _change(file.path, "the pointer to the handoff", partial(_without_pointer, path=file.path, name=name))
    if file.problem is not None:
        return Edit(change, file.data, file.data, file.problem)
    return plan(change)


def _without_pointer(data: bytes | None, *, path: Path, name: str) -> bytes | None:
    if data is None:
        return None
    match pointer.state(data):
        case "edited":
            raise Refused("its Carryover block was edited by hand")
        case "broken":
            raise Refused("one of the Carryover markers is missing")
        case _:
            made_by_us = name == AGENTS_MD and pointer.is_new_file(data) and not path.is_symlink()
            return None if made_by_us else pointer.without_block(data)


def _rule_edit(path: Path) -> Edit:
    return plan(_change(path, "the rule that keeps .carryover out of git", _without_rule, follow=False))


def _without_rule(data: bytes | None) -> bytes | None:
    return None if data is None or is_only_rule(data) else without_rule(data)


def _exclude_file(root: Path) -> Path | None:
    """Where the rules lie that nobody shares; None where there are none."""
    if git_dir_of(root) is None:
        return None
    try:
        path = exclude_file(root)
        return path if path.exists() else None
    except OSError:
        return None


def _change(path: Path, what: str, edit: Callable[[bytes | None], bytes | None], *, follow: bool = True) -> Change:
    return Change(path=path, why=what, edit=edit, remedy=_REMEDY, follow=follow, backup=False)
