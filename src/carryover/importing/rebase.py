"""Translates paths from another place or machine to the project that a document is imported into."""

from __future__ import annotations

from pathlib import PurePosixPath

from carryover.records.fields import is_absolute, resolved


def former_root(recorded: str, folder: str) -> str | None:
    """Returns the former path of `folder`: the nearest folder with its name at or above the path `recorded`.

    None if no folder has that name.
    """
    path, name = PurePosixPath(_with_slashes(recorded)), PurePosixPath(folder).name
    return next((str(place) for place in (path, *path.parents) if name and place.name == name), None)


def moved(path: str, former: str, folder: str) -> str:
    """Returns `path` with `former` replaced by `folder`; any other path unchanged. Windows paths work too."""
    plain, former = _with_slashes(path), _with_slashes(former).rstrip("/")
    return f"{folder}{plain[len(former) :]}" if _is_below(plain, former) else path


def located(path: str, folder: str | None) -> str | None:
    """Returns the absolute path that a document about the project in `folder` means; None if it can't be known.

    A document shows some paths relative to the folder that it was written in, and others in full.
    """
    if not is_absolute(path):
        return resolved(path, folder)
    clean = resolved(path, None)
    if clean is None or folder is None or _is_below(clean, folder):
        return clean
    former = former_root(clean, folder)
    return moved(clean, former, folder) if former is not None else clean


def _with_slashes(path: str) -> str:
    return path if path.startswith("/") else path.replace("\\", "/")


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")
