"""The store over git: a bare repository here, and a remote of the user's with one branch for each machine.

Only its own machine writes a branch, so no push conflicts with another. Nothing is checked out. A remote that is a
folder is read and written as data (`store_folder.py`); git gets a copy of what is new in it.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Final, NamedTuple

from carryover.errors import UserError, os_reason, visible
from carryover.fsio import scratch_folder
from carryover.probe.git_command import Answer, in_store, in_store_ended
from carryover.sync.address import folder_at, without_credentials
from carryover.sync.manifest import MOST_MACHINES
from carryover.sync.store_folder import RefChanged, StoreFolder

LOCAL_S: Final = 120.0
REMOTE_S: Final = 3_600.0
"""A first sync over a slow line takes long. A remote that says nothing for a minute is given up sooner."""
OLDEST_GIT: Final = (2, 31)
"""The first that takes settings from the environment."""
LEFT_AFTER_S: Final = 10.0
"""Longer than git holds a lock here: one may still be at work although the program that started it was killed."""
MOST_LOOSE: Final = 2_000
_BRANCH: Final = re.compile(r"refs/heads/([0-9a-f]{16})")
_FILE: Final = re.compile(r"head|auth|join|keys/[0-9a-f]{16}|[0-9a-f]{2}/[0-9a-f]{30}")
_CHANGED: Final = "this machine's branch was changed meanwhile"
_AT_ONCE: Final = 12
"""How many objects are read at once: together, they are smaller than an answer of git may be."""
_OF_COPY: Final = "[pack]\n\tcompression = 0\n\twindow = 0\n"
_OWN: Final = "refs/carryover/own"
_THEIRS: Final = "refs/store/"
_REASONS: Final = re.compile(r"^(?:fatal|error|remote|ssh|! ).*", re.MULTILINE)
_NOT_THE_REASON: Final = ("failed to push some refs", "Could not read from remote repository")


class StoreTrouble(UserError):
    """The remote or the local repository could not be used. Nothing is lost: the next sync tries again. `reason` is
    git's, or the system's.
    """

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class Unanswered(StoreTrouble):
    """The remote did not answer in time."""


class Fetched(NamedTuple):
    """The commit of each machine's branch, and why some could not be fetched; these do not affect the others."""

    commits: dict[str, str]
    refused: Mapping[str, str] = {}


class File(NamedTuple):
    """A file of a commit: the id of its content, and its size in bytes."""

    blob: str
    size: int


