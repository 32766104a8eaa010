"""The pointer to the handoff in a project's AGENTS.md and CLAUDE.md: where it goes, and what is left alone.

AGENTS.md is made or appended to. A CLAUDE.md is never made, and gets the pointer only where it says something of its
own and neither is nor imports AGENTS.md. For Claude Code reads AGENTS.md (since 2.1.281) only where no CLAUDE.md has
a text: none, a blank one and one of comments leave AGENTS.md and the pointer in it to be read; a text of ours would
hide it, and nested AGENTS.md files with it. An import of AGENTS.md is no way out: from a session that starts in a
subfolder it leads outside, so `claude -p` drops it, and the terminal asks for leave first (2.0.65 to 2.1.328).
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from carryover.fsio import read_bytes_bounded, write_if_changed
from carryover.publish import pointer
from carryover.publish.appended import is_text
from carryover.publish.edits import AGENTS_MD, CLAUDE_MD, Edits, why

CODEX_LIMIT_BYTES: Final = 32 << 10
"""Codex cuts its project files off behind this (`project_doc_max_bytes`, codex-cli 0.169.0)."""

_SIZE_LIMIT_BYTES: Final = 256 << 10
_TEXT_SUFFIXES: Final = (".md", ".markdown", ".mdc", ".txt")


@dataclass(frozen=True, slots=True)
class MemoryFile:
    """AGENTS.md or CLAUDE.md as found. `data` is None where there is none, `problem` says why it can't be edited."""

    name: str
    path: Path
    data: bytes | None = None
    problem: str | None = None

    @property
    def text(self) -> bytes:
        return self.data or b""


def place_pointers(root: Path, edits: Edits) -> None:
    """Brings the pointer into the files of the project at `root`; files that are right already are not touched."""
    agents = look_at(root, AGENTS_MD)
    if agents.problem:
        edits.left_alone(AGENTS_MD, agents.problem)
    else:
        _point_from(agents, edits)
        if (root / "AGENTS.override.md").exists():
            edits.notes.append("AGENTS.override.md hides AGENTS.md, and the pointer in it, from Codex")
    claude = look_at(root, CLAUDE_MD)
    if _same_file(agents.path, claude.path):
        return
    if claude.problem:
        edits.left_alone(CLAUDE_MD, claude.problem)
    elif pointer.says_nothing(claude.text) or pointer.imports_agents_md(claude.text):
        _take_back(claude, edits)  # the user's own text is gone, or the import came, since we put it in
    else:
        _point_from(claude, edits)


def remove_pointers(root: Path, edits: Edits) -> None:
    """Takes our blocks out of the files that we put them in; an AGENTS.md that we made and nobody added to goes too."""
    for name in (CLAUDE_MD, AGENTS_MD):
        if name not in edits.mine:
            continue
        file = look_at(root, name)
        if file.problem:
            edits.left_alone(name, file.problem)
        else:
            _take_back(file, edits)


def look_at(root: Path, name: str) -> MemoryFile:
    """The file of that name in the project, and whether it may be edited.

    A symlink is followed only to a text file in the project: a cloned repository may bring links of any kind.
    """
    path, problem = _entry(root, name)
    if problem:
        return MemoryFile(name, path, problem=problem)
    try:
        found = path.lstat()
    except FileNotFoundError:
        return MemoryFile(name, path)
    except OSError as error:
        return MemoryFile(name, path, problem=why(error))
    if stat.S_ISLNK(found.st_mode) and (problem := _bad_link(root, path)):
        return MemoryFile(name, path, problem=problem)
    try:
        data = read_bytes_bounded(path, _SIZE_LIMIT_BYTES)
        problem = _bad_file(path.stat(), data)
    except OSError as error:
        return MemoryFile(name, path, problem=why(error))
    return MemoryFile(name, path, data, problem)


def _point_from(file: MemoryFile, edits: Edits) -> None:
    if not _note_odd_block(file, edits):
        return
    wanted = _with_pointer(file, ours=file.name in edits.mine)
    if wanted != file.data:
        edits.make(file.name, partial(_replace, file, wanted))


def _with_pointer(file: MemoryFile, *, ours: bool) -> bytes:
    """What the file should be. A block that is `ours` gets the present text; one of the repository's own keeps its."""
    if file.data is None:
        return pointer.NEW_FILE
    text = pointer.with_current_text(file.data) if ours else file.data
    if file.name != AGENTS_MD:
        return pointer.with_block(text, at_top=False)
    if pointer.block_end(text) > CODEX_LIMIT_BYTES:
        text = pointer.without_block(text)
    return pointer.with_block(text, at_top=pointer.length_with_block(text) > CODEX_LIMIT_BYTES)


def _take_back(file: MemoryFile, edits: Edits) -> None:
    if file.name in edits.mine and _note_odd_block(file, edits):
        edits.undo(file.name, partial(_take_out, file))


def _note_odd_block(file: MemoryFile, edits: Edits) -> bool:
    """False, with a note, where the markers are not as we set them."""
    match pointer.state(file.text):
        case "edited":
            edits.left_alone(file.name, "its Carryover block was edited by hand")
        case "broken":
            edits.left_alone(file.name, "one of the Carryover markers is missing")
        case _:
            return True
    return False


def _replace(file: MemoryFile, data: bytes) -> bool:
    try:
        now = read_bytes_bounded(file.path, _SIZE_LIMIT_BYTES)
    except FileNotFoundError:
        now = None
    if now != file.data:
        raise OSError(errno.EBUSY, "it changed at the same moment")
    return write_if_changed(file.path, data)


def _take_out(file: MemoryFile) -> bool:
    if file.name == AGENTS_MD and pointer.is_new_file(file.text) and not file.path.is_symlink():
        file.path.unlink()
        return True
    rest = pointer.without_block(file.text)
    return rest != file.text and _replace(file, rest)


def _entry(root: Path, name: str) -> tuple[Path, str | None]:
    """The folder's own spelling of `name`: where case makes no difference, AGENTS.md may be there as Agents.md."""
    try:
        with os.scandir(root) as entries:
            names = [entry.name for entry in entries]
    except OSError as error:
        return root / name, why(error)
    variants = [] if name in names else [other for other in names if other.casefold() == name.casefold()]
    if not variants:
        return root / name, None
    if _same_file(root / name, root / variants[0]):
        return root / variants[0], None
    return root / name, f"{variants[0]} is there, and the two would be one file on a Mac"


def _bad_link(root: Path, path: Path) -> str | None:
    top, target = Path(os.path.realpath(root)), Path(os.path.realpath(path))
    if not target.is_relative_to(top):
        return "it is a symlink that leads out of the project"
    inner = {".git", ".carryover"} & set(target.relative_to(top).parts)
    if inner or target.suffix.lower() not in _TEXT_SUFFIXES:
        return "it is a symlink to something that is no memory file"
    return None


def _bad_file(found: os.stat_result, data: bytes) -> str | None:
    if found.st_uid != os.geteuid():
        return "it belongs to another user"
    if not found.st_mode & stat.S_IWUSR:
        return "it is read-only"
    if found.st_nlink > 1:
        return "it has a second hard link, which an edit would cut off"
    if not is_text(data):
        return "it is not plain text"
    return None


def _same_file(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False
