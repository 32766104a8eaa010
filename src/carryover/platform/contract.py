"""What Carryover asks of an operating system beyond what Python has for all of them."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from carryover.platform.inotify import Inotify

End = tuple[str, int]
"""One end of a connection: its IP address and port."""


class Platform:
    """One operating system, as far as it has what is asked of it here. Functions do not raise unless they say so; what
    they do not know is None or empty."""

    name: str
    """As `sys.platform` has it."""
    watches_trees = False
    """Whether watching a folder is watching all that is below it, whose changes are then reported by real paths."""
    longest_address: int
    """The longest path of a Unix socket, in bytes."""

    def canonical(self, path: Path | str) -> str:
        """Returns the one spelling of an absolute path: links resolved, folders spelt as on disk. What is no folder
        keeps the name that was given. Blocks."""
        raise NotImplementedError

    def alike(self, path: str) -> str:
        """Returns what the spellings of a path have in common. Looks at no disk, so it resolves no links of the
        user's."""
        return path

    def born_ns(self, path: Path) -> int | None:
        """Returns when the file at `path` was made (UTC ns), which nothing can set; None if the disk does not say.

        A symlink is not followed. Raises OSError.
        """
        raise NotImplementedError

    def exchange(self, one: Path, other: Path) -> bool:
        """Exchanges two files of one disk in one step; returns False if the system or the disk can't. Raises
        OSError."""
        raise NotImplementedError

    def at_rest(self, descriptor: int) -> bool:
        """Whether no program has the file open for writing, as far as the system tells. Who opens it so later waits
        until `descriptor` is closed, where the system can do that."""
        return True

    def full_sync(self, descriptor: int) -> None:
        """Has a file's content survive a power cut. Raises OSError."""
        os.fsync(descriptor)

    def mounts(self) -> list[str]:
        """Returns the folders at which disks are mounted. Raises OSError."""
        raise NotImplementedError

    def connection_owners(self, peer: End, own: End) -> set[int] | None:
        """Returns the users of the process at `peer`, which is connected with `own`; None if the system does not tell.

        Empty until the process has accepted the connection, and for a process in another network namespace. Blocks.
        """
        return None

    def has_open(self, pid: int, path: Path) -> bool:
        """Whether a process has the file at `path` open; False also if the system does not tell."""
        return False

    def inotify(self) -> Inotify | None:
        """Returns what reports changes in folders; None where watchfiles does, or, as in WSL, a rescan finds them."""
        return None

    def descriptors(self) -> int:
        """Returns how many descriptors this process may have open; 0 if there is no limit."""
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return max(0, soft)

    def allow_descriptors(self, number: int) -> None:
        """Lets this process have so many descriptors open where the system gives it few; never more than may be."""

    def share_memory_among_threads(self) -> None:
        """Has all threads take memory from one place, so that one does not keep what another one needed."""

    def lower_priority(self, nice: int) -> None:
        """Lowers the priority of this thread alone, where the system can."""

    def address_in(self, folder: int, name: str) -> str | None:
        """Returns a short path of a socket in an open folder; None if the system has none."""
        return None

    def others_have_ipv6(self) -> bool:
        """Whether other processes may have IPv6 although this one has not."""
        return False

    def asks_network_for_localhost(self) -> bool:
        """Whether the system's browser asks a name server for names below `localhost`, which could answer."""
        return False

    def withholds(self, folder: Path) -> bool:
        """Whether the system does not show this program what its owner may see in `folder`."""
        return False

    def git_usable(self, path: str) -> bool:
        """Whether the `git` that is found in the folders of `path`, if any, is more than a program that asks for it to
        be installed. Does not run it."""
        return True
