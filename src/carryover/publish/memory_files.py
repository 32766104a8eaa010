"""The pointer to the handoff in a project's AGENTS.md and CLAUDE.md: where it goes, and what is left alone.

Claude Code reads AGENTS.md only where no CLAUDE.md has a text (2.1.281 and later); so a CLAUDE.md that would say
nothing but our pointer imports AGENTS.md instead. That also holds where `.claude/CLAUDE.md` or `CLAUDE.local.md` hides
AGENTS.md: a CLAUDE.md with only the pointer would hide it from everyone who has no such file.
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
_OTHER_CLAUDE_FILES: Final = (Path(".claude") / CLAUDE_MD, Path("CLAUDE.local.md"))


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
    """Brings the pointer into both files of the project at `root`; files that hold it already are not touched."""
    agents = look_at(root, AGENTS_MD)
    points = _point_from_agents(agents, edits)
    if not agents.problem and (root / "AGENTS.override.md").exists():
        edits.notes.append("AGENTS.override.md hides AGENTS.md, and the pointer in it, from Codex")
    claude = look_at(root, CLAUDE_MD)
    if _same_file(agents.path, claude.path):
        return
    if claude.problem:
        edits.left_alone(CLAUDE_MD, claude.problem)
    elif pointer.says_nothing(claude.text):
        _point_from_blank_claude(root, claude, edits, agents_point=points)
    elif not pointer.imports_agents_md(claude.text):
        _append(claude, edits)


def remove_pointers(root: Path, edits: Edits) -> None:
    """Takes our blocks out of the files that we put them in; a file that has nothing else goes too."""
    for name in (CLAUDE_MD, AGENTS_MD):
        if name not in edits.mine:
            continue
        file = look_at(root, name)
        if file.problem:
            edits.left_alone(name, file.problem)
        elif _note_odd_block(file, edits):
            edits.undo(name, partial(_take_out, file))


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


def _point_from_agents(agents: MemoryFile, edits: Edits) -> bool:
    """Whether AGENTS.md leads to the handoff now."""
    if agents.problem:
        edits.left_alone(AGENTS_MD, agents.problem)
        return False
    if agents.data is None:
        _write(edits, agents, pointer.new_file(pointer.POINTER))
    else:
        _append(agents, edits)
    return agents.name in edits.done or pointer.state(agents.text) != "absent"


def _point_from_blank_claude(root: Path, claude: MemoryFile, edits: Edits, *, agents_point: bool) -> None:
    if not agents_point:
        edits.left_alone(CLAUDE_MD, f"it would lead to an {AGENTS_MD} without the pointer")
    elif claude.data is None:
        if not _imported_elsewhere(root):
            _write(edits, claude, pointer.new_file(pointer.IMPORT))
    elif pointer.state(claude.data) == "intact":
        # The user's own text is gone: what is left of the file would hide AGENTS.md.
        importing = pointer.with_body(claude.data, pointer.IMPORT)
        if importing != claude.data:
            _write(edits, claude, importing)
    elif _note_odd_block(claude, edits):
        _write(edits, claude, pointer.with_block(claude.data, pointer.IMPORT, at_top=False))


def _append(file: MemoryFile, edits: Edits) -> None:
    match pointer.state(file.text):
        case "absent":
            wanted = _with_pointer(file.name, file.text)
        case "intact" if file.name == AGENTS_MD and pointer.block_end(file.text) > CODEX_LIMIT_BYTES:
            wanted = _with_pointer(file.name, pointer.without_block(file.text))
        case "intact":
            # An import of itself, where the two files have been made one.
            wanted = pointer.with_body(file.text, pointer.POINTER)
        case _:
            _note_odd_block(file, edits)
            return
    if wanted != file.text:
        _write(edits, file, wanted)


def _with_pointer(name: str, text: bytes) -> bytes:
    at_top = name == AGENTS_MD and pointer.length_with_block(text, pointer.POINTER) > CODEX_LIMIT_BYTES
    return pointer.with_block(text, pointer.POINTER, at_top=at_top)


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


def _imported_elsewhere(root: Path) -> bool:
    """Whether a further CLAUDE file brings AGENTS.md to Claude Code already."""
    for relative in _OTHER_CLAUDE_FILES:
        try:
            data = read_bytes_bounded(root / relative, _SIZE_LIMIT_BYTES, follow=False)
        except OSError:
            continue
        if pointer.imports_agents_md(data, folders_up=len(relative.parts) - 1):
            return True
    return False


def _write(edits: Edits, file: MemoryFile, data: bytes) -> None:
    edits.make(file.name, partial(_replace, file, data))


def _replace(file: MemoryFile, data: bytes) -> bool:
    try:
        now = read_bytes_bounded(file.path, _SIZE_LIMIT_BYTES)
    except FileNotFoundError:
        now = None
    if now != file.data:
        raise OSError(errno.EBUSY, "it changed at the same moment")
    return write_if_changed(file.path, data)


def _take_out(file: MemoryFile) -> bool:
    if pointer.is_new_file(file.text) and not file.path.is_symlink():
        file.path.unlink()
        return True
    return _replace(file, pointer.without_block(file.text))


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
