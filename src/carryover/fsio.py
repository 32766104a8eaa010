"""File helpers for our files and the user's: private folders, atomic replacement, bounded reads, one lock."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Literal

from carryover.platform import here

_LOCK_TRIES = 5
_LOCK_PAUSE_S = 0.02
"""How often a lock is tried, and how long between: `holder` takes it for an instant, which must not keep a daemon from
starting."""
Sync = Literal["before", "after", "never"]
"""When a new file is synced to the disk: before it takes its place, after that, or never."""
SCRATCH: Final = "carryover-scratch-"
"""Prefix of the names of scratch folders."""


def private_dir(path: Path, *, parents: bool = True, follow: bool = True) -> None:
    """Makes `path` a folder that only its owner may enter (0700). Never changes its parents; may create missing ones.

    A mode that is too open is corrected, but only on this folder and only if it is ours. Raises PermissionError if it
    belongs to another user, NotADirectoryError if something else has that name, also a symlink with `follow=False`.
    """
    if parents:
        path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    found = path.stat(follow_symlinks=follow)
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
    if found.st_uid != os.geteuid():
        raise PermissionError(errno.EPERM, "the folder belongs to another user", str(path))
    if stat.S_IMODE(found.st_mode) != 0o700:
        path.chmod(0o700)


@contextlib.contextmanager
def locked_dir(path: Path) -> Iterator[None]:
    """Makes `path` a folder like `private_dir` and holds its lock, for which other threads and processes wait. Raises
    NotADirectoryError for a symlink too, whose target stays as it is."""
    while True:
        private_dir(path, parents=False, follow=False)
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        try:
            with contextlib.suppress(OSError):  # a network disk that locks no folders
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if is_there(path) and os.path.samestat(os.fstat(descriptor), path.stat()):  # else it was removed
                yield
                return
        finally:
            os.close(descriptor)


def atomic_replace(
    path: Path,
    data: bytes,
    *,
    mode: int | None = None,
    follow: bool = True,
    sync: Sync = "before",
) -> None:
    """Replaces `path` with `data` atomically: a reader sees the old file or the new one, even after a power cut.

    A symlink stays and its target is replaced; with `follow=False` the link itself is replaced. The mode of an existing
    file is kept unless `mode` is given; a new file gets `mode` or the umask's default. On any error the old file stays
    as it was and nothing is left beside it. `sync`: whether the disk is waited for before readers see the file, after,
    or never. Until it was waited for, a power cut may leave an empty file, so this is for what can be recreated; if the
    disk refuses it after, readers see the old file again. Raises OSError if the folder is missing, not writable or
    full.
    """
    target = Path(os.path.realpath(path)) if follow else path
    temporary = written_beside(target, data, mode=mode, durable=sync == "before")
    try:
        if sync == "after":
            _show_and_sync(temporary, target)
        else:
            temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if sync != "never":
        sync_folder(target.parent)


def _show_and_sync(temporary: Path, target: Path) -> None:
    descriptor = open_regular(temporary, os.O_RDONLY | os.O_NOFOLLOW)
    before = temporary_beside(target)
    try:
        with contextlib.suppress(OSError):  # there is none, or a disk that knows no links
            before.hardlink_to(target)
        temporary.replace(target)
        try:
            with naming(target):
                here().full_sync(descriptor)
        except OSError:
            before.replace(target) if before.exists() else target.unlink(missing_ok=True)
            raise
    finally:
        before.unlink(missing_ok=True)
        os.close(descriptor)


def written_beside(target: Path, data: bytes, *, mode: int | None, durable: bool = True) -> Path:
    """Writes `data` to a new file beside `target`, as `atomic_replace` puts it in its place; returns its path."""
    before = _mode_and_group(target)
    if mode is None and before is not None:
        mode = before[0]
    temporary = temporary_beside(target)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    descriptor = os.open(temporary, flags, 0o666 if mode is None else 0o600)
    try:
        with naming(target), os.fdopen(descriptor, "wb") as file:
            if before is not None and before[1] != os.fstat(descriptor).st_gid:
                with contextlib.suppress(PermissionError):  # a group we are not in: keep the user's own
                    os.fchown(descriptor, -1, before[1])
            if mode is not None:
                os.fchmod(descriptor, mode)
            file.write(data)
            file.flush()
            if durable:
                here().full_sync(descriptor)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Has an OSError name `path`: one of a write, as on a full disk, names no file by itself."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def temporary_beside(target: Path) -> Path:
    """Returns a new name for a file that is to take the place of `target`, or was there."""
    return target.with_name(f".{target.name}.{os.urandom(4).hex()}.tmp")


def write_if_changed(
    path: Path,
    data: bytes,
    *,
    mode: int | None = None,
    follow: bool = True,
    sync: Sync = "before",
) -> bool:
    """Replaces `path` like `atomic_replace`, but only if its bytes differ from `data`; returns whether they did.

    An equal file keeps its modification time, so that programs watching it stay quiet; a wrong `mode` is corrected.
    Raises OSError as `atomic_replace` does, and if `path` is something other than a file.
    """
    try:
        same = read_bytes_bounded(path, len(data), follow=follow) == data
    except FileNotFoundError:
        same = False
    except OSError as error:
        if error.errno not in (errno.EFBIG, errno.ELOOP):
            raise
        same = False
    if not same:
        atomic_replace(path, data, mode=mode, follow=follow, sync=sync)
    elif mode is not None and stat.S_IMODE(path.stat().st_mode) != mode:
        path.chmod(mode)
    return not same


def read_bytes_bounded(path: Path, limit_bytes: int, *, follow: bool = True) -> bytes:
    """Returns the content of a regular file of at most `limit_bytes`. Never waits on a pipe or a device. Raises
    OSError: EFBIG if it is larger, EINVAL if it is not a regular file, ELOOP for a symlink with `follow=False`.
    """
    data = read_beginning(path, limit_bytes + 1, follow=follow)
    if len(data) > limit_bytes:
        raise OSError(errno.EFBIG, f"larger than {limit_bytes:,} bytes", str(path))
    return data


def read_if_there(path: Path, limit_bytes: int, *, follow: bool = True) -> bytes | None:
    """Returns what `read_bytes_bounded` does; None if there is no file. Raises OSError for any other reason."""
    try:
        return read_bytes_bounded(path, limit_bytes, follow=follow)
    except FileNotFoundError:
        return None


def read_beginning(path: Path, limit_bytes: int, *, follow: bool = False) -> bytes:
    """Returns the first bytes of a regular file. Raises as `read_bytes_bounded` does, except for the file's size."""
    with os.fdopen(open_regular(path, 0 if follow else os.O_NOFOLLOW), "rb") as file:
        return file.read(limit_bytes)


