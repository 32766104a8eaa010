"""Finds the files of a project that tell agents how to work there: instructions, rules, skills. Blocking."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from carryover.agents import instruction_files, specs
from carryover.export.material import GuidingFile, LeftOut, is_secret_name
from carryover.probe.files import text_of, why_unread
from carryover.publish import pointers


def guidance(root: Path, paths: Sequence[str]) -> tuple[tuple[GuidingFile, ...], list[LeftOut]]:
    """Returns the files that tell agents how to work in the project at `root`, and those of them that are left out.

    Only files among `paths` count; ignored files are not read. Carryover's own block is removed.
    """
    found = []
    left_out = []
    for path in filter(_guides(), paths):
        try:
            data = text_of(root, _target(root, path, paths)).encode()
        except (OSError, ValueError) as error:
            left_out.append(LeftOut(path, why_unread(error)))
            continue
        if not pointers.says_nothing(data):
            found.append(GuidingFile(path=path, text=pointers.without_block(data).decode()))
    ignored = [name for name in _instruction_names() if name not in paths and (root / name).is_file()]
    left_out += [LeftOut(name, "git ignores it") for name in ignored if not _says_nothing(root, name)]
    return tuple(found), left_out


def _target(root: Path, path: str, paths: Sequence[str]) -> str:
    """Returns the file of the project that an instruction file is a symlink to; otherwise the path itself."""
    if not (root / path).is_symlink():
        return path
    target = os.path.relpath(os.path.realpath(root / path), os.path.realpath(root))
    return target if target in paths and not is_secret_name(target) else path


def _says_nothing(root: Path, name: str) -> bool:
    try:
        return pointers.says_nothing(text_of(root, name).encode())
    except (OSError, ValueError):
        return False


def _instruction_names() -> tuple[str, ...]:
    files = [(name, file) for name, readers in instruction_files().items() for file in readers.values()]
    return tuple(dict.fromkeys(name for own, file in files for name in (own, *file.hidden_by)))


def _guides() -> Callable[[str], bool]:
    """Returns a function that tells whether an agent takes instructions, rules or skills from a path."""
    names = frozenset(_instruction_names())
    globs = sorted({pattern for spec in specs() for pattern in spec.guidance})
    patterns = re.compile("|".join(re.escape(glob).replace(r"\*", "[^/]*") for glob in globs))
    return lambda path: path.rpartition("/")[2] in names or patterns.fullmatch(path) is not None
