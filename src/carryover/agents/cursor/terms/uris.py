"""Paths that are written as URIs: `file:///home/dev/demo`, `file:///c%3A/demo`."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit


def path_of(uri: str | None) -> str | None:
    """The path that a URI or a plain path names; None where it lies on another machine or is none."""
    if not uri or "://" not in uri[:40]:
        return uri or None
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        return None
    path = unquote(parts.path)
    return path[1:] if path[2:3] == ":" else path or None
