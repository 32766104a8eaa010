"""A store in a git remote of the user's: a branch for each machine, and git itself for all that is done with it.

Only its own machine writes a branch, so no push conflicts with another. Nothing is checked out.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Final

from carryover.errors import UserError, visible
from carryover.probe.git_command import GitAnswer, GitProcesses, in_store
from carryover.sync.address import folder_at, without_credentials
from carryover.sync.store import FILE_NAME, Fetched, FolderStore, Store, unreachable
from carryover.text.pattern import later

_SHORT_S: Final = 120.0
"""For what is done here, and for the list of a remote's branches, with which each sync begins: one that never answers
is given up then."""
REMOTE_S: Final = 3_600.0
"""A first sync over a slow line takes long."""
LEFT_AFTER_S: Final = 10.0
"""Longer than git holds a lock here: one may still be at work although the program that started it was killed."""
_LEFT: Final = ("*.lock", "tmp_*")
"""Files that git leaves behind when it is killed or the connection breaks. While a lock is there, git refuses to write;
part of a pack that was being fetched stays for two weeks or more (2.39)."""
_MOST_LISTED: Final = 512 << 10
"""Most bytes of the list of a remote's branches and tags, those of a project that was named by mistake too."""
_BRANCH: Final = later(r"refs/heads/([0-9a-f]{16})")
_THEIRS: Final = "refs/store/"
_REASONS: Final = later(r"^(?:fatal|error|remote|ssh|! ).*", re.MULTILINE)


def store_at(folder: Path, remote: str, me: str) -> Store:
    """Returns the store of the machine `me` at a remote: a folder, or what git reaches, for which it keeps a
    repository at `folder`."""
    shared = folder_at(remote)
    return FolderStore(shared, me) if shared is not None else GitStore(folder, remote, me)


