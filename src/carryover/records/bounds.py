"""How long names, paths and descriptions may be in what is kept between records."""

from __future__ import annotations

from typing import Final

SUBJECT_CHARS: Final = 1000
MAX_NAME_CHARS: Final = 300
MAX_PATH_CHARS: Final = 4096
SHORT_CHARS: Final = 200


def bounded(text: str, limit: int) -> str:
    """The beginning of `text`, cut between words so that no half of a secret is left that nobody would recognise."""
    if len(text) <= limit:
        return text
    head = text[:limit]
    kept = head.rsplit(maxsplit=1)[0] if len(head.split(maxsplit=1)) > 1 else ""
    return f"{kept} …" if kept else "…"