def open_regular(path: Path | str, flags: int = os.O_RDONLY, *, dir_fd: int | None = None) -> int:
    """Opens a regular file, or makes one for its owner alone, and returns the descriptor, which the caller closes.
    Never waits on a pipe or a device.
    Raises OSError, also when it is not a regular file.
    """
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY, 0o600, dir_fd=dir_fd)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _not_regular(path)
    return descriptor


def stat_regular(path: Path | str) -> os.stat_result:
    """Returns the status of a file. Raises OSError when it is gone or not a regular file."""
    status = os.stat(path)  # noqa: PTH116 (a third of the cost, for thousands of files)
    if not stat.S_ISREG(status.st_mode):
        raise _not_regular(path)
    return status


def _not_regular(path: Path | str) -> OSError:
    return OSError(errno.EINVAL, "not a regular file", str(path))


@contextlib.contextmanager
def scratch_folder(parent: Path | None = None) -> Iterator[Path]:
    """Creates a folder in `parent` (default: the system's temporary folder) that only the user can read. It is removed
    when the block ends. What a killed process leaves is removed by `sweep_scratch`, which each use calls.
    """
    import shutil

    parent = temporary_files() if parent is None else parent
    sweep_scratch(parent)
    folder, descriptor = _locked_folder(parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def temporary_files() -> Path:
    """Returns the folder in which the system keeps temporary files, even if it is full: Python's own answer is then
    the current folder, or an error."""
    return Path(os.environ.get("TMPDIR") or "/tmp")


def sweep_scratch(*parents: Path) -> None:
    """Removes the scratch folders of processes that are gone. The system has released the locks of those."""
    import shutil

    for folder in (found for parent in parents for found in parent.glob(f"{SCRATCH}*")):
        with contextlib.suppress(OSError):
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if os.fstat(descriptor).st_uid == os.geteuid() and _flock(descriptor, fcntl.LOCK_EX, tries=1):
                    shutil.rmtree(folder)
            finally:
                os.close(descriptor)


def _locked_folder(parent: Path) -> tuple[Path, int]:
    while True:
        folder = parent / f"{SCRATCH}{os.urandom(8).hex()}"
        folder.mkdir(mode=0o700)
        with contextlib.suppress(FileNotFoundError):  # swept before it was locked
            descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            with contextlib.suppress(OSError):  # a network disk that locks no folders, which is not swept then either
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            if is_there(folder):
                return folder, descriptor
            os.close(descriptor)


class FileLock:
    """A lock between processes, which the system releases when the process ends in any way. The file itself stays. The
    file contains the holder: by default its process id. The folder must exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def acquire(self, content: str | None = None) -> bool:
        """Takes the lock and writes `content` into it; returns False if another process holds it. Never waits long. On
        a full disk, the process id, which only messages name, is left out, so that `uninstall` can make room.
        """
        descriptor = open_regular(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW)
        try:
            if not _flock(descriptor, fcntl.LOCK_EX, tries=_LOCK_TRIES):
                os.close(descriptor)
                return False
            with naming(self.path):
                os.ftruncate(descriptor, 0)
                try:
                    os.pwrite(descriptor, f"{os.getpid() if content is None else content}\n".encode(), 0)
                except OSError as error:
                    if content is not None or error.errno not in (errno.ENOSPC, errno.EDQUOT):
                        raise
        except BaseException:
            with contextlib.suppress(OSError):
                os.close(descriptor)
            raise
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Releases the lock; harmless if it is not held."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):  # the disk may be read-only by now
                os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = None

    def holder(self) -> str | None:
        """Returns the current holder's content; None if nobody holds the lock. Creates nothing."""
        try:
            descriptor = open_regular(self.path, os.O_NOFOLLOW)
        except FileNotFoundError:
            return None
        try:
            if _flock(descriptor, fcntl.LOCK_SH, tries=1):
                return None
            return os.pread(descriptor, 4096, 0).decode(errors="replace").strip()
        finally:
            os.close(descriptor)


def _flock(descriptor: int, kind: int, *, tries: int) -> bool:
    for left in reversed(range(tries)):
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if left:
                time.sleep(_LOCK_PAUSE_S)
    return False


def _mode_and_group(path: Path) -> tuple[int, int] | None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(found.st_mode):  # only with follow=False: a link's own mode means nothing
        return None
    return stat.S_IMODE(found.st_mode), found.st_gid


def sync_folder(folder: Path) -> None:
    """Flushes the entries of a folder to disk, where its file system can. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # file systems that can't sync a folder
            raise
    finally:
        os.close(descriptor)


def entries_below(
    top: Path, *, passing: str | None = None, onerror: Callable[[OSError], None] | None = None
) -> Iterator[os.DirEntry[str]]:
    """Yields all that is in a folder and in those below it, but for what is called `passing`. Follows no link. Other
    than `os.walk` of Python 3.11, it reads folders of any depth."""
    folders = [str(top)]
    while folders:
        try:
            with os.scandir(folders.pop()) as entries:
                found = [(one, one.is_dir(follow_symlinks=False)) for one in entries if one.name != passing]
        except OSError as error:
            if onerror is not None:
                onerror(error)
            continue
        folders += [one.path for one, is_a_folder in found if is_a_folder]
        yield from (one for one, _ in found)


def is_folder(path: Path) -> bool:
    """Whether `path` is a folder, or a link to one. Returns False if it can't be examined."""
    try:
        return stat.S_ISDIR(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def is_there(path: Path) -> bool:
    """Whether anything is at `path`, even a dangling link: a program would write through that."""
    try:
        path.lstat()
    except (OSError, ValueError):
        return False
    return True


FileStamp = tuple[int, int, int]
"""Time of the last write (ns), size and inode of a file."""


def file_stamp(path: str | Path, *, follow: bool = False) -> FileStamp | None:
    """Returns what changes with each write to the file; None if there is none that may be seen."""
    try:
        found = os.stat(path, follow_symlinks=follow)  # noqa: PTH116 (a third of the cost, for thousands of branches)
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def is_same(one: Path, other: Path) -> bool:
    """Whether both are there, and one file or folder."""
    try:
        return one.samefile(other)
    except (OSError, ValueError):
        return False


def mtime_ns(path: Path) -> int | None:
    """Returns when a file was last written; None if there is none, or it can't be examined."""
    try:
        return path.lstat().st_mtime_ns
    except OSError:
        return None


def is_gone(path: Path) -> bool:
    """Whether certainly nothing is at `path`. A path that can't be examined is not gone."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        return False
    return False


def is_empty(path: Path) -> bool:
    """Whether a file has no content. Returns False if there is none, or it can't be examined."""
    try:
        found = path.lstat()
    except (OSError, ValueError):
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size == 0
