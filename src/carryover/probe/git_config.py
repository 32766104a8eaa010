"""Detects the filter programs that a repository's own configuration names, if possible without git."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from carryover.fsio import is_gone, read_bytes_bounded

_LIMIT_BYTES: Final = 64 << 10
_MAY_NAME_PROGRAMS: Final = (b"filter", b"include")
_PROGRAM_SETTING: Final = re.compile(r"filter\..*\.(clean|smudge|process|required)", re.DOTALL)


def names_no_filter(root: Path) -> bool:
    """Whether the configuration of the repository at `root` certainly names no filter program.

    This saves a git process for an ordinary checkout, whose configuration neither has the word nor includes another
    file. Returns False if it may name one, or if its files are elsewhere, as a worktree's are. Blocks.
    """
    folder = root / ".git"
    if not folder.is_dir() or not is_gone(folder / "commondir"):
        return False
    return all(_is_harmless(folder / name) for name in ("config", "config.worktree"))


def _is_harmless(file: Path) -> bool:
    try:
        text = read_bytes_bounded(file, _LIMIT_BYTES).lower()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return not any(word in text for word in _MAY_NAME_PROGRAMS)


def switched_off(listed: bytes) -> list[str] | None:
    """Returns settings that disable the filter programs in the repository's own configuration; the user's stay.

    `listed` is the output of `git config --null --show-scope`. Returns None if one of their names can't be disabled.
    """
    overrides = []
    fields = listed.decode(errors="surrogateescape").split("\0")
    for scope, setting in zip(fields[::2], fields[1::2], strict=False):
        name = setting.partition("\n")[0]
        if scope in ("local", "worktree") and _PROGRAM_SETTING.fullmatch(name):
            if "=" in name:
                return None
            overrides.append(f"{name}={'false' if name.endswith('required') else ''}")
    return overrides
