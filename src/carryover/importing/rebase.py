"""Paths of another place, or another machine, as they are in the project that a document is imported into."""

from __future__ import annotations

from pathlib import PurePosixPath
from carryover.records.fields import is_absolute, resolved


def former_root(recorded: str, folder: str) -> str | None:
    """What `folder` was called where the path `recorded` was written: the nearest folder of its name at or above that.

    None where none has its name.
    """
    path, name = PurePosixPath(recorded), PurePosixPath(folder).name
    return next((str(place) for place in (path, *path.parents) if name and place.name == name), None)


def moved(path: str, former: str, folder: str) -> str:
    """`path` with what is at `former` at `folder`; any other path as it is."""
    if path == former:
        return folder
    return f"{folder}{path[len(former) :]}" if path.startswith(f"{former.rstrip('/')}/") else path


class Rebase:
    """Paths of documents that name no working folder: relative to `folder`, or absolute on the writer's machine."""

    def __init__(self, folder: str | None) -> None:
        self.folder = folder

    def path(self, path: str) -> str | None:
        """The absolute path that a document means by `path`; None where nobody knows to what it is relative."""
        if not is_absolute(path) or self.folder is None:
            return resolved(path, self.folder)
        clean = resolved(path, None)
        if clean is None or clean == self.folder or clean.startswith(f"{self.folder.rstrip('/')}/"):
            return clean
        former = former_root(clean, self.folder)
        return moved(clean, former, self.folder) if former is not None else clean