class GitStore(Store):
    """The store at the address `remote`, with a bare repository at `folder`; `me` is this machine. `git` runs a
    command there."""

    def __init__(self, folder: Path, remote: str, me: str, *, git: Callable[..., GitAnswer] = in_store) -> None:
        super().__init__()
        self._folder = folder
        self._remote = remote
        self._me = me
        self._running = GitProcesses()
        self._run = partial(git, running=self._running)
        self._tip = ""
        """The commit of this machine's branch."""
        self._own: dict[str, str] = {}
        """The ids of this machine's files, by their names."""

    def end(self) -> None:
        super().end()
        self._running.end()

    def fetch(self) -> Fetched:
        self._create()
        self._remove_left(LEFT_AFTER_S)
        said = self._git("ls-remote", "--quiet", "store", remote=True, most_bytes=_MOST_LISTED)
        rows = (line.partition("\t") for line in said.decode(errors="replace").splitlines())
        listed = {ref: commit for commit, _, ref in rows if ref != "HEAD"}
        tips = {found[1]: commit for ref, commit in listed.items() if (found := _BRANCH.fullmatch(ref))}
        here = self._fetched()
        gone = here.keys() - tips.keys()
        for machine in gone:
            self._git("update-ref", "-d", f"{_THEIRS}{machine}")
        new = [machine for machine in tips if here.get(machine) != tips[machine]]
        if new:
            wanted = (f"+refs/heads/{machine}:{_THEIRS}{machine}" for machine in new)
            try:
                self._git("fetch", "--force", "store", *wanted, remote=True, timeout_s=REMOTE_S)
            except UserError:
                self._remove_left(0)
                raise
        is_anew = gone or any(self._is_left_out(here[machine], machine) for machine in new if machine in here)
        self._tidy(() if is_anew else ("--auto",))
        own = self._own_files() if self._me in tips else {}
        self._tip, self._own = tips.get(self._me, ""), {name: blob for name, (blob, _) in own.items()}
        foreign = next((ref for ref in listed if _BRANCH.fullmatch(ref) is None), None)
        return Fetched(tips, {name: size for name, (_, size) in own.items()}, foreign)

    def _remove_left(self, older_than_s: float) -> None:
        for left in chain.from_iterable(map(self._folder.rglob, _LEFT)):
            with suppress(OSError):
                if time.time() - left.lstat().st_mtime >= older_than_s:
                    left.unlink()

    def _fetched(self) -> dict[str, str]:
        """Returns the commits of the branches that are here."""
        form = "--format=%(objecttype) %(objectname) %(refname:lstrip=2)"
        rows = map(str.split, self._git("for-each-ref", form, _THEIRS).decode(errors="replace").splitlines())
        return {machine: commit for kind, commit, machine in rows if kind == "commit"}

    def _is_left_out(self, commit: str, machine: str) -> bool:
        """Whether the commit, which was the machine's newest, is no longer in the history of its branch."""
        return not self._git("for-each-ref", "--contains", commit, f"{_THEIRS}{machine}")

    def _tidy(self, when: Collection[str] = ()) -> None:
        """Removes what no branch has any more: it may have been forgotten, and the key that opens it is beside it."""
        self._git("gc", *when, timeout_s=REMOTE_S)

    def _own_files(self) -> dict[str, tuple[str, int]]:
        """Returns the ids and sizes of this machine's files, leaving out those that no machine writes."""
        listed = self._git("ls-tree", "-z", "-l", "--full-tree", f"{_THEIRS}{self._me}").decode(errors="replace")
        files = {}
        for row in listed.split("\0")[:-1]:
            about, _, name = row.partition("\t")
            _, kind, blob, size = about.split()
            if kind == "blob" and FILE_NAME.fullmatch(name):
                files[name] = (blob, int(size))
        return files

    def read(self, machine: str, name: str) -> bytes | None:
        try:
            return self._git("cat-file", "blob", f"{_THEIRS}{machine}:{name}")
        except UserError:
            if self._ended.is_set():
                raise
            return None

    def put(self, name: str, data: bytes) -> None:
        self._create()
        self._own[name] = self._git("hash-object", "-w", "--stdin", given=data).decode().strip()

    def publish(self, names: Collection[str]) -> None:
        kept = {name: blob for name, blob in self._own.items() if name in names}
        rows = "".join(f"100644 blob {blob}\t{name}\n" for name, blob in kept.items())
        tree = self._git("mktree", given=rows.encode()).decode().strip()
        # Without a parent if a file is gone: what was forgotten is in no history then.
        goes_on = kept.keys() == self._own.keys()
        after = ("-p", self._tip) if self._tip and goes_on else ()
        commit = self._git("commit-tree", tree, *after).decode().strip()
        branch = f"refs/heads/{self._me}"
        lease = f"--force-with-lease={branch}:{self._tip}"
        self._git("push", lease, "store", f"{commit}:{branch}", remote=True, timeout_s=REMOTE_S)
        self._tip, self._own = commit, kept
        if not goes_on:
            with suppress(UserError):  # what was said is said
                self._tidy()

    def _create(self) -> None:
        """Makes the repository if there is none."""
        if not (self._folder / "HEAD").exists():
            shutil.rmtree(self._folder, ignore_errors=True)
            self._git("init", "--", str(self._folder))

    def _git(
        self, *command: str, given: bytes = b"", remote: bool = False, timeout_s: float = _SHORT_S, **limits: int
    ) -> bytes:
        """Runs git in the repository. Returns its answer. Raises UserError."""
        address = self._remote if remote else ""
        if self._ended.is_set():
            raise _trouble("synchronising was ended", remote=True)
        try:
            answer = self._run(self._folder, *command, remote=address, given=given, timeout_s=timeout_s, **limits)
        except TimeoutError as error:
            raise _trouble("git did not end in time", remote=remote) from error
        except OverflowError as error:
            raise _trouble("it holds more than any machine writes", remote=remote) from error
        except FileNotFoundError as error:
            what = "Synchronising needs git, which can't be run here. Nothing was changed. Install it, then try again."
            raise UserError(what) from error
        if answer.code != 0:
            reason = _reason(answer)
            raise _trouble(reason, remote=remote and str(self._folder) not in reason)
        return answer.out


def _reason(answer: GitAnswer) -> str:
    """Returns what git says is wrong, on one line and without passwords."""
    if b"stale info" in answer.out:
        return "this machine's part of it was changed meanwhile"
    text = without_credentials(answer.error.decode(errors="replace"))
    lines = [found.strip() for found in _REASONS.findall(text)] or text.strip().splitlines()
    return visible("; ".join(lines[:2])[:300]).rstrip(".") or f"git ended with code {answer.code}"


def _trouble(reason: str, *, remote: bool) -> UserError:
    if remote:
        return unreachable(reason, "`git ls-remote` works with its address without asking anything")
    what_next = "correct that, or remove the folder `sync/store` in ~/.carryover, then sync again"
    return UserError(f"The local part of the store can't be used: {reason}. Nothing is lost: {what_next}.")
