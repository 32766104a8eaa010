"""The handoff on disk."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from carryover.fsio import private_dir, write_if_changed

STORE: Final = ".carryover"
HANDOFF: Final = "handoff.md"
HANDOFF_LIMIT_BYTES: Final = 64 << 10
"""More than any handoff has."""
IN_PROJECT: Final = f"{STORE}/{HANDOFF}"
"""Its path, as an agent at work in the project writes it."""


def place_of(folder: Path | None) -> str:
    """Where an agent at work in the project finds the handoff; `folder` is set where handoffs are kept apart."""
    return IN_PROJECT if folder is None else str(folder / HANDOFF)


def sha_of(text: bytes) -> str:
    """Identity of a handoff's text, by which the last published one is known."""
    return hashlib.sha256(text).hexdigest()[:16]


def write_handoff(folder: Path, text: str) -> bool:
    """Puts the handoff into `folder` (0700) as a file only its owner can read (0600). False when it was there already.

    Raises:
        OSError: the folder is another user's, or can't be written.
    """
    private_dir(folder)
    return write_if_changed(folder / HANDOFF, text.encode(errors="replace"), mode=0o600, follow=False)
