"""Decides whether a project's files may be published in a folder, and explains refusals."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from carryover.facts import is_foreign
from carryover.fsio import temporary_files
from carryover.paths import STORE
from carryover.platform import here
from carryover.probe.checkout import Checkout
from carryover.probe.git_dir import is_top
from carryover.projects.handoff_file import IN_PROJECT
from carryover.projects.root import StatePaths

_TEMPORARY: Final = ("/tmp", "/var/tmp", "/private/tmp", "/private/var/tmp", "/private/var/folders", "/dev/shm", "/run")
_SYSTEM: Final = (
    *("/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/proc", "/sbin", "/sys", "/usr"),
    *("/var/cache", "/var/lib", "/var/log", "/var/spool", "/private/etc"),
    *("/System", "/Library", "/Applications"),
)
_SHARED_TOPS: Final = ("/home", "/media", "/mnt", "/opt", "/private", "/root", "/srv", "/Users", "/var", "/Volumes")
_KINDS: Final = {stat.S_IFLNK: "a symlink", stat.S_IFREG: "a file", stat.S_IFDIR: "a folder"}
_SECRETS: Final = frozenset(
    ".ssh .gnupg .gpg .pki .password-store .aws .azure .kube .docker .gcloud .mozilla .thunderbird "
    ".config/gcloud .config/gh .config/op .local/share/keyrings".split()
)
"""Folders below the home folder that contain keys and logins."""


class Refusal(msgspec.Struct, frozen=True):
    """A reason for publishing nothing in a folder, as a clause for people."""

    reason: str
    in_git: bool = False
    """Whether a commit could take along what would be published, which is probably a mistake, unlike other refusals."""
    passing: bool = True
    """Whether the user can fix it; False if no change in the folder would make a difference."""


def refusal(checkout: Checkout, paths: StatePaths) -> Refusal | None:
    """Returns why nothing may be published in a folder, by itself or by what git says; None if it may."""
    return refusal_of_place(checkout.root, paths) or refusal_by_git(checkout)


def refusal_of_place(root: Path, paths: StatePaths) -> Refusal | None:
    """Returns why nothing may be published in a folder, whatever git says; None if it may.

    Refuses the home folder and its parents, folders of keys, settings and programs, temporary and system folders,
    agents' own folders, bare repositories, another user's folder, one that is missing, can't be written or has become
    a symlink, and one whose `.carryover` is a symlink.
    """
    if is_foreign(str(root)):
        return Refusal("it is a folder of another machine", passing=False)
    real = Path(here().canonical(root))
    misplaced = _unfit_place(real, paths)
    if misplaced is not None:
        return Refusal(misplaced, passing=False)
    if real != root:  # it was a real path when it was recorded, and may be another project's folder now
        return Refusal("a symlink leads from it to another folder")
    if here().withholds(real):
        return Refusal(WITHHELD)
    why = unfit(real)
    return Refusal(why) if why is not None else None


def why_open(refused: Refusal | None) -> str | None:
    """Returns why a commit could take a handoff along, if it is refused for that; else None."""
    return refused.reason if refused is not None and refused.in_git else None


def unfit(root: Path) -> str | None:
    """Returns why no handoff can be written into this folder, whatever git says; None if it can."""
    return _unfit_folder(root) or _unfit_store(root)


COMMITTED: Final = "a handoff would be committed"
"""In the reason of each refusal that is `in_git`."""

LET_IN: Final = (
    f"a rule with `!` in .gitignore or .git/info/exclude takes {STORE} back in, so {COMMITTED}; "
    f"`{STORE}/` as the last line of .gitignore ends that"
)

AWAITS_WORK: Final = "no agent has worked there since it became known; the next turn there writes its handoff"

TAKEN_OUT: Final = f"its {STORE} was taken out, as when git removes a worktree; it is written soon if that stays"

POINTERS_OFF: Final = 'publish.pointers is "off" for it'

UNWRITTEN: Final = "the handoff can't be written"

WITHHELD: Final = "macOS's privacy settings keep carryoverd out of this folder"

ONLY_GIT: Final = "git can't be run, and only git knows whether a commit could take the handoff along"

NOT_NAMED_BACK: Final = (
    "its .git leads to a repository that names another folder, as after it was copied or moved, or came from someone "
    "else, or it is damaged; if it is your own worktree, `git worktree repair` there may mend that, or if "
    'you made it with `--separate-git-dir`, `git config core.worktree "$PWD"`'
)


def refusal_by_git(checkout: Checkout) -> Refusal | None:
    """Refuses a folder whose `.carryover` git tracks, or would add in spite of `info/exclude`. Asks git only after
    HEAD, its index or an ignore file has changed; where it can't be run, the files alone have to show it. Blocks."""
    if checkout.git_dir is None:
        return Refusal(NOT_NAMED_BACK) if is_top(checkout.root) else None
    asked = "tracked"
    try:
        if checkout.is_tracked(STORE):
            remedy = f"`git rm -r --cached {STORE}` ends that"
            return Refusal(f"{STORE} is tracked by git, so {COMMITTED}; {remedy}", in_git=True)
        asked = "ignored"
        if checkout.is_let_in(STORE):
            return Refusal(LET_IN, in_git=True)
    except FileNotFoundError:
        return Refusal(ONLY_GIT)
    except OSError as error:
        return Refusal(f"git could not say whether {STORE} is {asked}: {error.strerror}")
    return None


