"""Lists the files of a project, and reads the text of one. Blocking and bounded."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from carryover.errors import os_reason
from carryover.fsio import read_bytes_bounded
from carryover.probe.files import LARGEST_BYTES, is_inside
from carryover.probe.git_command import output_of

MOST_PATHS: Final = 20_000
_GIT_S: Final = 5.0
_DEEPEST: Final = 8
_WOULD_ADD: Final = b"?"
_LS_FILES: Final = ("ls-files", "-z", "-t", "--cached", "--others", "--exclude-standard", "--deduplicate")
_NOT_WORK: Final = frozenset(
    "node_modules bower_components vendor dist build out target venv env __pycache__ site-packages coverage tmp".split()
)
"""Folders without the user's work, for projects without git."""


def project_paths(root: Path) -> tuple[tuple[str, ...], frozenset[str]]:
    """Returns the files of the project at `root`, relative to it and sorted: those that git tracks or would add, and
    which of them it would add. Without git, all files in its folders but hidden and generated ones. At most 20,000;
    names that are not UTF-8 are left out."""
    listed = output_of(root, *_LS_FILES, timeout_s=_GIT_S)
    tagged = [(each[:1], os.fsdecode(each[2:])) for each in (listed or b"").split(b"\0") if each]
    found = _by_walking(root) if listed is None else (name for _, name in tagged)
    printable = (name for name in found if name.isprintable())  # neither half a surrogate pair nor a line end
    names = tuple(sorted(islice(printable, MOST_PATHS)))
    return names, frozenset(name for tag, name in tagged if tag == _WOULD_ADD).intersection(names)


def _by_walking(root: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(root):
        below = Path(folder).relative_to(root)
        shown = sorted(name for name in folders if not name.startswith(".") and name.lower() not in _NOT_WORK)
        folders[:] = shown if len(below.parts) < _DEEPEST else []
        yield from ((below / name).as_posix() for name in sorted(files))


def project_text(root: Path, path: str, *, limit_bytes: int = LARGEST_BYTES) -> str:
    """Returns the text of a regular file inside `root`. Folders in its path may be symlinks inside `root`; the file may
    not. Raises ValueError if it is not text, and OSError if it is missing, larger than the limit, or outside."""
    top = os.path.realpath(root)
    folder = os.path.realpath((root / path).parent)
    if folder != top and not is_inside(folder, top):
        raise PermissionError(f"{path} is outside of the project")
    data = read_bytes_bounded(Path(folder) / Path(path).name, limit_bytes, follow=False)
    if b"\0" in data:
        raise ValueError("not a text")
    return data.decode("utf-8-sig")


def why_unread(error: OSError | ValueError) -> str:
    """Returns why `text_of` failed, for people, without the path."""
    if isinstance(error, OSError):
        return "a symlink" if error.errno == errno.ELOOP else os_reason(error)
    return "not text"
