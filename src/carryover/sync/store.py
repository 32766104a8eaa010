"""The store over git: a bare repository here, and a remote of the user's with one branch for each machine.

Only its own machine writes a branch, so no push conflicts with another. Nothing is checked out.
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from carryover.errors import ExitCode, UserError, visible
from carryover.probe.git_command import Answer, in_store

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
_OWN: Final = "refs/carryover/own"
_THEIRS: Final = "refs/store/"
_REASONS: Final = re.compile(r"^(?:fatal|error|remote|ssh|! ).*", re.MULTILINE)
_NOT_THE_REASON: Final = ("failed to push some refs", "Could not read from remote repository")


class StoreTrouble(UserError):
    """The remote or the local repository could not be used. Nothing is lost: the next sync tries again."""


class File(NamedTuple):
    """A file of a commit: the id of its content, and its size in bytes."""

    blob: str
    size: int


class GitStore:
    """The store in a bare repository at `folder`, for the remote with this address."""

    def __init__(self, folder: Path, remote: str) -> None:
        self._folder = folder
        self._remote = remote

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
        listed = self._git("ls-remote", "--quiet", "store", remote=True).decode(errors="replace").splitlines()
        return [name for line in listed if (name := line.partition("\t")[2]) != "HEAD"]

    def fetch(self) -> dict[str, str]:
        """Gets all branches of the remote. Returns the commit of each machine's branch."""
        self.create()
        self._git("fetch", "--prune", "--force", "store", f"+refs/heads/*:{_THEIRS}*", remote=True)
        found: dict[str, str] = {}
        listed = self._git("for-each-ref", "--format=%(objecttype) %(objectname) %(refname)", _THEIRS)
        for kind, commit, ref in map(str.split, listed.decode(errors="replace").splitlines()):
            machine = machine_of(f"refs/heads/{ref.removeprefix(_THEIRS)}")
            if machine is not None and kind == "commit":
                found[machine] = commit
        return found

    def files(self, commit: str) -> dict[str, File]:
        """Returns the files of a commit by their paths; those that no machine writes are left out."""
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
        """Stores the files of the commit `base`, changed, as a commit after `parent`. Returns its id. Authors and times
        are always the same: who wrote when is in the manifest.
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
        """Sets the remote's branch, or removes it, if it is still at `expected`."""
        branch = f"refs/heads/{machine}"
        self._git(
            "push", f"--force-with-lease={branch}:{expected or ''}", "store", f"{commit or ''}:{branch}", remote=True
        )

    def tidy(self, *, at_once: bool = False) -> None:
        """Packs what was fetched and drops what no branch has any more, if there are many files or `at_once`."""
        files = sum(len(names) for _, _, names in os.walk(self._folder / "objects"))
        if at_once or files > MOST_LOOSE:
            self._git("gc", timeout_s=REMOTE_S)

    def _git(self, *command: str, given: bytes = b"", remote: bool = False, timeout_s: float = LOCAL_S) -> bytes:
        address = self._remote if remote else ""
        try:
            answer = in_store(
                self._folder, *command, remote=address, given=given, timeout_s=REMOTE_S if remote else timeout_s
            )
        except TimeoutError as error:
            raise StoreTrouble(_trouble("git did not end in time", remote=remote)) from error
        except OverflowError as error:
            raise StoreTrouble(_trouble("it holds more than any machine writes", remote=remote)) from error
        except FileNotFoundError as error:
            raise StoreTrouble("Synchronising needs git, which can't be run here. Nothing was changed.") from error
        if answer.code != 0:
            reason = _reason(answer)
            raise StoreTrouble(_trouble(reason, remote=remote and str(self._folder) not in reason))
        return answer.out


def machine_of(ref: str) -> str | None:
    """Returns the id of the machine whose branch has this name; None if it is not a branch of a store."""
    found = _BRANCH.fullmatch(ref)
    return found[1] if found is not None else None


def _reason(answer: Answer) -> str:
    """Returns what git says is wrong, on one line and without passwords."""
    if b"stale info" in answer.out:
        return "this machine's branch was changed meanwhile"
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


def usable_address(given: str) -> str:
    """Returns the address of a remote as git gets it: a folder's as its absolute path. Raises UserError (USAGE) if it
    is neither a folder nor an address that git reaches over ssh, https, http or git.
    """
    text = given.strip()
    scheme, found, _ = text.partition("://")
    if found and scheme in ("ssh", "https", "http", "git", "file"):
        return text
    is_scp = ":" in text.partition("/")[0] and "::" not in text
    if text and not text.startswith("-") and (is_scp or not found) and text.isprintable() and "::" not in text:
        return text if is_scp else str(Path(text).expanduser().absolute())
    raise UserError(
        f"{given!r} is not the address of a git remote. Give one of ssh or https, or a bare repository's folder, which "
        "`git init --bare FOLDER` makes. Nothing was changed.",
        ExitCode.USAGE,
    )


_SCP: Final = re.compile(r"(?:[^@/]+@)?(?P<host>\[[^\]]+\]|[^:/]+):(?P<path>(?!//).*)", re.DOTALL)
_DEFAULT_PORTS: Final = {"ssh": 22, "git+ssh": 22, "http": 80, "https": 443, "git": 9418}
_CREDENTIALS: Final = re.compile(r"(?<=://)[^/@\s]*@")


def normalised(address: str) -> str:
    """Returns an address that is the same for every way to write one remote: `host/path`, or the folder's real path.
    Protocol, user, password, default port, a trailing `.git` and the case of the host make no difference.
    """
    text = address.strip()
    scheme, is_url, _ = text.partition("://")
    try:
        if is_url and scheme.lower() in _DEFAULT_PORTS:
            parts = urlsplit(text)
            with suppress(ValueError):  # a port that is none
                if parts.port not in (None, _DEFAULT_PORTS[scheme.lower()]):
                    return f"{parts.hostname}:{parts.port}/{_tidied(parts.path)}"
            return f"{parts.hostname}/{_tidied(parts.path)}"
        if not is_url and (found := _SCP.fullmatch(text)) is not None:
            return f"{found['host'].lower()}/{_tidied(found['path'])}"
        folder = os.path.expanduser(urlsplit(text).path if scheme == "file" else text)  # noqa: PTH111
        return "/" + _tidied(os.path.realpath(folder))
    except ValueError:  # neither an address nor a path: a remote that git can't reach either
        return text


def without_credentials(text: str) -> str:
    """Returns an address, or a message that holds some, without user names and passwords."""
    return _CREDENTIALS.sub("", text)


def _tidied(path: str) -> str:
    return path.strip("/").removeprefix("~/").removesuffix(".git").rstrip("/")