class GitStore:
    """The store in a bare repository at `folder`, for the remote with this address."""

    def __init__(self, folder: Path, remote: str) -> None:
        self._folder = folder
        self._remote = remote
        shared = folder_at(remote)
        in_store_ended.clear()
        self._shared = StoreFolder(shared, in_store_ended.is_set) if shared is not None else None

    def create(self) -> None:
        """Makes the repository if there is none."""
        if not (self._folder / "HEAD").exists():
            shutil.rmtree(self._folder, ignore_errors=True)
            version = self._git("version").decode(errors="replace").strip()
            if tuple(map(int, re.findall(r"\d+", version)[:2])) < OLDEST_GIT:
                raise StoreTrouble(f"Synchronising needs git 2.31 or newer; this is {version}. Nothing was changed.")
            self._git("init", "--", str(self._folder))
        self._remove_left_locks()

    def _remove_left_locks(self) -> None:
        """Removes the locks of programs that were killed, which would make git refuse to write for ever."""
        for lock in self._folder.rglob("*.lock"):
            with suppress(OSError):
                if time.time() - lock.lstat().st_mtime > LEFT_AFTER_S:
                    lock.unlink()

    def remote_refs(self) -> list[str]:
        """Returns the names of the remote's refs, without HEAD. Raises StoreTrouble."""
        if self._shared is None:
            return list(self._listed(self._remote))
        with self._in_folder() as shared:
            return list(shared.refs())

    def fetch(self) -> Fetched:
        """Fetches all branches of the remote. Raises StoreTrouble if none can be fetched."""
        self.create()
        if self._shared is None:
            return self._fetched(self._remote)
        # Git's own answer is a StoreTrouble already.
        with self._in_folder() as shared, scratch_folder(self._folder.parent) as copy:
            refs = shared.refs()
            commits = {machine: commit for ref, commit in refs.items() if (machine := machine_of(ref)) is not None}
            missing = self._copy(shared, commits, copy)
            fetched = self._fetched(str(copy))
        return Fetched(commits, {**dict.fromkeys(missing, "a part of it is missing or damaged"), **fetched.refused})

    def _fetched(self, address: str) -> Fetched:
        try:
            self._git("fetch", "--prune", "--force", "store", f"+refs/heads/*:{_THEIRS}*", remote=address)
        except Unanswered:
            raise
        except StoreTrouble as trouble:
            return self._fetched_one_by_one(address, trouble)
        return Fetched(self._tips())

    def _fetched_one_by_one(self, address: str, trouble: StoreTrouble) -> Fetched:
        """Gets each branch by itself, so that one which git refuses keeps no other back."""
        refs = {machine: (ref, commit) for ref, commit in self._listed(address).items() if (machine := machine_of(ref))}
        tips = self._tips()
        refused = dict[str, str]()
        if len(refs) > MOST_MACHINES:
            raise trouble
        for machine, (ref, commit) in refs.items():
            try:
                if tips.get(machine) != commit:
                    self._git("fetch", "--force", "store", f"+{ref}:{_THEIRS}{machine}", remote=address)
            except Unanswered:
                raise
            except StoreTrouble as error:
                refused[machine] = error.reason
        if len(refused) == len(refs):
            raise trouble
        return Fetched({machine: commit for machine, (_, commit) in refs.items()}, refused)

    def _tips(self) -> dict[str, str]:
        """Returns the commit of each machine's branch, as it was fetched."""
        found: dict[str, str] = {}
        listed = self._git("for-each-ref", "--format=%(objecttype) %(objectname) %(refname)", _THEIRS)
        for kind, commit, ref in map(str.split, listed.decode(errors="replace").splitlines()):
            machine = machine_of(f"refs/heads/{ref.removeprefix(_THEIRS)}")
            if machine is not None and kind == "commit":
                found[machine] = commit
        return found

    def _listed(self, address: str) -> dict[str, str]:
        listed = self._git("ls-remote", "--quiet", "store", remote=address).decode(errors="replace").splitlines()
        rows = (line.partition("\t") for line in listed)
        return {name: commit for commit, _, name in rows if name != "HEAD"}

    @contextmanager
    def _in_folder(self) -> Iterator[StoreFolder]:
        assert self._shared is not None
        try:
            self._shared.check()
            yield self._shared
        except RefChanged as error:
            raise StoreTrouble(_trouble(_CHANGED, remote=self._remote)) from error
        except OSError as error:
            reason = without_credentials(os_reason(error))
            raise StoreTrouble(_trouble(reason, remote=self._remote), reason) from error

    def _copy(self, shared: StoreFolder, commits: Mapping[str, str], copy: Path) -> list[str]:
        """Makes a repository of the branches, with the objects that are not here yet. Returns the machines whose
        branches are not whole.
        """
        self._git("init", "--", str(copy), folder=copy)
        (copy / "objects" / "info").mkdir(exist_ok=True)
        here = os.path.relpath(self._folder / "objects", copy / "objects")
        (copy / "objects" / "info" / "alternates").write_text(f"{here}\n")
        (copy / "config").write_text((copy / "config").read_text() + _OF_COPY)

        def keep(name: str, raw: bytes) -> None:
            file = copy / "objects" / name[:2] / name[2:]
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(raw)

        known = set(self._tips().values())
        if not known.issuperset(commits.values()):
            known |= self._names("--all") | self._names("--all", "--no-walk", "--objects")
        missing = [machine for machine, commit in commits.items() if not shared.copy_branch(commit, known, keep)]
        packs = 0
        for pack in shared.packs() if missing else ():
            packs += 1
            with suppress(StoreTrouble):  # damaged; what is missing then is found below
                self._git("index-pack", "--stdin", given=pack, folder=copy)
        if packs:
            shared.copy_loose(keep)
            missing = []
        rows = (f"{commit} refs/heads/{machine}\n" for machine, commit in commits.items() if machine not in missing)
        (copy / "packed-refs").write_text("".join(rows))
        return missing

    def _names(self, *which: str) -> set[str]:
        """Returns the ids of objects that are here, with all that they need."""
        return {line[:40].decode() for line in self._git("rev-list", *which).splitlines()}

    def files(self, commit: str) -> dict[str, File]:
        """Returns the files of a commit by their paths, leaving out those that no machine writes."""
        listed = self._git("ls-tree", "-r", "-z", "-l", "--full-tree", commit).decode(errors="replace")
        files = {}
        for row in listed.split("\0")[:-1]:
            about, _, path = row.partition("\t")
            _, kind, blob, size = about.split()
            if kind == "blob" and _FILE.fullmatch(path):
                files[path] = File(blob, int(size))
        return files

    def read(self, file: File) -> bytes:
        """Returns a file's content."""
        return self._git("cat-file", "blob", file.blob)

    def commit(self, parent: str | None, base: str | None, written: Mapping[str, bytes], removed: Iterable[str]) -> str:
        """Stores the files of the commit `base`, changed, as a commit after `parent`. Returns its id.

        Authors and times are always the same: the manifest says who wrote when.
        """
        lines = [f"commit {_OWN}\ncommitter carryover <carryover@localhost> 0 +0000\ndata 0\n".encode()]
        if parent is not None:
            lines.append(f"from {parent}\n".encode())
        if base is not None and base != parent:
            tree = self._git("rev-parse", "--verify", f"{base}^{{tree}}").decode().strip()
            lines.append(f'M 040000 {tree} ""\n'.encode())
        lines += [f"D {path}\n".encode() for path in removed]
        for path, data in written.items():
            lines.append(f"M 100644 inline {path}\ndata {len(data)}\n".encode() + data + b"\n")
        self._git("fast-import", "--quiet", "--force", "--done", given=b"".join([*lines, b"done\n"]))
        return self._git("rev-parse", "--verify", _OWN).decode().strip()

    def push(self, machine: str, commit: str | None, expected: str | None) -> None:
        """Sets the remote's branch, or removes it, if it is still at `expected`. Raises StoreTrouble."""
        branch = f"refs/heads/{machine}"
        if self._shared is None:
            lease = f"--force-with-lease={branch}:{expected or ''}"
            self._git("push", lease, "store", f"{commit or ''}:{branch}", remote=self._remote)
            return
        with self._in_folder() as shared:
            if commit is not None:
                self._send(shared, commit, expected)
            shared.set_ref(branch, commit, expected)

    def _send(self, shared: StoreFolder, commit: str, expected: str | None) -> None:
        names: list[bytes] = []
        if expected is not None:
            with suppress(StoreTrouble):  # what the branch has may not be here
                names = self._git("rev-list", "--objects", commit, f"^{expected}").splitlines()
        names = names or self._git("rev-list", "--objects", commit).splitlines()
        names.reverse()  # a commit comes last, for those who read or copy the folder meanwhile
        for at in range(0, len(names), _AT_ONCE):
            wanted = b"".join(name[:40] + b"\n" for name in names[at : at + _AT_ONCE])
            given = self._git("cat-file", "--batch", given=wanted)
            while given:
                about, _, given = given.partition(b"\n")
                _, kind, size = about.decode().split()
                shared.put(kind, given[: int(size)])
                given = given[int(size) + 1 :]

    def tidy(self, *, at_once: bool = False) -> None:
        """Packs what was fetched and drops objects that no branch has any more, if there are many files or
        `at_once`."""
        files = sum(len(names) for _, _, names in os.walk(self._folder / "objects"))
        if at_once or files > MOST_LOOSE:
            self._git("gc", timeout_s=REMOTE_S)

    def _git(
        self,
        *command: str,
        given: bytes | IO[bytes] = b"",
        remote: str = "",
        folder: Path | None = None,
        timeout_s: float = LOCAL_S,
    ) -> bytes:
        """Runs git in our own repository, or another of ours at `folder`. Returns its answer. Raises StoreTrouble."""
        try:
            answer = in_store(
                folder or self._folder,
                *command,
                remote=remote,
                given=given,
                timeout_s=REMOTE_S if remote or folder else timeout_s,
            )
        except TimeoutError as error:
            raise Unanswered(_trouble("git did not end in time", remote=remote)) from error
        except OverflowError as error:
            raise StoreTrouble(_trouble("it holds more than any machine writes", remote=remote)) from error
        except FileNotFoundError as error:
            raise StoreTrouble("Synchronising needs git, which can't be run here. Nothing was changed.") from error
        if answer.code != 0:
            reason = _reason(answer)
            raise StoreTrouble(_trouble(reason, remote="" if str(self._folder) in reason else remote), reason)
        return answer.out


