"""Which project a working folder belongs to."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from carryover.fsio import is_gone, read_bytes_bounded

_AGENT_FOLDERS: Final = (
    *(".agents", ".claude", ".codeium", ".codex", ".config/opencode", ".copilot", ".cursor", ".gemini", ".windsurf"),
)
_AGENT_FOLDER_VARIABLES: Final = ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "COPILOT_HOME", "OPENCODE_CONFIG_DIR")


@dataclass(frozen=True, slots=True)
class ProjectRoot:
    """The top folder of a project. `main_root` is that of the main checkout, where this is a worktree of it.

    `checkout` is the top of the checkout in which the folder lies, where that is an agent's own one of this project.
    `gone`: there is no such folder.
    """

    root: str
    main_root: str | None = None
    checkout: str | None = None
    gone: bool = False


def find_root(cwd: str, *, home: Path | None = None) -> ProjectRoot:
    """The nearest folder at or above `cwd` that git calls the top of a checkout; without one `cwd` itself.

    Symlinks are resolved, so that a folder is one project whatever way leads to it. A `cwd` that is gone is looked up
    by its name alone. A repository in the home folder (dotfiles) or in `/` is not that of the folders below. A `cwd`
    that is no absolute path, as from another system, is taken as it is. A worktree that an agent made for itself, in a
    folder of its own (Codex 0.169: `~/.codex/worktrees/<id>/<name>`), is no project but work on that of its main
    checkout.
    """
    if not cwd.startswith("/") or "\0" in cwd:
        return ProjectRoot(cwd)
    start = Path(os.path.realpath(cwd))
    home = Path(os.path.realpath(home or Path.home()))
    too_high = {Path("/"), home}
    for folder in (start, *start.parents):
        if folder in too_high and folder != start:
            continue
        git_dir = git_dir_of(folder)
        if git_dir is not None:
            main_root = _main_root(folder, git_dir)
            if main_root is not None and _is_an_agents(folder, home):
                return ProjectRoot(main_root, checkout=str(folder))
            return ProjectRoot(str(folder), main_root)
    return ProjectRoot(str(start), gone=is_gone(start))


def agents_checkouts(root: Path, *, home: Path | None = None) -> tuple[str, ...]:
    """The worktrees of the repository at `root` that agents made for themselves, in the order of git's names."""
    git_dir = git_dir_of(root)
    if git_dir is None:
        return ()
    home = Path(os.path.realpath(home or Path.home()))
    try:
        names = sorted(entry.name for entry in os.scandir(git_dir / "worktrees"))
    except OSError:
        return ()
    named = (_named_in(git_dir / "worktrees" / name / "gitdir") for name in names)
    folders = [Path(os.path.realpath(entry.parent)) for entry in named if entry is not None]
    return tuple(str(folder) for folder in folders if _is_an_agents(folder, home))


def agent_folders(home: Path) -> set[Path]:
    """The folders in which agents keep what is theirs."""
    moved = [os.environ[name] for name in _AGENT_FOLDER_VARIABLES if os.environ.get(name)]
    return {Path(os.path.realpath(home / name)) for name in (*_AGENT_FOLDERS, *moved)}


def _is_an_agents(folder: Path, home: Path) -> bool:
    return not agent_folders(home).isdisjoint(folder.parents)


def git_dir_of(root: Path) -> Path | None:
    """The folder in which git keeps what belongs to the checkout at `root`; None when that is no checkout's top."""
    entry = root / ".git"
    try:
        git_dir = entry if entry.is_dir() else _named_in(entry, b"gitdir:")
        if git_dir is not None and os.path.lexists(git_dir / "HEAD"):
            return git_dir
    except OSError:  # not ours to read
        pass
    return None


def _main_root(root: Path, git_dir: Path) -> str | None:
    """The main checkout of a worktree. Both must name each other: a copied folder may claim any repository as its."""
    common = _named_in(git_dir / "commondir")
    back = _named_in(git_dir / "gitdir")
    if common is None or back is None or common.name != ".git":
        return None
    same = os.path.realpath(back) == os.path.realpath(root / ".git")
    return os.path.realpath(common.parent) if same else None


def _named_in(file: Path, prefix: bytes = b"") -> Path | None:
    """The path that one of git's small files holds, seen from its folder."""
    try:
        data = read_bytes_bounded(file, 16_384)
    except OSError:
        return None
    if not data.startswith(prefix):
        return None
    name = os.fsdecode(data.removeprefix(prefix).strip())
    return Path(os.path.normpath(file.parent / name)) if name and "\0" not in name else None
