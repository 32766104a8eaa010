"""A store in a git remote of the user's: a branch for each machine, and git itself for all that is done with it.

Only its own machine writes a branch, so no push conflicts with another. Nothing is checked out.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

from carryover.errors import visible
from carryover.probe.git_command import GitAnswer, in_store, in_store_ended
from carryover.sync.address import folder_at, without_credentials
from carryover.sync.head import MOST_MACHINES, MOST_SEGMENTS
from carryover.sync.sealing import LARGEST_OBJECT
from carryover.sync.store import FILE_NAME, MOST_LISTED, TOO_MUCH, Fetched, FolderStore, Store, StoreTrouble

_SHORT_S: Final = 120.0
"""For what is done here, and for the list of a remote's branches, with which each sync begins: one that never answers
is given up then."""
REMOTE_S: Final = 3_600.0
"""A first sync over a slow line takes long."""
OLDEST_GIT: Final = (2, 31)
"""The first that takes settings from the environment."""
LEFT_AFTER_S: Final = 10.0
"""Longer than git holds a lock here: one may still be at work although the program that started it was killed."""
MOST_LOOSE: Final = 2_000
"""With more files than this, git packs what is here and drops what no branch has."""
_BRANCH: Final = re.compile(r"refs/heads/([0-9a-f]{16})")
_THEIRS: Final = "refs/store/"
_REASONS: Final = re.compile(r"^(?:fatal|error|remote|ssh|! ).*", re.MULTILINE)
_NOT_THE_REASON: Final = ("failed to push some refs", "Could not read from remote repository")


class Unanswered(StoreTrouble):
    """The remote did not answer in time."""


def store_at(folder: Path, remote: str) -> Store:
    """Returns the store at a remote: a folder, or what git reaches, for which it keeps a repository at `folder`."""
    shared = folder_at(remote)
    return FolderStore(shared) if shared is not None else GitStore(folder, remote)


class GitStore(Store):
    """The store at the address `remote`, with a bare repository at `folder`. `git` runs a command there."""

    def __init__(
        self,
        folder: Path,
        remote: str,
        *,
        git: Callable[..., GitAnswer] = in_store,
        most_loose: int = MOST_LOOSE,
    ) -> None:
        in_store_ended.clear()
        self._folder = folder
        self._remote = remote
        self._run = git
        self._most_loose = most_loose
        self._tips: dict[str, str] = {}
        """The commits of the machines' branches, as they were fetched or pushed."""
        self._files: dict[str, dict[str, tuple[str, int]]] = {}
        """Of each machine: the id and the size of each file, by its name."""

    def fetch(self) -> Fetched:
        self._create()
        listed = self._listed()
        tips = {found[1]: commit for ref, commit in listed.items() if (found := _BRANCH.fullmatch(ref))}
        if len(tips) > 2 * MOST_MACHINES:
            raise StoreTrouble(f"The store has {len(tips):,} branches, more than machines can have. Nothing was taken.")
        here = self._fetched()
        for gone in here.keys() - tips.keys():
            self._git("update-ref", "-d", f"{_THEIRS}{gone}")
        # One that is refused is known by its commit, so that its own machine can put another in its place.
        self._tips, self._files = tips, {}
        refused: dict[str, str] = {}
        left = MOST_LISTED
        for machine, commit in tips.items():
            # Each by itself, so that one which git refuses keeps no other back.
            try:
                if here.get(machine) != commit:
                    branch = f"+refs/heads/{machine}:{_THEIRS}{machine}"
                    self._git("fetch", "--force", "store", branch, remote=True, timeout_s=REMOTE_S)
                # Of what came, which may be newer than what was listed.
                self._files[machine] = self._files_of(f"{_THEIRS}{machine}", left)
                left -= len(self._files[machine])
            except Unanswered:
                raise
            except StoreTrouble as trouble:
                refused[machine] = trouble.reason

        if sum(len(names) for _, _, names in os.walk(self._folder / "objects")) > self._most_loose:
            self._git("gc", timeout_s=REMOTE_S)
        files = {machine: {name: size for name, (_, size) in blobs.items()} for machine, blobs in self._files.items()}
        return Fetched(files, refused, next((ref for ref in listed if _BRANCH.fullmatch(ref) is None), None))

    def _fetched(self) -> dict[str, str]:
        """Returns the commits of the branches that are here."""
        form = "--format=%(objecttype) %(objectname) %(refname:lstrip=2)"
        rows = map(str.split, self._git("for-each-ref", form, _THEIRS).decode(errors="replace").splitlines())
        return {machine: commit for kind, commit, machine in rows if kind == "commit"}

    def _listed(self) -> dict[str, str]:
        listed = self._git("ls-remote", "--quiet", "store", remote=True).decode(errors="replace").splitlines()
        rows = (line.partition("\t") for line in listed)
        return {ref: commit for commit, _, ref in rows if ref != "HEAD"}

    def _files_of(self, ref: str, most: int) -> dict[str, tuple[str, int]]:
        """Returns the files of a branch that is here, leaving out those that no machine writes. Raises StoreTrouble if
        it has more than `most`, or than a machine may have."""
        listed = self._git("ls-tree", "-z", "-l", "--full-tree", ref)
        if listed.count(b"\0") > min(most, MOST_SEGMENTS + len(("key", "head"))):
            raise StoreTrouble(_trouble(TOO_MUCH, remote=True), TOO_MUCH)
        files = {}
        for row in listed.decode(errors="replace").split("\0")[:-1]:
            about, _, name = row.partition("\t")
            _, kind, blob, size = about.split()
            if kind == "blob" and FILE_NAME.fullmatch(name):
                files[name] = (blob, int(size))
        return files

    def read(self, machine: str, name: str) -> bytes | None:
        blob, size = self._files.get(machine, {}).get(name, ("", 0))
        return self._git("cat-file", "blob", blob) if blob and size <= LARGEST_OBJECT else None

    def write(
        self, machine: str, new: Mapping[str, bytes], names: Collection[str], *, without_history: bool = False
    ) -> None:
        self._create()
        added = {name: self._git("hash-object", "-w", "--stdin", given=data) for name, data in new.items()}
        former = {name: blob for name, blob in self._files.get(machine, {}).items() if name in names}
        files = former | {name: (id.decode().strip(), len(new[name])) for name, id in added.items()}
        rows = "".join(f"100644 blob {blob}\t{name}\n" for name, (blob, _) in files.items())
        tree = self._git("mktree", given=rows.encode()).decode().strip()
        tip = self._tips.get(machine)
        after = ("-p", tip) if tip is not None and machine in self._files and not without_history else ()
        commit = self._git("commit-tree", tree, *after).decode().strip()
        branch = f"refs/heads/{machine}"
        lease = f"--force-with-lease={branch}:{tip or ''}"
        self._git("push", lease, "store", f"{commit}:{branch}", remote=True, timeout_s=REMOTE_S)
        self._tips[machine], self._files[machine] = commit, files

    def _create(self) -> None:
        """Makes the repository if there is none."""
        if not (self._folder / "HEAD").exists():
            shutil.rmtree(self._folder, ignore_errors=True)
            version = self._git("version").decode(errors="replace").strip()
            if tuple(map(int, re.findall(r"\d+", version)[:2])) < OLDEST_GIT:
                raise StoreTrouble(f"Synchronising needs git 2.31 or newer; this is {version}. Nothing was changed.")
            self._git("init", "--", str(self._folder))
        # Locks of programs that were killed would make git refuse to write for ever.
        for lock in self._folder.rglob("*.lock"):
            with suppress(OSError):
                if time.time() - lock.lstat().st_mtime > LEFT_AFTER_S:
                    lock.unlink()

    def _git(self, *command: str, given: bytes = b"", remote: bool = False, timeout_s: float = _SHORT_S) -> bytes:
        """Runs git in the repository. Returns its answer. Raises StoreTrouble."""
        address = self._remote if remote else ""
        try:
            answer = self._run(self._folder, *command, remote=address, given=given, timeout_s=timeout_s)
        except TimeoutError as error:
            raise Unanswered(_trouble("git did not end in time", remote=remote)) from error
        except OverflowError as error:
            raise StoreTrouble(_trouble(TOO_MUCH, remote=remote), TOO_MUCH) from error
        except FileNotFoundError as error:
            raise StoreTrouble("Synchronising needs git, which can't be run here. Nothing was changed.") from error
        if answer.code != 0:
            reason = _reason(answer)
            raise StoreTrouble(_trouble(reason, remote=remote and str(self._folder) not in reason), reason)
        return answer.out


def _reason(answer: GitAnswer) -> str:
    """Returns what git says is wrong, on one line and without passwords."""
    if b"stale info" in answer.out:
        return "this machine's part of it was changed meanwhile"
    text = without_credentials(answer.error.decode(errors="replace"))
    lines = [found.strip() for found in _REASONS.findall(text)] or text.strip().splitlines()
    telling = [line for line in lines if not any(vague in line for vague in _NOT_THE_REASON)] or lines
    return visible("; ".join(telling[:2])[:300]).rstrip(".") or f"git ended with code {answer.code}"


def _trouble(reason: str, *, remote: bool) -> str:
    if remote:
        return (
            f"The store can't be reached, or refuses: {reason}. Nothing is lost. Check that `git ls-remote` works with "
            "its address without asking anything, then run the command again."
        )
    what_next = "correct that, or remove the folder `sync/store` in ~/.carryover, then sync again"
    return f"The local part of the store can't be used: {reason}. Nothing is lost: {what_next}."
