"""A store that is a folder: a bare repository in which git is never run.

Whoever can write into the folder decides what its configuration, hooks, alternates and links say. To Carryover it is
data: refs and objects in regular files, reached through no link. They are written as git writes them, so that git and
other machines can use the folder at the same time.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import stat
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import IO, Final

from carryover.fsio import open_regular
from carryover.platform import here
from carryover.sync.sealing import LARGEST_OBJECT

LOCK_S: Final = 10.0
"""Git holds a ref's lock for milliseconds: one that stays this long was left by a program that was killed."""
MOST_REFS: Final = 10_000
DEEPEST_REF: Final = 16
MOST_IN_FOLDER: Final = 200_000
MAKES_ONE: Final = "GIT_DEFAULT_REF_FORMAT=files git init --bare --object-format=sha1 FOLDER"
_LARGEST: Final = LARGEST_OBJECT + (64 << 10)
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_PACKED_REF: Final = re.compile(r"([0-9a-f]{40}) (refs/\S+)")
_OBJECT_ID: Final = re.compile(r"[0-9a-f]{40}")
_PACK: Final = re.compile(r"pack-[0-9a-f]{40,64}\.pack")
_OTHER_FORM: Final = re.compile(rb'objectformat\s*=\s*"?sha256|refstorage\s*=\s*"?reftable', re.IGNORECASE)
_IN_COMMIT: Final = re.compile(rb"^(?:tree|parent) ([0-9a-f]{40})$", re.MULTILINE)
_IN_TREE: Final = re.compile(rb"(\d{5,6}) [^\0]+\0(.{20})", re.DOTALL)
_SUBMODULE: Final = b"160000"
_ABSENT: Final = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EINVAL, errno.ENXIO)
"""There is none, or a link, a pipe or a device in its place."""


class RefChanged(Exception):
    """A ref is no longer what it was when this machine last saw it."""


