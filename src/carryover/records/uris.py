"""File URIs as editors of the VS Code family write them."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote, urlsplit

import msgspec

from carryover.records.lenient import fields_of, text_of
from carryover.text.pattern import later

_SCHEME_WITHIN: Final = 40
"""The beginning of a text that may hold a scheme: further on, `://` is part of a path."""
_DRIVE: Final = later(r"/[^/]:")
"""The beginning of a Windows path in a URI."""


def path_of(uri: str) -> str | None:
    """Returns the path of a `file:` URI or a plain path; None if it is on another machine."""
    if "://" not in uri[:_SCHEME_WITHIN]:
        return _without_root(uri)
    try:
        parts = urlsplit(uri)
    except ValueError:
        return None
    if parts.scheme != "file" or parts.netloc not in ("", "localhost"):
        return None
    return _without_root(unquote(parts.path))


def _without_root(path: str) -> str:
    return path[1:] if _DRIVE.match(path) else path


def path_in(uri: str) -> str:
    """Returns the path in a URI, on whichever machine it is; empty if it has none."""
    try:
        return unquote(urlsplit(uri).path)
    except ValueError:
        return ""


def uri_in(raw: msgspec.Raw | None) -> str:
    """Returns a URI that is stored as text or as an object, or the path if it names a file on this machine."""
    given = fields_of(raw)
    path, external, authority = (text_of(given.get(name)) for name in ("path", "external", "authority"))
    scheme = text_of(given.get("scheme")) or external.partition("://")[0] or "file"
    if scheme != "file" or authority:
        return f"{scheme}://{authority}{path}"
    return text_of(given.get("fsPath")) or external or path or text_of(raw)
