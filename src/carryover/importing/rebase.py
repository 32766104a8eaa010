"""Paths of another place, or another machine, as they are in the project that a document is imported into."""

from __future__ import annotations

import posixpath
from pathlib import PurePosixPath
from typing import Final

from carryover.records.fields import is_absolute, resolved

MOST_NAMED: Final = 50


def former_root(recorded: str, folder: str) -> str | None:
    """What `folder` was called where the path `recorded` was written: the nearest folder of its name at or above that.

    None if none has its name.
    """
    path, name = PurePosixPath(_with_slashes(recorded)), PurePosixPath(folder).name
    return next((str(place) for place in (path, *path.parents) if name and place.name == name), None)


def moved(path: str, former: str, folder: str) -> str:
    """`path` with what is at `former` at `folder`; any other path as it is. Both may be of a Windows machine."""
    plain, former = _with_slashes(path), _with_slashes(former).rstrip("/")
    return f"{folder}{plain[len(former) :]}" if _is_below(plain, former) else path


class Locator:
    """Paths of a document that names no working folder, as they are in the project in `folder`.

    It shows some paths relative to the folder that it was written in, and others whole. `former` is that folder, once a
    whole path ends in a relative one. `named` are the relative paths so far, the newest last.
    """

    def __init__(self, folder: str | None, former: str | None = None, named: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.former = former
        self.named = named

    def path(self, path: str) -> str | None:
        """The absolute path that a document means by `path`; None if it is relative to an unknown folder."""
        if not is_absolute(path):
            self._learn(path)
            return resolved(path, self.folder)
        clean = resolved(path, None)
        if clean is None or self.folder is None or _is_below(clean, self.folder):
            return clean
        former = self._former(clean)
        return moved(clean, former, self.folder) if former is not None else clean

    def _learn(self, path: str) -> None:
        relative = posixpath.normpath(path)
        if not relative.startswith("..") and relative not in (*self.named, "."):
            self.named = (*self.named, relative)[-MOST_NAMED:]

    def _former(self, path: str) -> str | None:
        if self.former is None:
            endings = sorted(self.named, key=len, reverse=True)
            ending = next((name for name in endings if path.endswith(f"/{name}")), None)
            self.former = path.removesuffix(f"/{ending}") if ending is not None else None
        if self.former is not None and _is_below(path, self.former):
            return self.former
        return former_root(path, self.folder or "")


def _with_slashes(path: str) -> str:
    return path if path.startswith("/") else path.replace("\\", "/")


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")