def _unfit_place(root: Path, paths: StatePaths) -> str | None:
    home = Path(here().canonical(paths.home))
    if root == Path("/"):
        return "it is the root of the file system"
    if root == home:
        return "it is the home folder itself"
    if home.is_relative_to(root):
        return "it contains the home folder"
    if root.is_relative_to(here().canonical(paths.state.root)):
        return "it is Carryover's own folder"
    if root in paths.agents_own():
        # Instructions that an agent reads there apply to every project on the machine.
        return "it is an agent's own folder, whose files apply to every project"
    hidden = False
    if below_home := home != Path("/") and root.is_relative_to(home):
        below = Path(here().alike(str(root.relative_to(home))))
        if any(below.is_relative_to(folder) for folder in _SECRETS):
            return "it is a folder of keys and logins"
        hidden = below.parts[0].startswith(".") or below.parts[0] == here().alike("Library")
    if _is_of_programs(root, home, hidden=hidden):
        return "it is a folder of programs' settings and data, and no repository"
    if not below_home and _is_temporary(root):
        return "it is a temporary folder"
    if not below_home and (_lies_in(root, _SYSTEM) or str(root) in _SHARED_TOPS):
        return "it is a folder of the system"
    return None


def _is_temporary(root: Path) -> bool:
    return _lies_in(root, (*_TEMPORARY, str(temporary_files())))


def _is_of_programs(root: Path, home: Path, *, hidden: bool) -> bool:
    from platformdirs import PlatformDirs

    user = PlatformDirs()  # the user may have moved them, but work is not among them if that is the home folder
    folders = (user.user_config_dir, user.user_data_dir, user.user_state_dir, user.user_cache_dir)
    apart = [folder for folder in folders if not home.is_relative_to(here().canonical(folder))]
    # A repository there is work: dotfiles, an agent's worktree.
    return (hidden or _lies_in(root, apart)) and not (root / ".git").exists()


def _lies_in(root: Path, folders: Iterable[str]) -> bool:
    return any(root.is_relative_to(folder) or root.is_relative_to(here().canonical(folder)) for folder in folders)


def _unfit_folder(root: Path) -> str | None:
    try:
        found = root.stat()
    except FileNotFoundError:
        return "the folder is gone"
    except OSError as error:
        return f"the folder can't be read: {error.strerror}"
    if not stat.S_ISDIR(found.st_mode):
        return "it is not a folder"
    if found.st_uid != os.geteuid():
        return "the folder belongs to another user"
    if not os.access(root, os.W_OK | os.X_OK):
        return "the folder can't be written"
    if (root / "HEAD").is_file() and (root / "objects").is_dir() and (root / "refs").is_dir():
        return "it is a bare repository"
    return None


def _unfit_store(root: Path) -> str | None:
    """Returns why the place of the handoff is not ours: a cloned repository may have anything there."""
    for name, is_right, wanted in ((STORE, stat.S_ISDIR, "a folder"), (IN_PROJECT, stat.S_ISREG, "a file")):
        try:
            found = (root / name).lstat()
        except FileNotFoundError:
            return None
        except OSError as error:
            return f"{name} can't be read: {error.strerror}"
        if not is_right(found.st_mode):
            return f"{name} is {_KINDS.get(stat.S_IFMT(found.st_mode), 'something else')} instead of {wanted}"
        if name == STORE and found.st_uid != os.geteuid():
            return f"{name} belongs to another user"
    return None
