"""Decides which instruction files of a project get the pointer to the handoff; takes it in and out byte for byte.

AGENTS.md gets it at its end; it is created if missing, since agents that Carryover does not know read it too. CLAUDE.md
gets it only if it has text and neither is nor imports AGENTS.md: Claude Code reads AGENTS.md (since 2.1.281) only if no
CLAUDE.md has text, so text of ours would hide it. Importing AGENTS.md does not help: in a session that starts in a
subfolder the import leads outside, so `claude -p` drops it, and the terminal asks first (2.0.65 to 2.1.328). Hooks make
no difference: they can be off, unreviewed or too slow.
"""

from __future__ import annotations

import os
import re
from functools import partial
from itertools import takewhile
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from carryover.adapter.spec import AGENTS_MD
from carryover.agents import instruction_files
from carryover.errors import os_reason
from carryover.fsio import is_same, is_there
from carryover.outside.apply import Text
from carryover.outside.in_project import text_in
from carryover.text.markdown import fenced_lines, visible_text
from carryover.text.pattern import later
from carryover.text.user_text import BOM, EditRefused, is_text, newline_of, whole_file, with_lines, without_span

_WHAT: Final = "the pointer to the handoff"
START: Final = b"<!--CARRYOVER:START-->"
END: Final = b"<!--CARRYOVER:END-->"
_LINES: Final = (
    START,
    b"# Carryover handoff",
    b"If `.carryover/handoff.md` exists in this project, read it before starting",
    "work — it contains a bounded handoff from the previous session.".encode(),
    b"If your file tool refuses it as ignored, use `cat .carryover/handoff.md`.",
    b"If that file does not exist, no recent session was captured.",
    END,
)
"""Never changed: it is in files of every user's projects, and its words are how it is recognised there."""
NEW_FILE: Final = whole_file(_LINES)
POINTER_LINES: Final = len(_LINES)
_READ_BYTES: Final = 32_768
"""Of a longer AGENTS.md, some agent reads only so much (Codex 0.169.0, unless its settings say otherwise)."""
_IMPORT_OF_AGENTS: Final = later(r"(?<!\S)@(?:\./)?AGENTS\.md(?!\S)")
_COMMENT: Final = later(r"<!--.*?-->", re.DOTALL)
_WORDS: Final = rb"[ \t\r\n]+".join(re.escape(word) for line in _LINES for word in line.split())
_BLOCK: Final = later(rb"(?:\A|(?<=\n)|(?<=\A\xef\xbb\xbf))" + _WORDS + rb"(?=\r?\n|\Z)")
"""With any white space between its words: formatters put blank lines around the heading, and break lines elsewhere."""
_MARKER: Final = later(rb" {0,3}(" + START + b"|" + END + rb")\s*")
BlockState = Literal["absent", "intact", "edited", "broken"]
"""State of our block; the user repairs one that is `edited` (has another text) or `broken` (a marker is missing)."""


class HiddenFile(msgspec.Struct, frozen=True, kw_only=True):
    """An instruction file that the agent with this id ignores in favour of the file `by` next to it."""

    name: str
    by: str
    agent: str


def pointer(root: Path, name: str) -> Text:
    """Returns the pointer in an instruction file, whose removal deletes an AGENTS.md that we created and the user did
    not extend."""
    path, obstacle = _entry(root, name)
    put = partial(_with_pointer, name=name, root=root, path=path)
    text = text_in(root, name, _WHAT, put, lambda data, _: _without_pointer(data, name=name, path=path))
    return replace(text, path=path, is_in=has_block, follows=True, obstacle=obstacle)


def hidden_files(root: Path) -> tuple[HiddenFile, ...]:
    """Returns the instruction files of the project that some agent ignores, each with the file that it reads
    instead."""
    return tuple(
        HiddenFile(name=name, by=by, agent=agent)
        for name, readers in instruction_files().items()
        for agent, file in readers.items()
        for by in file.hidden_by
        if is_there(root / by)
    )


def _with_pointer(data: bytes | None, *, name: str, root: Path, path: Path) -> bytes | None:
    """Returns the new content of the file. The repository's own block stays as it is. Raises EditRefused."""
    if data is None:
        return NEW_FILE if name == AGENTS_MD else None
    if name != AGENTS_MD and not stands_alone(data):
        return data
    if _checked(data) == "intact":
        if name != AGENTS_MD or block_end(data) <= _READ_BYTES:
            return data
        data = without_block(data)
    elif path.is_symlink() and _is_in_other_repository(root, path):
        raise EditRefused("it is a symlink into another repository")
    return with_block(data, at_top=name == AGENTS_MD and len(with_lines(data, _LINES)) > _READ_BYTES)


