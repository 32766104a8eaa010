"""File URIs as editors of the VS Code family write them."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit


def path_of(uri: str) -> str | None:
    """Returns the path of a `file:` URI or a plain path; None if it is on another machine."""
    if "://" not in uri[:40]:
        return uri
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        return None
    path = unquote(parts.path)
    return path[1:] if path[2:3] == ":" else path
