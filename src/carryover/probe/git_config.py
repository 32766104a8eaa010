"""Which filter programs a repository's own configuration names: none, as can be seen without git, or these."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from carryover.fsio import is_gone, read_bytes_bounded

_LIMIT_BYTES: Final = 64 << 10
_MAY_NAME_PROGRAMS: Final = (b"filter", b"include")
_PROGRAM_SETTING: Final = re.compile(r"filter\..*\.(clean|smudge|process|required)", re.DOTALL)


def names_no_filter(root: Path) -> bool:
    """Whether the configuration that the repository at `root` brings certainly names no filter program.

    Spares a process of git where that can be seen: an ordinary checkout, whose configuration neither has the word nor
    includes another file. False where it may name one, or where its files are elsewhere, as a worktree's are. Blocks.
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
    """Settings that switch off the filter programs which the repository's own configuration names; the user's stay.

    `listed` is what `git config --null --show-scope` prints. None if a name among them can't be switched off.
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
