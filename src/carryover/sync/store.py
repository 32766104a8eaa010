"""The store: for each machine, files that it alone writes. Here, in a folder; `git_store.py` has those in git.

Whoever can write into the folder decides what is in it. To Carryover it is data: regular files, reached through no
link, and nothing in it is run.
"""

from __future__ import annotations

import errno
import os
import secrets
import threading
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from itertools import islice
from pathlib import Path
from stat import S_IMODE, S_ISDIR, S_ISREG
from typing import Final, NamedTuple

from carryover.errors import UserError, os_reason
from carryover.fsio import open_regular
from carryover.platform import here
from carryover.sync.sealing import LARGEST_OBJECT
from carryover.text.pattern import later

MACHINE: Final = later(r"[0-9a-f]{16}")
FILE_NAME: Final = later(r"key|head|[0-9a-f]{32}")
_MOST_FILES: Final = 30_000
_TEMPORARY: Final = "new-"
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_ABSENT: Final = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EINVAL, errno.ENXIO, errno.EACCES)
"""There is none that may be read, or a link, a pipe or a device in its place."""


def unreachable(reason: str, what_to_check: str) -> UserError:
    """Returns the error to raise when the store that all machines share can't be used: the next sync tries again."""
    return UserError(
        f"The store can't be reached, or refuses: {reason}. Nothing is lost. Check that {what_to_check}, then run the "
        "command again."
    )


class Fetched(NamedTuple):
    """What is in the store."""

    machines: Collection[str]
    own: Mapping[str, int]
    """The sizes of this machine's own files, by their names."""
    foreign: str | None = None
    """The name of something in the store that is no machine's."""


class Store(ABC):
    """A store that all machines can reach. Every method but `end` blocks and raises UserError."""

    def __init__(self) -> None:
        self._ended = threading.Event()

    def end(self) -> None:
        """Makes what other threads do with the store fail, now and later."""
        self._ended.set()

    @abstractmethod
    def fetch(self) -> Fetched:
        """Gets what all machines have written."""

    @abstractmethod
    def read(self, machine: str, name: str) -> bytes | None:
        """Returns a file; None if there is none. Of one that is larger than any machine writes, a part."""

    @abstractmethod
    def put(self, name: str, data: bytes) -> None:
        """Adds a file to those of this machine, or replaces it. What lists others must come after them."""

    @abstractmethod
    def publish(self, names: Collection[str]) -> None:
        """Has the others see what was put. Afterwards this machine has exactly those files, and if fewer than before,
        the former ones are in no history either."""


class FolderStore(Store):
    """A store in the folder at `path`, with a folder for each machine; `me` is this one."""

    def __init__(self, path: Path, me: str) -> None:
        super().__init__()
        self._path = path
        self._me = me

    def fetch(self) -> Fetched:
        with self._errors():
            with self._opened() as place:
                listed = _listed(place)
            machines = [name for name, about in listed if MACHINE.fullmatch(name) and S_ISDIR(about.st_mode)]
            own: list[tuple[str, os.stat_result]] = []
            if self._me in machines:
                with self._opened(self._me) as place:
                    own = _listed(place)
        # Programs that synchronise folders, and the system, leave hidden files.
        others = (name for name, _ in listed if name == ".git" or not (name.startswith(".") or MACHINE.fullmatch(name)))
        sizes = {name: about.st_size for name, about in own if FILE_NAME.fullmatch(name) and S_ISREG(about.st_mode)}
        return Fetched(machines, sizes, next(others, None))

    def read(self, machine: str, name: str) -> bytes | None:
        with self._errors():
            try:
                with self._opened(machine) as place:
                    file = os.fdopen(open_regular(name, os.O_NOFOLLOW, dir_fd=place), "rb")
                with file:
                    return file.read(LARGEST_OBJECT)
            except OSError as error:
                if error.errno not in _ABSENT or self._ended.is_set():
                    raise
                return None

    def put(self, name: str, data: bytes) -> None:
        with self._errors(), self._opened(self._me, make=True) as place:
            _replace(place, name, data)

    def publish(self, names: Collection[str]) -> None:
        with self._errors(), self._opened(self._me, make=True) as place:
            for name, _ in _listed(place):
                if name not in names and (FILE_NAME.fullmatch(name) or name.startswith(_TEMPORARY)):
                    os.unlink(name, dir_fd=place)
        if not names:
            with self._errors(), self._opened() as place, suppress(OSError):  # something of another's is in it
                os.rmdir(self._me, dir_fd=place)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise unreachable(os_reason(error), f"the folder {self._path} is there and you can write to it") from error

    @contextmanager
    def _opened(self, machine: str | None = None, *, make: bool = False) -> Iterator[int]:
        """Opens the folder, or a machine's in it, and yields its descriptor."""
        if self._ended.is_set():
            raise OSError(errno.EINTR, "synchronising was ended")
        with ExitStack() as stack:
            place = os.open(self._path, _FOLDER)
            stack.callback(os.close, place)
            if machine is not None:
                place = _opened_below(place, machine, make=make)
                stack.callback(os.close, place)
            yield place


def _opened_below(place: int, name: str, *, make: bool) -> int:
    is_new = False
    with suppress(FileExistsError):
        if make:
            os.mkdir(name, dir_fd=place)
            is_new = True
    opened = os.open(name, _FOLDER | os.O_NOFOLLOW, dir_fd=place)
    if is_new:
        with suppress(OSError):  # a share that has no modes
            # Shared as far as the folder. By what was opened: a link may have been put there since.
            os.fchmod(opened, S_IMODE(os.fstat(place).st_mode))
    return opened


def _listed(place: int) -> list[tuple[str, os.stat_result]]:
    """Returns what is in a folder, without what goes while it is listed, as another machine's unfinished file does."""
    listed = []
    with os.scandir(place) as entries:
        for entry in islice(entries, _MOST_FILES):
            with suppress(FileNotFoundError):
                listed.append((entry.name, entry.stat(follow_symlinks=False)))
    return listed


def _replace(place: int, name: str, data: bytes) -> None:
    temporary = f"{_TEMPORARY}{secrets.token_hex(6)}"
    file = os.open(temporary, _NEW, 0o600, dir_fd=place)
    try:
        with os.fdopen(file, "wb") as opened:
            opened.write(data)
            opened.flush()
            with suppress(OSError):
                os.fchmod(file, 0o666 & os.fstat(place).st_mode)
            here().full_sync(file)
        os.rename(temporary, name, src_dir_fd=place, dst_dir_fd=place)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary, dir_fd=place)
        raise