class StoreFolder:
    """The folder at `path`, or the repository in it. All methods block. They raise OSError, also after git commands
    were ended (`is_ended`)."""

    def __init__(self, path: Path, is_ended: Callable[[], bool]) -> None:
        self._path = path if path.exists() else path.with_name(f"{path.name}.git")
        self._is_ended = is_ended
        self._inside: tuple[str, ...] = ()

    def check(self) -> None:
        """Raises OSError if the folder is not a repository, or is one of a form that Carryover does not write."""
        with suppress(OSError), self._opened(".git", "objects"):
            self._inside = (".git",)
        with self._opened("objects"), self._opened("refs"):
            pass
        if _OTHER_FORM.search(self._content("config") or b""):
            raise OSError(errno.EINVAL, f"its form is none that Carryover writes; `{MAKES_ONE}` makes one")

    def refs(self) -> dict[str, str]:
        """Returns all refs, with the ids that they have."""
        packed = (self._content("packed-refs") or b"").decode(errors="replace")
        found = {name: commit for commit, name in _PACKED_REF.findall(packed)}
        left: list[tuple[str, ...]] = [("refs",)]
        looked_at = 0
        while left:
            folder = left.pop()
            for name, is_folder in self._listed(*folder):
                path = (*folder, name)
                if is_folder:
                    left.append(path)
                elif (commit := self._id_in(path)) is not None and not name.endswith(".lock"):
                    found["/".join(path)] = commit
            looked_at += 1
            if len(found) + len(left) + looked_at > MOST_REFS or len(folder) > DEEPEST_REF:
                raise OSError(errno.E2BIG, "it has more refs than any machine makes")
        return found

    def set_ref(self, ref: str, commit: str | None, expected: str | None) -> None:
        """Sets a ref, or removes it, under git's own lock. Raises RefChanged if it is not at `expected`."""
        *folder, name = ref.split("/")
        with self._opened(*folder, make=True) as place, self._locked(place, name) as lock:
            if self.refs().get(ref) != expected:
                raise RefChanged
            if commit is not None:
                _write(lock, f"{commit}\n".encode(), 0o666 & os.fstat(place).st_mode)
                os.rename(_lock_of(name), name, src_dir_fd=place, dst_dir_fd=place)
            else:
                self._remove_packed(ref)
                _remove(name, place)
                _remove(_lock_of(name), place)
            os.fsync(place)

    def put(self, kind: str, content: bytes) -> None:
        """Adds an object."""
        data = f"{kind} {len(content)}\0".encode() + content
        name = _name_of(data)
        with self._opened("objects", name[:2], make=True) as place:
            temporary = f"tmp_obj_{secrets.token_hex(6)}"
            try:
                file = os.open(temporary, _NEW, 0o600, dir_fd=place)
                try:
                    _write(file, zlib.compress(data, 0), 0o444 & os.fstat(place).st_mode)
                finally:
                    os.close(file)
                os.rename(temporary, name[2:], src_dir_fd=place, dst_dir_fd=place)
            except BaseException:
                _remove(temporary, place)
                raise

    def copy_branch(self, commit: str, known: set[str], keep: Callable[[str, bytes], object]) -> bool:
        """Passes to `keep` the file of each object that `commit` needs beyond the `known` ones.

        Returns whether all have a file; they then count as known.
        """
        new: set[str] = set()
        wanted = [commit]
        while wanted:
            name = wanted.pop()
            if name in known or name in new:
                continue
            found = self._loose(name)
            if found is None:
                return False
            new.add(name)
            raw, data = found
            keep(name, raw)
            wanted += _needed_by(data)
        known |= new
        return True

    def copy_loose(self, keep: Callable[[str, bytes], object]) -> None:
        """Passes to `keep` the file of each object that has one."""
        for folder, is_folder in self._listed("objects"):
            for rest, _ in self._listed("objects", folder) if is_folder and len(folder) == 2 else ():
                name = folder + rest
                if _OBJECT_ID.fullmatch(name) and (found := self._loose(name)) is not None:
                    keep(name, found[0])

    def packs(self) -> Iterator[IO[bytes]]:
        """Yields the files that have many objects each, opened."""
        for name, _ in self._listed("objects", "pack"):
            if _PACK.fullmatch(name) and (file := self._file("objects", "pack", name)) is not None:
                with file:
                    yield file

    def _loose(self, name: str) -> tuple[bytes, bytes] | None:
        """Returns the file of an object, and what is compressed in it; None if there is none, or it is damaged."""
        raw = self._content("objects", name[:2], name[2:])
        if raw is None:
            return None
        inflate = zlib.decompressobj()
        try:
            data = inflate.decompress(raw, _LARGEST)
        except zlib.error:
            return None
        is_whole = inflate.eof and not inflate.unused_data
        return (raw, data) if is_whole and _name_of(data) == name else None

    def _id_in(self, path: tuple[str, ...]) -> str | None:
        text = (self._content(*path) or b"").decode(errors="replace").strip()
        return text if _OBJECT_ID.fullmatch(text) else None

    def _remove_packed(self, ref: str) -> None:
        lines = (self._content("packed-refs") or b"").splitlines(keepends=True)
        kept = [line for line in lines if line.split()[1:] != [ref.encode()]]
        if kept != lines:
            with self._opened() as place, self._locked(place, "packed-refs") as lock:
                _write(lock, b"".join(kept), 0o666 & os.fstat(place).st_mode)
                os.rename(_lock_of("packed-refs"), "packed-refs", src_dir_fd=place, dst_dir_fd=place)

    @contextmanager
    def _opened(self, *names: str, make: bool = False) -> Iterator[int]:
        """Opens a folder in the repository, following no link, and yields its descriptor."""
        self._check_end()
        place = os.open(self._path, _FOLDER)
        try:
            for name in (*self._inside, *names):
                inner = _opened_below(place, name, make=make)
                os.close(place)
                place = inner
            yield place
        finally:
            os.close(place)

    def _check_end(self) -> None:
        if self._is_ended():
            raise OSError(errno.EINTR, "synchronising was ended")

    @contextmanager
    def _locked(self, place: int, name: str) -> Iterator[int]:
        """Creates a file's lock and yields its descriptor. The block renames the lock or removes it."""
        began_s = time.monotonic()
        while True:
            self._check_end()
            try:
                lock = os.open(_lock_of(name), _NEW, 0o600, dir_fd=place)
                break
            except FileExistsError:
                waited_s = time.monotonic() - began_s
                if waited_s >= 2 * LOCK_S:  # somebody puts it there again and again
                    raise
                if waited_s >= LOCK_S:
                    _remove(_lock_of(name), place)
                time.sleep(0.05)
        try:
            yield lock
        except BaseException:
            _remove(_lock_of(name), place)
            raise
        finally:
            os.close(lock)

    def _content(self, *names: str) -> bytes | None:
        """Returns a file's content; None if there is no regular file, or one that is larger than any machine writes."""
        file = self._file(*names)
        if file is None:
            return None
        with file:
            data = file.read(_LARGEST + 1)
        return data if len(data) <= _LARGEST else None

    def _file(self, *names: str) -> IO[bytes] | None:
        *folder, name = names
        try:
            with self._opened(*folder) as place:
                return os.fdopen(open_regular(name, os.O_NOFOLLOW, dir_fd=place), "rb")
        except OSError as error:
            _raise_unless_absent(error)
        return None

    def _listed(self, *names: str) -> list[tuple[str, bool]]:
        """Returns the names in a folder, and which are folders."""
        try:
            with self._opened(*names) as place, os.scandir(place) as entries:
                first = islice(entries, MOST_IN_FOLDER)
                return sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in first)
        except OSError as error:
            _raise_unless_absent(error)
        return []


def _raise_unless_absent(error: OSError) -> None:
    if error.errno not in _ABSENT:
        raise error


def _opened_below(place: int, name: str, *, make: bool) -> int:
    flags = _FOLDER | os.O_NOFOLLOW
    try:
        return os.open(name, flags, dir_fd=place)
    except FileNotFoundError:
        if not make:
            raise
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=place)
    made = os.open(name, flags, dir_fd=place)
    with suppress(OSError):  # a share that has no modes
        os.fchmod(made, stat.S_IMODE(os.fstat(place).st_mode))  # as far as the folder is shared with others
    return made


def _write(file: int, data: bytes, mode: int) -> None:
    with os.fdopen(file, "wb", closefd=False) as opened:
        opened.write(data)
    with suppress(OSError):
        os.fchmod(file, mode)
    here().full_sync(file)


def _remove(name: str, place: int) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=place)


def _lock_of(name: str) -> str:
    return f"{name}.lock"


def _name_of(data: bytes) -> str:
    return hashlib.sha1(data, usedforsecurity=False).hexdigest()


def _needed_by(data: bytes) -> list[str]:
    """Returns the objects that a commit or a tree names."""
    kind, _, content = data.partition(b"\0")
    if kind.startswith(b"commit "):
        return [name.decode() for name in _IN_COMMIT.findall(content.partition(b"\n\n")[0])]
    if kind.startswith(b"tree "):
        return [name.hex() for mode, name in _IN_TREE.findall(content) if mode != _SUBMODULE]
    return []