def _is_in_other_repository(root: Path, path: Path) -> bool:
    """Whether a path leads into another repository below the project, such as a submodule."""
    top, target = (Path(os.path.realpath(one)) for one in (root, path))
    return any(is_there(folder / ".git") for folder in takewhile(top.__ne__, target.parents))


def _without_pointer(data: bytes, *, name: str, path: Path) -> bytes | None:
    _checked(data)
    if name == AGENTS_MD and is_only_ours(data, NEW_FILE) and not path.is_symlink():
        return None
    return without_block(data)


def _checked(data: bytes) -> BlockState:
    """Returns the state of our block. Raises EditRefused if the file is not text, or the markers are not as we wrote
    them."""
    if not is_text(data):
        raise EditRefused("it is not plain text")
    state = block_state(data)
    if state == "edited":
        raise EditRefused("its Carryover block has text that is not Carryover's")
    if state == "broken":
        raise EditRefused("one of the Carryover markers is missing")
    return state


def _entry(root: Path, name: str) -> tuple[Path, str | None]:
    """Returns the path of `name` in its actual spelling: on a case-insensitive disk AGENTS.md may be Agents.md."""
    try:
        names = os.listdir(root)  # noqa: PTH208 (only names are needed)
    except OSError as error:
        return root / name, os_reason(error)
    other = next((other for other in names if other.casefold() == name.casefold()), name)
    if name in names or other == name:
        return root / name, None
    if is_same(root / name, root / other):
        return root / other, None
    return root / name, f"{other} is there, and the two would be one file on a Mac"


def has_block(data: bytes) -> bool:
    """Whether anything of ours is in the text."""
    return block_state(data) != "absent"


def block_state(data: bytes) -> BlockState:
    """Returns the state of our block in the text. Markers inside a closed code fence are someone's example."""
    if _spans(data):
        return "intact"
    if START not in data and END not in data:
        return "absent"
    lines = _content_lines(data)
    hidden = fenced_lines(lines)
    candidates = (line for at, line in enumerate(lines) if b"<!--CARRYOVER:" in line and at not in hidden)
    markers = [match[1] for match in map(_MARKER.fullmatch, candidates) if match]
    if not markers:
        return "absent"
    return "edited" if markers == [START, END] * (len(markers) // 2) else "broken"


def with_block(data: bytes, *, at_top: bool) -> bytes:
    """Returns `data` with the block; unchanged if it already contains anything of ours, or is not text."""
    if not is_text(data) or block_state(data) != "absent":
        return data
    return with_lines(data, _LINES, at_top=at_top)


def without_block(data: bytes) -> bytes:
    """Returns `data` without our intact blocks: exactly what `with_block` was given."""
    for span in reversed(_spans(data)):
        data = without_span(data, span)
    return data


def is_only_ours(data: bytes, made: bytes) -> bool:
    """Whether the file has the block, and around it just what is around the one in `made`: for a head, with any white
    space."""
    found, ours = _around_block(data), _around_block(made)
    return START in data and (found == ours or found.split() == ours.split() != [])


def _around_block(data: bytes) -> bytes:
    return _BLOCK.sub(b"", data.replace(b"\r\n", b"\n"))


def block_end(data: bytes) -> int:
    """Returns the offset in bytes at which the first intact block ends; 0 if there is none."""
    spans = _spans(data)
    return spans[0][1] if spans else 0


def stands_alone(data: bytes) -> bool:
    """Whether an agent reads the text instead of AGENTS.md: it has one, and does not import that."""
    return not says_nothing(data) and not imports_agents_md(data)


def imports_agents_md(data: bytes) -> bool:
    """Whether the text imports the AGENTS.md beside it (Claude Code 2.1.328 ignores imports in code and comments)."""
    return _IMPORT_OF_AGENTS.search(visible_text(data)) is not None


def says_nothing(data: bytes) -> bool:
    """Whether the file is blank apart from our block and comments, which Claude Code 2.1.328 does not send."""
    text, closer, rest = without_block(data).decode("utf-8-sig", "replace").rpartition("-->")
    # Only up to the last closer: each opener after it would make the pattern scan to the end of the file.
    return not (_COMMENT.sub("", text + closer) + rest).strip()


def _spans(data: bytes) -> tuple[tuple[int, int, bytes], ...]:
    """Returns bounds and line ends of our intact blocks outside of code fences, in order."""
    if START not in data:
        return ()
    spans = [(found.start(), found.end(), newline_of(found[0])) for found in _BLOCK.finditer(data)]
    hidden = fenced_lines(_content_lines(data)) if spans else ()
    return tuple(span for span in spans if not hidden or data.count(b"\n", 0, span[0]) not in hidden)


def _content_lines(data: bytes) -> list[bytes]:
    return data.removeprefix(BOM).split(b"\n")