def machine_of(ref: str) -> str | None:
    """Returns the id of the machine whose branch has this name; None if it is not a branch of a store."""
    found = _BRANCH.fullmatch(ref)
    return found[1] if found is not None else None


def _reason(answer: Answer) -> str:
    """Returns what git says is wrong, on one line and without passwords."""
    if b"stale info" in answer.out:
        return _CHANGED
    text = without_credentials(answer.error.decode(errors="replace"))
    lines = [found.strip() for found in _REASONS.findall(text)] or text.strip().splitlines()
    telling = [line for line in lines if not any(vague in line for vague in _NOT_THE_REASON)] or lines
    return visible("; ".join(telling[:2])[:300]).rstrip(".") or f"git ended with code {answer.code}"


def _trouble(reason: str, *, remote: str) -> str:
    if remote:
        check = "`git ls-remote` works with its address without asking anything"
        if folder_at(remote) is not None:
            check = "the folder is there, is a bare git repository, and that you can write into it"
        return (
            f"The store can't be reached, or refuses: {reason}. Nothing is lost. Check that {check}, then run the "
            "command again."
        )
    what_next = "correct that, or remove the folder `sync/store` in ~/.carryover, then sync again"
    return f"The local part of the store can't be used: {reason}. Nothing is lost: {what_next}."
