"""The folder of a handoff, `.carryover` in the project: which files in it are ours, and the rule there
that keeps all of them out of commits, for a folder that becomes a repository."""

from __future__ import annotations

import contextlib
import os
from itertools import islice
from pathlib import Path
from typing import Final

from carryover.adapter.spec import AgentSpec
from carryover.agents import specs
from carryover.fsio import is_folder, is_there, private_dir, read_bytes_bounded, write_if_changed
from carryover.probe.ignore_rules import GITIGNORE, SIZE_LIMIT_BYTES
from carryover.probe.looks import look_at_each
from carryover.projects.handoff_file import CHOSEN, HANDOFF, PAGE
from carryover.publish.gitignore import RULES_HEADING
from carryover.text.user_text import whole_file

_MOST_ENTRIES: Final = 1000
_RULE: Final = whole_file((RULES_HEADING, b"*"))


def loaded_copies() -> list[tuple[AgentSpec, str]]:
    """Returns the agents that load a copy of the handoff (`AgentSpec.loads_from`), each with the name of its copy."""
    return [(spec, Path(spec.loaded_file).name) for spec in specs() if spec.loads_from]


def loaded_names() -> tuple[str, ...]:
    """Returns the names of the copies."""
    return tuple(name for _, name in loaded_copies())


def handoff_names() -> tuple[str, ...]:
    """Returns the names of all files in a project's store that hold a handoff or its second page."""
    return (HANDOFF, CHOSEN, PAGE, *loaded_names())


def is_taken(file: Path) -> bool:
    """Whether a folder has the name of one of our files. It is not ours, and stays."""
    return is_folder(file) and not file.is_symlink()


def own_files(store: Path) -> list[Path]:
    """Returns our files in a folder for handoffs, which need not be there, in the order in which they may go: the
    folder's own rule last, since until then it keeps the others out of a commit. None are behind a symlink that a
    checkout has put in the folder's place."""
    if store.is_symlink():
        return []
    own = own_ignore_file(store)
    files = [store / name for name in handoff_names()]
    cut_off = sorted(file for name in (*handoff_names(), GITIGNORE) for file in store.glob(f".{name}.*.tmp"))
    return [*(file for file in (*files, *cut_off) if not is_taken(file)), *([own] if own is not None else [])]


def remove_own(folder: Path) -> None:
    """Removes our files from a folder for handoffs, and the folder if nothing else is in it. Raises OSError."""
    for path in own_files(folder):
        path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # it has files of the user's, which the rules keep out of commits
        folder.rmdir()


def ignore_itself(store: Path) -> None:
    """Writes an ignore file into the folder, since the rule in `info/exclude` may be overruled and covers neither a
    later `git init` above the folder nor a copy elsewhere. Raises OSError, also if a checkout put a symlink there."""
    private_dir(store, parents=False, follow=False)
    if not is_there(store / GITIGNORE):
        write_if_changed(store / GITIGNORE, _RULE, mode=0o600, follow=False)


def is_in_repository(folder: Path) -> bool:
    """Whether the folder is below one with a repository."""
    return any(os.path.lexists(above / ".git") for above in Path(os.path.realpath(folder)).parents)


def holds_folders_with(folder: Path, *names: str) -> bool:
    """Whether a folder directly below has one of `names`, as a repository or another project does. What a link leads to
    is not below, nor what is on a disk that does not answer. Raises OSError."""
    with os.scandir(folder) as entries:
        below = [Path(entry.path) for entry in islice(entries, _MOST_ENTRIES) if entry.is_dir(follow_symlinks=False)]
    found = look_at_each(below, lambda path: any(os.path.lexists(path / name) for name in names))
    return any(holds for _, holds in found)


def own_ignore_file(store: Path) -> Path | None:
    """Returns the ignore file that we wrote into the folder; None if there is none, or it is the user's."""
    with contextlib.suppress(OSError):
        if read_bytes_bounded(store / GITIGNORE, SIZE_LIMIT_BYTES, follow=False) == _RULE:
            return store / GITIGNORE
    return None
